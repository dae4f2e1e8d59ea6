"""What stands between the network and a command: other sites, bodies, devices, addresses.

Why no token against forged requests: the device cookie is SameSite=Lax, so a request that another
site makes comes without it and acts for nobody. On top of that browsers say where a request comes
from: one of another origin is refused by Sec-Fetch-Site, or by Origin where that is missing. And
a body must be declared as JSON, which no form can, and which a script of another site may not
without a preflight, which is never granted: the gateway sends no CORS header for what it records.
Programs send neither header and have no cookies of others to abuse.
"""

import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from producers.gateway import identity
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.words import ORIGINS


BODY_BYTES = 4_096
"""Longest body: a vote needs some hundred bytes."""
KEY_CHARACTERS = 128
"""Longest Idempotency-Key: a UUID has 36."""
COOKIE_SECONDS = 31_536_000
"""A device is known for a year after its first vote: longer than any consultation lasts."""
SECURE_COOKIE = "__Host-scrutin-device"
"""The prefix makes browsers refuse it from a subdomain or over plain HTTP."""
LOOPBACK_COOKIE = "scrutin-device"
"""On this machine alone, where there is no TLS."""

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))
_OWN_SITES = frozenset(("same-origin", "none"))
_WEB, _API = ORIGINS.index("web"), ORIGINS.index("api")


class Device(NamedTuple):
    """Who asks, as far as a cookie tells."""

    id: bytes
    is_new: bool


def check_site(request: Request) -> None:
    """Refuse what a page of another site asks for."""
    headers = request.headers
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN_SITES:
        raise Refused(problems.OTHER_SITE)
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise Refused(problems.OTHER_SITE)


def origin_of(request: Request) -> int:
    """Give the index of the origin of an event: browsers say that they are."""
    return _WEB if "sec-fetch-site" in request.headers else _API


async def json_body(request: Request) -> bytes:
    """Read the body, within bounds."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise Refused(problems.NOT_JSON)
    if int(request.headers.get("content-length", "0")) > BODY_BYTES:
        raise Refused(problems.TOO_LARGE)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise Refused(problems.TOO_LARGE)
    return body


def idempotency_key(request: Request) -> str | None:
    """Read the Idempotency-Key; None without one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise Refused(problems.INVALID_KEY)
    return key


def network_of(request: Request) -> bytes:
    """Give the network a request comes from."""
    return identity.network_of(request.client.host) if request.client else b""


def device_of(request: Request, key: bytes) -> Device:
    """Give the device of the cookie, or a new one."""
    name = SECURE_COOKIE if _secure(request) else LOOPBACK_COOKIE
    cookie = request.cookies.get(name)
    device = identity.device_of(key, cookie) if cookie else None
    if device is None:
        return Device(secrets.token_bytes(identity.IDENTIFIER_BYTES), is_new=True)
    return Device(device, is_new=False)


def remember_device(request: Request, response: Response, device: Device, key: bytes) -> None:
    """Give a new device its cookie."""
    if not device.is_new:
        return
    secure = _secure(request)
    response.set_cookie(
        SECURE_COOKIE if secure else LOOPBACK_COOKIE, identity.device_cookie(key, device.id),
        max_age=COOKIE_SECONDS, path="/", secure=secure, httponly=True, samesite="lax")


def _secure(request: Request) -> bool:
    """Whether the cookie is for TLS only: always, but for plain HTTP on this very machine."""
    if request.scope["scheme"] == "https":
        return True
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name not in _LOOPBACK
