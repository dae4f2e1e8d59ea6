"""Who may see the operators' page: whoever has the token, or where there is none, this machine.

Theory of operation: where a token is set it is always asked for, on this machine too: a proxy of
this machine connects from here for the whole world, under a name that the visitor chooses, and
adds nothing by which it could be told if it was set up so. It is shown as a bearer or through the
form; the form's cookie holds a proof of the token that ends by itself, never the token.

Without a token a visitor of this machine connects from a loopback address, to a loopback name (a
page of another site can have a name of its own lead here), and nothing says that somebody stands
between. A proxy that keeps silent about itself cannot be told from a visitor here: who puts one
in front sets a token.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from views import asked, hosts


COOKIE = "operations"
COOKIE_SECONDS = 12 * 3_600
"""A shift: then the token is asked for again."""
FORWARDED = frozenset((
    "forwarded", "via", "x-real-ip", "x-real-port", "x-client-ip", "x-cluster-client-ip",
    "client-ip", "true-client-ip", "remote-addr", "x-remote-addr", "x-remote-ip", "x-proxyuser-ip",
    "x-original-forwarded-for", "x-original-host", "x-original-url", "x-original-uri",
    "x-rewrite-url", "x-host", "x-scheme", "x-url-scheme", "x-forwarded", "front-end-https",
    "cdn-loop", "fastly-client-ip", "fastly-ff", "fly-client-ip", "do-connecting-ip",
    "x-appengine-user-ip", "x-cloud-trace-context", "x-amzn-trace-id", "x-amz-cf-id",
    "x-nf-client-connection-ip", "x-varnish", "surrogate-capability", "x-request-id",
    "proxy-authorization", "proxy-connection", "max-forwards",
))
"""Headers by which a proxy says that it asks for somebody else."""
FORWARDED_BEGINNINGS = (
    "x-forwarded-", "cf-", "cloudfront-", "x-envoy-", "x-azure-", "x-arr-", "x-vercel-",
    "x-akamai-", "ssl-client-",
)
"""And how others of them begin."""


ORIGIN_CHARACTERS = 320
"""Longest Origin that may be ours: a name has at most 253, beside it stand a scheme and a port."""


class Outside(NamedTuple):
    """What shows that a request does not come from this machine, for itself."""

    sign: str
    """address, name, or proxy."""
    what: str
    """The address or name it came from or to; the header or protocol that a proxy speaks."""


class Access:
    """Decides who may see."""

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._clock = clock

    @property
    def has_token(self) -> bool:
        """Whether a token is asked for; without one nobody but this machine is let in."""
        return bool(self._token)

    def allowed(self, request: Request) -> bool:
        """Whether a request may see figures of operation."""
        if not self.has_token:
            return outside(request) is None
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(shown.strip()):
            return True
        return self._is_proof(asked.cookie_of(request, COOKIE) or "")

    def is_token(self, shown: str) -> bool:
        """Compare in a time that tells nothing of how much was right."""
        return self.has_token and hmac.compare_digest(shown.encode(), self._token)

    def remember(self, request: Request, response: Response) -> None:
        """Give the cookie to a visitor who has shown the token."""
        ends = int(self._clock()) + COOKIE_SECONDS
        response.set_cookie(
            COOKIE, f"{ends}.{self._proof(ends)}", max_age=COOKIE_SECONDS, path="/ops",
            httponly=True, samesite="strict", secure=asked.is_secure(request))

    def _is_proof(self, cookie: str) -> bool:
        moment, _, proof = cookie.partition(".")
        if not (self.has_token and moment.isascii() and moment.isdigit() and len(moment) < 16):
            return False
        same = hmac.compare_digest(proof.encode(), self._proof(int(moment)).encode())
        return same and int(moment) > self._clock()

    def _proof(self, ends: int) -> str:
        said = f"operations until {ends}".encode()
        return hmac.new(self._token, said, hashlib.sha256).hexdigest()


def outside(request: Request) -> Outside | None:
    """Say what shows that a request is not of this machine; None where nothing does."""
    proxy = _sign_of_a_proxy(request)
    if proxy is not None:
        return Outside("proxy", proxy)
    peer = request.client.host if request.client else ""
    if not hosts.is_loopback(peer):
        return Outside("address", peer)
    host = request.headers.get("host", "")
    if not hosts.is_loopback(hosts.name_in(host.encode("latin-1")) or ""):
        return Outside("name", host)
    return None


def _sign_of_a_proxy(request: Request) -> str | None:
    """Return the header by which a proxy shows itself.

    nginx, left as it comes, names its upstream as host and adds nothing; but it speaks HTTP/1.0, or
    closes after each answer, which no browser, no Prometheus and no process of ours does.
    """
    name: str
    for name in request.headers:
        if name in FORWARDED or name.startswith(FORWARDED_BEGINNINGS):
            return name
    if request.scope.get("http_version") == "1.0":
        return "HTTP/1.0"
    closing: str = request.headers.get("connection", "")
    return "connection: close" if closing.lower() == "close" else None


def from_another_site(request: Request) -> bool:
    """Whether a page of another site sends it, as browsers say by one of two headers.

    Such a page sees no answer, but could end an operator's session, or have wrong tokens counted
    against the network of whoever has it open. Programs send neither header.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin: str | None = request.headers.get("origin")
    if origin is None:
        return False
    try:
        named = urlsplit(origin[:ORIGIN_CHARACTERS]).netloc
    except ValueError:
        return True
    return named != request.headers.get("host")
