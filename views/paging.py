"""The results document in pages: a part of its proposals, and where the next part begins. Pure.

Theory of operation: an answer has a bound, and a document grows with the catalogue. So whoever asks
for `limit` proposals gets as many, beside everything else that the document says, and the address
of the page after them. That address names the publication: pages of one publication are of one
moment of the log, and put together they are the whole document. While somebody reads, newer ones
come: the publication of a first page is kept for some time (`Publications.paged`), and who comes
later than that begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from views.shown import Shown


WHOLE_PROPOSALS = 10_000
"""The largest document that is one answer: some 20 MB of JSON, two of them compressed."""
PAGE_PROPOSALS = 1_000
"""Proposals of a page, at most."""
NUMBER_DIGITS = 9
"""Longest number of an address: no consultation has a thousand million proposals."""
TAG_CHARACTERS = 64


class BadPage(Exception):
    """An address asks for no page that there can be."""


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    limit: int
    first: int = 0
    tag: str = ""
    """The publication that the page is of; empty: that of a first page."""


def asked(query: Mapping[str, str]) -> Asked | None:
    """Read `limit` and `cursor`; None where neither is asked for. Raises BadPage."""
    if "limit" not in query and "cursor" not in query:
        return None
    limit = number(query.get("limit", str(PAGE_PROPOSALS)))
    if not 1 <= limit <= PAGE_PROPOSALS:
        raise BadPage
    if "cursor" not in query:
        return Asked(limit)
    tag, _, first = query["cursor"].partition(".")
    if not 0 < len(tag) <= TAG_CHARACTERS:
        raise BadPage
    return Asked(limit, number(first), tag)


def number(text: str) -> int:
    """Read a whole number of an address. Raises BadPage."""
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS):
        raise BadPage
    return int(text)


def page(shown: Shown, tag: str, wanted: Asked) -> dict[str, Any]:
    """Make a page of what is shown under a tag; one beyond the last has no proposals."""
    names = [*shown.entries]
    after = wanted.first + wanted.limit
    return {
        **shown.frame, "proposals": shown.of(names[wanted.first:after]),
        "page": {
            "first": wanted.first, "limit": wanted.limit, "proposals": len(names),
            "next": _address(shown.frame["consultation"]["id"], wanted.limit, f"{tag}.{after}")
            if after < len(names) else None,
        },
    }


def _address(consultation: str, limit: int, cursor: str) -> str:
    query = urlencode({"limit": limit, "cursor": cursor})
    return f"/v1/consultations/{quote(consultation, safe='')}/results?{query}"
