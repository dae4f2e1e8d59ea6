"""Addresses of ClickHouse as they are set, as they may be shown, and as they are spoken to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Trust:
    """On whose word ClickHouse is believed by TLS, and by what it knows us. All are PEM files."""

    authorities: Path | None = None
    """Certificates of those who may sign the server's; those of the system without."""
    certificate: Path | None = None
    """Of this process, with its chain."""
    private_key: Path | None = None
    """Of the certificate; without it the certificate's own file."""


SCHEMES = ("http", "https")
CERTIFICATES = ("ca_cert", "client_cert", "client_cert_key")
"""What a client calls the parts of Trust."""


class AddressRefused(Exception):
    """An address of ClickHouse that is none; the message does not repeat it."""


def shown(url: str) -> str:
    """Leave user and password out of an address, for pages, logs and messages."""
    scheme, separator, rest = url.rpartition("://")
    network, slash, path = rest.partition("/")
    return f"{scheme}{separator}{network.rpartition('@')[2]}{slash}{path}"


def checked(url: str) -> str:
    """Return an address with a scheme, a host, a number as port, and nothing behind a `?`.

    Raises AddressRefused, without the words of whoever reads it: they would quote the password.
    """
    try:
        parts = urlsplit(url)
        # An @ in the path: a / in the password, which then ends what would be hidden of it.
        valid = (parts.scheme in SCHEMES and bool(parts.hostname) and "@" not in parts.path
                 and (parts.port is None or parts.port > 0))
    except ValueError:
        valid = False
    if not valid:
        raise AddressRefused(
            "SCRUTIN_CLICKHOUSE_URL is no address like https://user:password@host:8443. In user "
            "and password, write : / ? # @ and % as %3A %2F %3F %23 %40 and %25.")
    if parts.query or parts.fragment:
        # The client would take options from there, one of which believes whoever answers.
        raise AddressRefused(
            "SCRUTIN_CLICKHOUSE_URL has something behind its ? or #: SCRUTIN_CLICKHOUSE_CA, "
            "_CERTIFICATE and _PRIVATE_KEY say what there is to say, and a ? in a password is "
            "%3F.")
    return url


def way(url: str, trust: Trust) -> dict[str, Any]:
    """Return how a client is told to speak to an address: by its scheme, whatever its port.

    Of itself clickhouse-connect speaks TLS to the ports 443 and 8443 alone. Raises AddressRefused,
    also where there are certificates for an address that is spoken to in clear.
    """
    parts = urlsplit(checked(url))
    told: dict[str, Any] = {"dsn": url, "interface": parts.scheme}
    if parts.scheme != "https":
        if trust != Trust():
            raise AddressRefused(
                "SCRUTIN_CLICKHOUSE_CA or _CERTIFICATE is set, and SCRUTIN_CLICKHOUSE_URL is "
                "spoken to in clear: let it begin with https.")
        return told
    paths = trust.authorities, trust.certificate, trust.private_key
    for name, path in zip(CERTIFICATES, paths, strict=True):
        if path:
            told[name] = str(path)
    if trust.certificate:
        # Where there is a password too, both are asked for; else the certificate is who we are.
        told["tls_mode"] = "strict" if parts.password else "mutual"
    return told
