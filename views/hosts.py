"""The Host header: who it is for, by its own word. Pure.

Theory of operation: anybody may send anything as Host, and a library that makes an address of it
fails where it is none. So the servers look at it first, and refuse what no browser and no proxy
could send (RFC 9112, 3.2, asks them to): nothing behind them meets it.
"""

import functools
import ipaddress
import re


HOSTS_REMEMBERED = 256
"""Headers whose meaning is remembered: a deployment has a few names, an attacker has many, of at
most `HOST_BYTES` each."""
HOST_BYTES = 300
"""Longest header: a name has at most 253 letters, a port five digits."""
PORT_MAX = 65_535

_HOST = re.compile(rb"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?")


def name_in(host: bytes) -> str | None:
    """Return the name in a Host header, lower case and without brackets; None where it is none."""
    return _name_in(host) if len(host) <= HOST_BYTES else None


@functools.lru_cache(maxsize=HOSTS_REMEMBERED)
def _name_in(host: bytes) -> str | None:
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    name, address, port = found.groups()
    if port is not None and int(port) > PORT_MAX:
        return None
    if address is None:
        return str(name, "ascii").lower()
    try:
        return str(ipaddress.IPv6Address(address.decode()))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
