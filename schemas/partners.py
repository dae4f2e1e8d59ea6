"""Partners: organisations on whose sites people vote, and which sites those are. Pure.

A site stands in a policy that browsers follow, so that one that is no scheme and host alone is left
out wherever it comes from: it could say something else there. No site is a pattern: who may embed
is named one by one.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


DESCRIBED = "PartnerDescribed"
PARTNERS_MOST = 65_535
"""Highest number of a partner, as ballots have room for it."""
BALLOTS_MOST = 1_000_000
"""Highest limit of ballots a minute: more than all gateways take."""
BALLOTS_USUAL = 600
"""Where a file says none."""
SITE_CHARACTERS = 100
DIGEST = "^[0-9a-f]{64}$"
KEY = "^scrutin-[0-9a-f]{64}$"
"""256 random bits: the digest is public, and anything that people think up could be guessed from
it. No key looks like a digest, so that nobody publishes one by mistake."""
SITES_MOST = 16
"""Sites of a partner, at most: their policy stands in the head of each answer to the widget."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SITE = (rf"^(?:https://{_LABEL}(?:\.{_LABEL})*|http://(?:localhost|127\.0\.0\.1))"
        "(?::[0-9]{1,5})?$")
"""Plain HTTP on this very machine alone."""
_SITE = re.compile(SITE)
_USUAL_PORT = re.compile(r"(?<=^https)(://.+):443$|(?<=^http)(://.+):80$")
"""Browsers say no port of a site where it is the usual one."""
_KEY = re.compile(KEY)


def is_site(text: str) -> bool:
    """Whether a text is a site, as https://www.example.org: no path, no pattern, small letters."""
    return len(text) <= SITE_CHARACTERS and _SITE.fullmatch(text) is not None


def sites_of(described: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the sites on which a partner may embed, as browsers name them; none without a
    description."""
    return tuple(_USUAL_PORT.sub(r"\1\2", site)
                 for site in (described or {}).get("sites", ()) if is_site(site))


def digest_of(key: str) -> bytes:
    """Return what the catalogue has of a key."""
    return hashlib.sha256(key.encode()).digest()


def holds_key(described: Mapping[str, Any] | None, key: str) -> bool:
    """Whether a key is that of a partner, of its description: in the same time, right or wrong."""
    named = described["key_digest"] if described else b""
    return hmac.compare_digest(named, digest_of(key)) and _KEY.fullmatch(key) is not None


def site_of(address: str) -> str:
    """Return the site of a page's address; nothing where it has none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    site = f"{parts.scheme}://{parts.netloc}".lower()
    return site if is_site(site) else ""
