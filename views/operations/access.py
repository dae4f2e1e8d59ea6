"""Who may see the operators' page: this machine, and whoever has the token.

Theory of operation: a visitor of this machine connects from a loopback address, to a loopback name,
and nobody forwarded him. The last two are asked because a proxy of this machine connects from here
for the whole world, and a page of another site can have a name of its own lead here. All others
show the token, as a bearer or through the form; the form's cookie holds a proof of the token that
ends by itself, never the token.
"""

import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response


COOKIE = "operations"
COOKIE_SECONDS = 12 * 3_600
"""A shift: then the token is asked for again."""
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers by which a proxy says that it asks for somebody else."""


class Access:
    """Decides who may see."""

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._clock = clock

    @property
    def has_token(self) -> bool:
        """Whether others than this machine can be let in at all."""
        return bool(self._token)

    def allowed(self, request: Request) -> bool:
        """Whether a request may see figures of operation."""
        if is_local(request):
            return True
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(shown.strip()):
            return True
        return self._is_proof(request.cookies.get(COOKIE, ""))

    def is_token(self, shown: str) -> bool:
        """Compare in a time that tells nothing of how much was right."""
        return self.has_token and hmac.compare_digest(shown.encode(), self._token)

    def remember(self, request: Request, response: Response) -> None:
        """Give the cookie to a visitor who has shown the token."""
        ends = int(self._clock()) + COOKIE_SECONDS
        response.set_cookie(
            COOKIE, f"{ends}.{self._proof(ends)}", max_age=COOKIE_SECONDS, path="/ops",
            httponly=True, samesite="strict", secure=request.url.scheme == "https")

    def _is_proof(self, cookie: str) -> bool:
        moment, _, proof = cookie.partition(".")
        if not (self.has_token and moment.isascii() and moment.isdigit() and len(moment) < 16):
            return False
        same = hmac.compare_digest(proof.encode(), self._proof(int(moment)).encode())
        return same and int(moment) > self._clock()

    def _proof(self, ends: int) -> str:
        said = f"operations until {ends}".encode()
        return hmac.new(self._token, said, hashlib.sha256).hexdigest()


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, for itself."""
    if any(name in request.headers for name in FORWARDED):
        return False
    return bool(request.client and _is_loopback(request.client.host)
                and _is_loopback(request.url.hostname or ""))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
