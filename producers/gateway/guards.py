"""What stands between the network and a command: other sites, keys, devices, addresses.

Why no token against forged requests: the device cookie is SameSite=Lax, so a request that another
site makes comes without it and acts for nobody. On top of that browsers say where a request comes
from: one of another origin is refused by Sec-Fetch-Site, or by Origin where that is missing. And
a body must be declared as JSON, which no form can, and which a script of another site may not
without a preflight, which is never granted: the gateway sends no CORS header for what it records.
Programs send neither header and have no cookies of others to abuse.
"""

import functools
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from producers.gateway import door_marks, identity
from producers.gateway.door_marks import SOLVED, UNMARKED, Mark
from producers.gateway.drawing import DRAWN_COOKIE, DRAWN_SECONDS
from producers.gateway.exchange import Answer, Asked
from producers.gateway.identity import Key
from producers.gateway.refusals import Refused
from schemas import problems, visitors
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
WIDGET_COOKIE = "scrutin-widget"
"""The device's within a partner's site, and another device: one for each such site, for browsers
keep these cookies apart by it, and none that votes on our own pages. With the same prefix."""
BEARER_COOKIE = "scrutin-bearer-"
"""Of what stands for the code that was given, in consultations that ask for one: with the prefix,
and behind it so many digits of a hash of the consultation's name..."""
BEARER_DIGITS = 12
BROWSERS_REMEMBERED = 32_768
"""Cookie headers that are remembered, with whom they stand for: who votes is back within seconds,
many times. Some 30 MB at most, for each has at most..."""
REMEMBERED_BYTES = 256
"""... so many bytes: a device, its mark and a language have half of that. Longer ones are read
anew each time."""
ORIGINS_REMEMBERED = 64
"""Origins whose host is remembered: a deployment has one, an attacker has many, of at most..."""
ORIGIN_BYTES = 320
"""... so many bytes each: a name has at most 253, beside it stand a scheme and a port."""
ADDRESSES_REMEMBERED = 16_384
"""Client addresses whose network is remembered, 4 MB: parsing one takes longer than signing."""

_KEY = re.compile(rf"[!-~]{{1,{KEY_CHARACTERS}}}")
_LOOPBACK = frozenset((b"127.0.0.1", b"localhost", b"[::1]"))
_OWN_SITES = frozenset((b"same-origin", b"none"))
_DRAWN = DRAWN_COOKIE.encode()
"""Begins the name of the widget's, too."""
_BY_CODE = Mark(SOLVED, 0)
_WEB, _WIDGET, _API = map(ORIGINS.index, ("web", "widget", "api"))


@dataclass(frozen=True, eq=False)
class CookieNames:
    """What the cookies of a device are called, and to whom browsers give them."""

    device: str
    mark: str
    drawn: str
    bearer: str
    """Begins the name of each consultation's."""
    given_to: str


_SECURE = CookieNames(
    SECURE_COOKIE, f"__Host-{KNOWN_COOKIE}", DRAWN_COOKIE, f"__Host-{BEARER_COOKIE}",
    "SameSite=Lax; Secure")
_LOCAL = CookieNames(
    LOOPBACK_COOKIE, KNOWN_COOKIE, DRAWN_COOKIE, BEARER_COOKIE, "SameSite=Lax")
_SECURE_WIDGET, _LOCAL_WIDGET = (
    CookieNames(f"{prefix}{WIDGET_COOKIE}", f"{prefix}{WIDGET_COOKIE}-known",
                f"{DRAWN_COOKIE}-widget", f"{prefix}{WIDGET_COOKIE}-bearer-",
                visitors.EMBEDDED) for prefix in ("__Host-", ""))


class Device(NamedTuple):
    """Who asks, as far as cookies tell."""

    id: bytes
    is_new: bool
    mark: Mark = UNMARKED
    """What makes it known at the door."""


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
    if asked.via:
        return _WIDGET
    return _WEB if b"sec-fetch-site" in asked.headers else _API


def idempotency_key(asked: Asked) -> str | None:
    """Read the Idempotency-Key; None without one."""
    key = asked.header(b"idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(problems.INVALID_KEY)
    return key


def bearer_of(asked: Asked) -> str:
    """Return the key that a program shows; empty where it shows none."""
    kind, _, key = (asked.header(b"authorization") or "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


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
    """Return the device of the cookies, or a new one."""
    header = asked.headers.get(b"cookie")
    if header is not None:
        read = _remembered if len(header) <= REMEMBERED_BYTES else _device_of
        device = read(key, header, _names(asked))
        if device is not None:
            return device
    return Device(secrets.token_bytes(identity.IDENTIFIER_BYTES), is_new=True)


def _device_of(key: Key, header: bytes, names: CookieNames) -> Device | None:
    """Read the device of a cookie header, and its mark; None where we did not sign it."""
    text = header.decode("latin-1")
    cookie = visitors.cookie(text, names.device)
    device = identity.device_of(key, cookie) if cookie is not None else None
    if device is None:
        return None
    mark = visitors.cookie(text, names.mark) if names.mark in text else None
    return Device(device, is_new=False, mark=(
        UNMARKED if mark is None else door_marks.mark_of(key, device, mark)))


_remembered = functools.lru_cache(maxsize=BROWSERS_REMEMBERED)(_device_of)


def remember_mark(asked: Asked, answer: Answer, device: Device, mark: Mark, key: Key) -> None:
    """Let the browser of a device keep its mark."""
    _set_cookie(asked, answer, _names(asked).mark,
                door_marks.mark_text(key, device.id, mark), "/", COOKIE_SECONDS)


def _names(asked: Asked) -> CookieNames:
    if asked.via:
        return _SECURE_WIDGET if is_secure(asked) else _LOCAL_WIDGET
    return _SECURE if is_secure(asked) else _LOCAL


def remember_device(asked: Asked, answer: Answer, device: Device, key: Key) -> None:
    """Give a new device its cookie."""
    names = _names(asked)
    _set_cookie(
        asked, answer, names.device, identity.device_cookie(key, device.id), "/", COOKIE_SECONDS)
    # It was another device's: this earns its own.
    if names.mark.encode() in asked.headers.get(b"cookie", b""):
        _set_cookie(asked, answer, names.mark, "", "/", 0)


def named_by(
    asked: Asked, key: Key, consultation: str, device: Device, *, by_code: bool
) -> tuple[bytes | None, Mark]:
    """Return what a voter is named by, and how that is known at the door.

    The device; where the consultation asks for codes what stands for one, None without. Who has a
    code has more than the door could ask for.
    """
    if not by_code:
        return device.id, device.mark
    cookie = asked.cookie(_bearer_name(asked, consultation))
    return (cookie and identity.bearer_of(key, cookie, consultation)) or None, _BY_CODE


def keep_bearer(
    asked: Asked, answer: Answer, bearer: bytes | None, consultation: str, key: Key
) -> None:
    """Let the browser keep what stands for a code; None: forget it."""
    value = identity.bearer_cookie(key, bearer, consultation) if bearer else ""
    _set_cookie(asked, answer, _bearer_name(asked, consultation), value, "/",
                COOKIE_SECONDS if bearer else 0)


def _bearer_name(asked: Asked, consultation: str) -> str:
    # An identifier may have letters that the name of a cookie may not.
    return _names(asked).bearer + hashlib.sha256(consultation.encode()).hexdigest()[:BEARER_DIGITS]


def drawn_of(asked: Asked) -> str | None:
    """Return the sequence that waits in the browser; None without one."""
    # Of ten thousand votes a second only a voter's first one has it.
    if _DRAWN not in asked.headers.get(b"cookie", b""):
        return None
    return asked.cookie(_names(asked).drawn)


def keep_drawn(asked: Asked, answer: Answer, waiting: str, path: str) -> None:
    """Let the browser keep a sequence for the addresses below a path; an empty one ends it."""
    seconds = DRAWN_SECONDS if waiting else 0
    _set_cookie(asked, answer, _names(asked).drawn, waiting, path, seconds)


def _set_cookie(
    asked: Asked, answer: Answer, name: str, value: str, path: str, seconds: int
) -> None:
    given_to = _names(asked).given_to
    cookie = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; {given_to}"
    answer.cookies = (*answer.cookies, cookie.encode())


def is_secure(asked: Asked) -> bool:
    """Whether the cookie is for TLS only: always, but for plain HTTP on this very machine."""
    if asked.scope["scheme"] == "https":
        return True
    host = asked.headers.get(b"host", b"")
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name not in _LOOPBACK
