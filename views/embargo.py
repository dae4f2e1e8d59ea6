"""Shares that stay hidden until voting has closed. Pure.

Theory of operation: a consultation may ask for it in its description. Whoever shows results takes
them from `views.documents`, and there, at one place, an embargoed document loses every number
that tells how people voted: choices, qualifications, shares, intervals, scores, zones, ranks, and
the order that is made from them. How many voted stays. The log itself says when voting closed:
no clock lifts an embargo, and the announced closing is only told.
"""

from collections.abc import Mapping
from typing import Any

from processors.results.catalogue import Consultation
from schemas import words


def embargoed(known: Consultation | None, state: str) -> bool:
    """Whether shares are hidden; a description older than the field never asks for it."""
    described = known.described if known else None
    return state == "open" and bool(described and described.get("shares_embargoed", False))


def concealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without any share, and with the closing that was announced."""
    return {
        **document,
        "shares": None,
        "embargoed_until": document["consultation"]["closes_at"],
        "totals": concealed_entry(document["totals"]),
        "ideas": [concealed_entry(entry) for entry in document["ideas"]],
        "proposals": [concealed_entry(entry) for entry in document["proposals"]],
        "controversial": [],
    }


HIDDEN = ("shares", "intervals", "scores", "zone", "rank", "drawn_rank", "apart")
"""What an entry holds that is made from how people voted."""


def concealed_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts of a proposal, an idea or a whole consultation without how people voted."""
    shown = {name: None if name in HIDDEN else value for name, value in entry.items()}
    # By which route they came says nothing of how people voted: of drawn votes the number stays.
    return {**shown, **{name: {"votes": entry[name]["votes"]}
                        for name in ("counted", "drawn") if name in entry}}


def by_choice(counted: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts by choice, none where they are concealed."""
    return {name: counted[name] for name in words.CHOICES if name in counted}
