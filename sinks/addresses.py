"""Addresses of ClickHouse as they are set, and as they may be shown."""

from urllib.parse import urlsplit


class AddressRefused(Exception):
    """An address of ClickHouse that is none; the message does not repeat it."""


def shown(url: str) -> str:
    """Leave user and password out of an address, for pages, logs and messages."""
    scheme, separator, rest = url.rpartition("://")
    network, slash, path = rest.partition("/")
    return f"{scheme}{separator}{network.rpartition('@')[2]}{slash}{path}"


def checked(url: str) -> str:
    """Return an address that has a host and a number as port.

    Raises AddressRefused, without the words of whoever reads it: they would quote the password.
    """
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise AddressRefused(
            "SCRUTIN_CLICKHOUSE_URL is no address like http://user:password@host:8123. In user "
            "and password, write : / ? # @ and % as %3A %2F %3F %23 %40 and %25.")
    return url
