"""All proposals, fifty a page: search, filters and order come from the address.

Theory of operation: the address is the whole state, so that a list can be shared, and each of its
parts is checked against what the document holds before anything is done: a part that is not
understood is named, never ignored. Orders by a share use the lower bound of its interval, so that
three votes of three do not lead the list. Under embargo only orders and filters remain that say
nothing about how people vote.
"""

import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from processors.results.results_document import shares_hidden
from processors.results.scores import RANKED_VOTES
from views.pages import changes
from views.pages.glance import ZONES
from views.pages.results_page import PERCENT_VOTES, moments, row


PAGE_ROWS = 50
"""Proposals of a page."""

SEARCH_CHARACTERS = 100
"""Longest search: more words than anybody types, and a bound on the work of finding them."""

NUMBER_DIGITS = 9
"""Longest number of a filter: no consultation has a thousand million votes."""

SORTS = ("votes", "score", "agree", "disagree", "neutral", "controversy", "catalogue")
"""Orders; the first is taken where none is asked for."""

EMBARGOED_SORTS = ("votes", "catalogue")
"""Orders that say nothing about how people vote."""

FILTERS = ("q", "theme", "idea", "zone", "min_votes", "sort", "page")
"""Parts of the address that this page reads, in the order they are written."""

Entry = Mapping[str, Any]


class BadPart(Exception):
    """A part of the address is not understood; `name` is one of FILTERS."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NoSuchPage(Exception):
    """The list has fewer pages; `pages` says how many."""

    def __init__(self, pages: int) -> None:
        super().__init__(pages)
        self.pages = pages


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    q: str = ""
    theme: str = ""
    idea: str = ""
    zone: str = ""
    min_votes: int = 0
    sort: str = SORTS[0]
    page: int = 1

    def query(self, **changes: Any) -> str:
        """Write the address of this list, or of one that differs: a query with its mark."""
        wanted, plain = replace(self, **changes), Asked()
        parts = {name: getattr(wanted, name) for name in FILTERS
                 if getattr(wanted, name) != getattr(plain, name)}
        return f"?{urlencode(parts)}" if parts else ""

    @property
    def filtered(self) -> bool:
        return bool(self.q or self.theme or self.idea or self.zone or self.min_votes)


def asked(parts: Mapping[str, str], document: Entry) -> Asked:
    """Read the address; raise BadPart where it names what is not there."""
    hidden = shares_hidden(document)
    q = " ".join(parts.get("q", "").split())
    if len(q) > SEARCH_CHARACTERS:
        raise BadPart("q")
    return Asked(
        q=q,
        theme=_one_of(parts, "theme", (theme["id"] for theme in document["themes"])),
        idea=_one_of(parts, "idea", (idea["id"] for idea in document["ideas"])),
        zone=_one_of(parts, "zone", () if hidden else ZONES),
        min_votes=_number(parts, "min_votes", 0),
        sort=_one_of(parts, "sort", EMBARGOED_SORTS if hidden else SORTS) or SORTS[0],
        page=max(_number(parts, "page", 1), 1),
    )


def _one_of(parts: Mapping[str, str], name: str, known: Iterable[str]) -> str:
    value = parts.get(name, "")
    if value and value not in known:
        raise BadPart(name)
    return value


def _number(parts: Mapping[str, str], name: str, default: int) -> int:
    text = parts.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS):
        raise BadPart(name)
    return int(text)


def found(document: Entry, wanted: Asked) -> list[Entry]:
    """Return the proposals that pass the filters, in order; all pages of them."""
    ideas = _ideas_of(document, wanted)
    words = folded(wanted.q).split()
    passed = [
        entry for entry in document["proposals"]
        if entry["counted"]["votes"] >= wanted.min_votes
        and (ideas is None or entry["idea"] in ideas)
        and (not wanted.zone or entry["zone"] == wanted.zone)
        and (not words or _holds(entry, words, wanted.q))
    ]
    order = _ORDERS.get(wanted.sort)
    return sorted(passed, key=order) if order else passed


def _ideas_of(document: Entry, wanted: Asked) -> set[str] | None:
    if not (wanted.idea or wanted.theme):
        return None
    return {
        idea["id"] for idea in document["ideas"]
        if wanted.idea in ("", idea["id"]) and wanted.theme in ("", idea["theme"])
    }


def _holds(entry: Entry, words: list[str], identifier: str) -> bool:
    texts = [*(entry["text"] or {}).values(), (entry["author"] or {}).get("name") or ""]
    text = folded(" ".join(texts))
    return entry["id"] == identifier or all(word in text for word in words)


_ONE_LETTER = str.maketrans({
    "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ŋ": "ng",
    **dict.fromkeys("’‘ʼʹ′`´", "'"), **dict.fromkeys("‐‑‒–—―−", "-"),
})
"""Letters and marks that are typed in several ways, and are no letter with an accent."""


@functools.lru_cache(maxsize=16_384)
def folded(text: str) -> str:
    """Write a text as it is searched: as somebody types it who cares for no case and no accent.

    Ligatures are two letters, apostrophes and hyphens one each; what nobody sees (soft hyphens,
    characters without width) is not there, and spaces of any kind are spaces.
    """
    parts = unicodedata.normalize("NFKD", text.translate(_ONE_LETTER).casefold())
    seen = "".join(character for character in parts.translate(_ONE_LETTER)
                   if unicodedata.category(character) not in ("Mn", "Me", "Cf", "Cc")
                   or character in "\t\n\r")
    return " ".join(seen.split())


def _by_votes(entry: Entry) -> tuple[Any, ...]:
    return (-entry["counted"]["votes"], entry["id"])


def _by_score(entry: Entry) -> tuple[Any, ...]:
    rank = entry["rank"]
    return (not rank, rank["position"] if rank else 0, *_by_votes(entry))


def _by_controversy(entry: Entry) -> tuple[Any, ...]:
    if entry["counted"]["votes"] < RANKED_VOTES:
        return (True, 0.0, *_by_votes(entry))
    score = entry["scores"]["controversy"]
    return (False, score["margin"] - score["value"], *_by_votes(entry))


def _by_share(choice: str, entry: Entry) -> tuple[Any, ...]:
    interval = entry["intervals"].get(choice)
    return (-interval[0] if interval else 1.0, *_by_votes(entry))


_ORDERS: dict[str, Callable[[Entry], tuple[Any, ...]]] = {
    "votes": _by_votes,
    "score": _by_score,
    "controversy": _by_controversy,
    **{choice: functools.partial(_by_share, choice) for choice in ("agree", "disagree", "neutral")},
}
"""How each order sorts; the catalogue's is that of the document."""


def page(document: Entry, wanted: Asked, *, phase: str, published_at: int | None) -> dict[str, Any]:
    """Arrange one page for the template; raise NoSuchPage beyond the last."""
    entries = found(document, wanted)
    pages = max(1, -(-len(entries) // PAGE_ROWS))
    if wanted.page > pages:
        raise NoSuchPage(pages)
    first = (wanted.page - 1) * PAGE_ROWS
    shown = entries[first:first + PAGE_ROWS]
    embargoed = shares_hidden(document)
    return {
        **frame(document, wanted, phase=phase, published_at=published_at),
        "rows": [{
            "entry": entry, "drawn": None, **changes.marked(entry),
        } if embargoed else row(entry) for entry in shown],
        "ranked_proposals": sum(1 for entry in document["proposals"] if entry["rank"]),
        "ranked_drawn": sum(1 for entry in document["proposals"] if entry.get("drawn_rank")),
        "first": first + 1, "count": len(entries), "pages": pages, "fault": None,
    }


def fault(document: Entry, fault_name: str, *, phase: str, pages: int = 1) -> dict[str, Any]:
    """Arrange the page that says which part of the address is not understood."""
    made = frame(document, Asked(), phase=phase, published_at=None)
    return {**made, "rows": [], "first": 1, "count": 0, "pages": pages, "fault": fault_name}


def frame(
    document: Entry, wanted: Asked, *, phase: str, published_at: int | None
) -> dict[str, Any]:
    """Return what the page shows around its list."""
    embargoed = shares_hidden(document)
    grouped = {idea for theme in document["themes"] for idea in theme["ideas"]}
    return {
        "document": document, "consultation": document["consultation"], "embargoed": embargoed,
        "asked": wanted, "sorts": EMBARGOED_SORTS if embargoed else SORTS,
        "zones": () if embargoed else ZONES, "search_characters": SEARCH_CHARACTERS,
        "number_most": 10 ** NUMBER_DIGITS - 1, "phase": phase,
        "idea_titles": {idea["id"]: idea["title"] for idea in document["ideas"]},
        "ideas_without_theme": [
            idea["id"] for idea in document["ideas"] if idea["id"] not in grouped],
        "moments": moments(document["consultation"], published_at),
        "percent_votes": PERCENT_VOTES,
    }
