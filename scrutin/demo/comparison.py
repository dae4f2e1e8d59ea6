"""Compare a results document with the published figures of the campaign. Pure.

The published file stands beside this module; the simulator has a copy of its own. So a figure
changed here, or there, makes the demo fail: nothing between them knows the figures.
"""

from dataclasses import dataclass
from typing import Any

from processors.results.results_document import flat
from processors.results.scores import percent
from schemas.words import CHOICES


@dataclass(frozen=True)
class Check:
    """One figure: what was published, what was counted."""

    subject: str
    figure: str
    published: Any
    counted: Any
    votes: int = 0
    """Counted votes a share is taken of; 0 for other figures."""

    @property
    def equal(self) -> bool:
        return bool(self.published == self.counted)


def compare(document: dict[str, Any], published: dict[str, Any]) -> list[Check]:
    """Compare key figures, ideas, controversial proposals and the conservation law."""
    return [
        *_key_figures(document, published["published"]),
        *_ideas(document, published),
        *_controversial(document, published["controversial"]),
        *_conservation(document),
    ]


def _key_figures(document: dict[str, Any], published: dict[str, Any]) -> list[Check]:
    totals = document["totals"]
    votes = totals["counted"]["votes"]
    return [
        Check("campaign", "proposals", published["proposals"], totals["proposals"]),
        Check("campaign", "participants", published["participants"], totals["participants"]),
        Check("campaign", "votes", published["votes"], votes),
        Check("campaign", "percent of the target", published["target_percent"],
              percent(votes, published["votes_target"])),
        Check("campaign", "state", "final", document["state"]),
    ]


def _ideas(document: dict[str, Any], published: dict[str, Any]) -> list[Check]:
    found = {idea["id"]: idea for idea in document["ideas"]}
    wanted = [idea for theme in published["themes"] for idea in theme["ideas"]]
    checks = [Check("campaign", "ideas", [idea["id"] for idea in wanted], list(found))]
    for idea in wanted:
        if idea["id"] in found:
            checks += _shares(idea, found[idea["id"]], ("agree", "like_it", "doable"))
    return checks


def _controversial(document: dict[str, Any], wanted: list[dict[str, Any]]) -> list[Check]:
    found = {proposal["id"]: proposal for proposal in document["proposals"]}
    first = document["controversial"][:len(wanted)]
    checks = [Check("campaign", "first controversial proposals",
                    sorted(p["id"] for p in wanted), sorted(first))]
    for proposal in wanted:
        if proposal["id"] in found:
            checks += _shares(proposal, found[proposal["id"]], ("agree", "disagree"))
    return checks


def _shares(
    wanted: dict[str, Any], block: dict[str, Any], names: tuple[str, ...]
) -> list[Check]:
    counts, votes = flat(block), block["counted"]["votes"]
    return [
        Check(wanted["id"], name, wanted[name], percent(counts[name], votes) if votes else None,
              votes)
        for name in names
    ]


def _conservation(document: dict[str, Any]) -> list[Check]:
    """Votes received = all that became of them: in total, and for every proposal."""
    broken = sum(received(block) != accounted(block) for block in document["proposals"])
    totals = document["totals"]
    return [
        Check("conservation", "votes accounted for", received(totals), accounted(totals)),
        Check("conservation", "proposals where it fails", 0, broken),
        Check("conservation", "unknown proposals", 0, totals["unknown_proposals"]),
    ]


def received(block: dict[str, Any]) -> int:
    """Return the votes received."""
    return int(block["received"])


def accounted(block: dict[str, Any]) -> int:
    """Add up everything that can become of a vote."""
    counts = flat(block)
    became = [name for name in counts if name.startswith(("set_aside_", "refused_"))]
    became += ["superseded", "withdrawn", "unchanged", "repeated", "proven", "late"]
    return sum(counts[name] for name in (*CHOICES, *became))
