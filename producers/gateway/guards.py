"""What stands between the network and a command: other sites, keys, devices, addresses.

Why no token against forged requests: the device cookie is SameSite=Lax, so a request that another
site makes comes without it and acts for nobody. On top of that browsers say where a request comes
from: one of another origin is refused by Sec-Fetch-Site, or by Origin where that is missing. And
a body must be declared as JSON, which no form can, and which a script of another site may not
without a preflight, which is never granted: the gateway sends no CORS header for what it records.
Programs send neither header and have no cookies of others to abuse.
"""

import functools
import re
import secrets
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from producers.gateway import door_marks, identity
from producers.gateway.door_marks import UNMARKED, Mark
from producers.gateway.drawing import DRAWN_COOKIE, DRAWN_SECONDS
from producers.gateway.exchange import Answer, Asked
from producers.gateway.identity import Key
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.words import ORIGINS


KEY_CHARACTERS = 128
"""Longest Idempotency-Key: a UUID has 36."""
COOKIE_SECONDS = 31_536_000
"""A device is known for a year after its first vote: longer than any consultation lasts."""
SECURE_COOKIE = "__Host-scrutin-device"
"""The prefix makes browsers refuse it from a subdomain or over plain HTTP."""
LOOPBACK_COOKIE = "scrutin-device"
"""On this machine alone, where there is no TLS."""
KNOWN_COOKIE = "scrutin-known"
"""Of the mark that makes a device known at the door; with the prefix where the device's has it."""
DEVICES_REMEMBERED = 65_536
"""Cookies whose device is remembered, some 20 MB: who votes is back within seconds, many times."""
MARKS_REMEMBERED = 32_768
"""Marks that are remembered, some 15 MB: fewer, for not everybody has one."""
ORIGINS_REMEMBERED = 64
"""Origins whose host is remembered: a deployment has one, an attacker has many, of at most..."""
ORIGIN_BYTES = 320
"""... so many bytes each: a name has at most 253, beside it stand a scheme and a port."""
ADDRESSES_REMEMBERED = 16_384
"""Client addresses whose network is remembered, 4 MB: parsing one takes longer than signing."""

_KEY = re.compile(rf"[!-~]{{1,{KEY_CHARACTERS}}}")
_LOOPBACK = frozenset((b"127.0.0.1", b"localhost", b"[::1]"))
_OWN_SITES = frozenset((b"same-origin", b"none"))
_DRAWN, _KNOWN = DRAWN_COOKIE.encode(), KNOWN_COOKIE.encode()
_WEB, _API = ORIGINS.index("web"), ORIGINS.index("api")


class Device(NamedTuple):
    """Who asks, as far as a cookie tells."""

    id: bytes
    is_new: bool


def check_site(asked: Asked) -> None:
    """Refuse what a page of another site asks for."""
    headers = asked.headers
    site = headers.get(b"sec-fetch-site")
    if site is not None and site not in _OWN_SITES:
        raise Refused(problems.OTHER_SITE)
    origin = headers.get(b"origin")
    if origin is not None and (
            len(origin) > ORIGIN_BYTES or _host_of(origin) != headers.get(b"host")):
        raise Refused(problems.OTHER_SITE)


@functools.lru_cache(maxsize=ORIGINS_REMEMBERED)
def _host_of(origin: bytes) -> bytes:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return b""


def origin_of(asked: Asked) -> int:
    """Return the index of the origin of an event: browsers say that they are."""
    return _WEB if b"sec-fetch-site" in asked.headers else _API


def idempotency_key(asked: Asked) -> str | None:
    """Read the Idempotency-Key; None without one."""
    key = asked.header(b"idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(problems.INVALID_KEY)
    return key


def network_of(asked: Asked) -> bytes:
    """Return the network a request comes from: UNKNOWN_NETWORK where nothing says so."""
    client = asked.scope.get("client")
    address = client[0] if client else None
    # Whoever is believed as a proxy can name an address of any length: only short ones are kept.
    if not address or len(address) > identity.ADDRESS_CHARACTERS:
        return identity.UNKNOWN_NETWORK
    return _network_of(address)


_network_of = functools.lru_cache(maxsize=ADDRESSES_REMEMBERED)(identity.network_of)


def device_of(asked: Asked, key: Key) -> Device:
    """Return the device of the cookie, or a new one."""
    cookie = asked.cookie(SECURE_COOKIE if is_secure(asked) else LOOPBACK_COOKIE)
    # None of another length is one of ours, or may be remembered: anybody can send long ones.
    ours = cookie is not None and len(cookie) == identity.COOKIE_CHARACTERS
    device = _device_of(key, cookie) if ours else None
    if device is None:
        return Device(secrets.token_bytes(identity.IDENTIFIER_BYTES), is_new=True)
    return Device(device, is_new=False)


_device_of = functools.lru_cache(maxsize=DEVICES_REMEMBERED)(identity.device_of)


def mark_reader(asked: Asked, device: Device, key: Key) -> Callable[[], Mark] | None:
    """Give what reads the mark of the device that asks; None where it brings none.

    It is read where it matters alone: for votes.
    """
    if _KNOWN not in asked.headers.get(b"cookie", b""):
        return None
    return functools.partial(_read_mark, asked, device, key)


def _read_mark(asked: Asked, device: Device, key: Key) -> Mark:
    text = asked.cookie(_known_name(asked))
    if text is None or len(text) != door_marks.MARK_CHARACTERS:
        return UNMARKED
    return _mark_of(key, device.id, text)


_mark_of = functools.lru_cache(maxsize=MARKS_REMEMBERED)(door_marks.mark_of)


def remember_mark(asked: Asked, answer: Answer, device: Device, mark: Mark, key: Key) -> None:
    """Let the browser of a device keep its mark."""
    _set_cookie(asked, answer, _known_name(asked), door_marks.mark_text(key, device.id, mark), "/",
                COOKIE_SECONDS)


def _known_name(asked: Asked) -> str:
    return f"__Host-{KNOWN_COOKIE}" if is_secure(asked) else KNOWN_COOKIE


def remember_device(asked: Asked, answer: Answer, device: Device, key: Key) -> None:
    """Give a new device its cookie."""
    name = SECURE_COOKIE if is_secure(asked) else LOOPBACK_COOKIE
    _set_cookie(asked, answer, name, identity.device_cookie(key, device.id), "/", COOKIE_SECONDS)
    if _KNOWN in asked.headers.get(b"cookie", b""):  # It was another device's: this earns its own.
        _set_cookie(asked, answer, _known_name(asked), "", "/", 0)


def drawn_of(asked: Asked) -> str | None:
    """Return the sequence that waits in the browser; None without one."""
    # Of ten thousand votes a second only a voter's first one has it.
    if _DRAWN not in asked.headers.get(b"cookie", b""):
        return None
    return asked.cookie(DRAWN_COOKIE)


def keep_drawn(asked: Asked, answer: Answer, waiting: str, path: str) -> None:
    """Let the browser keep a sequence for the addresses below a path; an empty one ends it."""
    seconds = DRAWN_SECONDS if waiting else 0
    _set_cookie(asked, answer, DRAWN_COOKIE, waiting, path, seconds)


def _set_cookie(
    asked: Asked, answer: Answer, name: str, value: str, path: str, seconds: int
) -> None:
    secure = "; Secure" if is_secure(asked) else ""
    cookie = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    answer.cookies = (*answer.cookies, cookie.encode())


def is_secure(asked: Asked) -> bool:
    """Whether the cookie is for TLS only: always, but for plain HTTP on this very machine."""
    if asked.scope["scheme"] == "https":
        return True
    host = asked.headers.get(b"host", b"")
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name not in _LOOPBACK
