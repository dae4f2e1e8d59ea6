"""The page of one proposal, or of one idea: what somebody who shares it leads to. Pure."""

from collections.abc import Mapping
from typing import Any

from processors.results.results_document import shares_hidden
from views.pages import cards, changes
from views.pages.results_page import moments, row
from views.shown import Shown


PROPOSALS_SHOWN = 10
"""Of an idea, those with the most votes."""


def page(
    shown: Shown, kind: str, entry: Mapping[str, Any], *, published_at: int | None, phase: str,
    address: str, embeddable: bool,
) -> dict[str, Any]:
    """Arrange it for the template; `address` is where people reach the pages."""
    frame, hidden = shown.frame, shares_hidden(shown.frame)

    def arranged(each: Mapping[str, Any]) -> dict[str, Any]:
        return ({"entry": each, "drawn": None, **changes.marked(each)} if hidden else row(each))

    of_idea = [] if kind == "proposal" else shown.of(_most_voted(shown, entry["id"]))
    ideas = {idea["id"]: idea for idea in frame["ideas"]}
    return {
        "document": frame, "consultation": frame["consultation"], "embargoed": hidden,
        "kind": kind, "row": arranged(entry), "rows": [arranged(each) for each in of_idea],
        "idea": ideas.get(entry.get("idea") or ""),
        "ranked": _ranked(shown, kind), "ranked_proposals": len(shown.ranks),
        "moments": moments(frame["consultation"], published_at), "phase": phase,
        "address": address, "embeddable": embeddable,
        "card_of": cards.said,
    }


def _most_voted(shown: Shown, idea: str) -> list[str]:
    """Name the proposals of an idea with the most votes, whose number nothing hides."""
    names = [name for name, each in shown.entries.items() if each.get("idea") == idea]
    names.sort(key=lambda name: -shown.entries[name]["counted"]["votes"])
    return names[:PROPOSALS_SHOWN]


def _ranked(shown: Shown, kind: str) -> int:
    """Count those that have a rank."""
    if kind == "proposal":
        return len(shown.ranks)
    return sum(1 for idea in shown.frame["ideas"] if idea["rank"])
