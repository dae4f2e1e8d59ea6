"""From the records of a whole flush back to the published numbers of a consultation. Pure."""

from collections.abc import Mapping
from typing import Any

from processors.results import rankings, results_document, routes
from processors.results.results_document import AsOf, Published
from schemas import codec
from schemas.scored_counts import first_counts
from schemas.words import CHOICES


Figures = Mapping[str, Mapping[str, Any]]
"""What `read` gave of each record, by kind and identifier, as the keys of the records name them."""


def read(value: bytes) -> Any:
    """Read a record in the form that the results document is made from; raise Undecodable."""
    if (ranking := rankings.read(value)) is not None:
        return ranking
    event, fields = codec.decode(value)
    if event in ("ProposalScored", "IdeaScored"):
        entry = fields["entry"]
        return results_document.block(entry["counts"], entry["shares"], entry["intervals"],
                                      entry["scores"], entry["zone"])
    if event == "ConsultationScored":
        return {**fields, "counts": results_document.entry(fields["counts"])}
    if event == "RoutesCounted":
        counts = [fields[name] for name in routes.ROUTE_COUNTS]
        return {"rules_version": fields["rules_version"], **routes.routed(counts)}
    return fields


def choices(value: bytes) -> tuple[int, ...]:
    """Read of a proposal's record its counted votes alone, in the order of words.CHOICES.

    Raises Undecodable where it cannot be read as far as that.
    """
    return first_counts(value, 1 + len(CHOICES))[1:]


def published(consultation: str, found: Figures, marker: Mapping[str, Any]) -> Published:
    """Put what was read together; `marker` has the fields of the flush's ResultsPublished."""
    ranking = rankings.joined(found.get("ranking", {}))
    return Published(
        consultation=consultation,
        as_of=AsOf(tuple(marker["offsets"]), marker["catalogue_offset"],
                   marker["participants_offset"]),
        proposals=dict(found.get("proposal", {})), ideas=dict(found.get("idea", {})),
        totals=_totals(found), proposal_ranks=ranking["proposals"],
        idea_ranks=ranking["ideas"], controversial=list(ranking["controversial"]),
        ranking_as_of=tuple(rankings.hold(found, marker["offsets"])),
        decided=marker["decided"], undecodable=marker["undecodable"], by_route=_by_route(found),
    )


def _totals(found: Figures) -> dict[str, Any]:
    totals: dict[str, Any] = found["totals"][""]
    in_stretches = found.get("descriptions", {}).get("")
    return totals if in_stretches is None else {
        **totals, "unpublished": in_stretches["unpublished"]}


def _by_route(found: Figures) -> routes.ByRoute | None:
    total = found.get("totals_routes", {}).get("")
    if total is None:
        return None
    ranking = rankings.joined(found.get("drawn_ranking", {}))
    return routes.ByRoute(
        total["rules_version"], total,
        *(routes.Entries(dict(found.get(f"{kind}_routes", {})), ranking[f"{kind}s"])
          for kind in ("proposal", "idea")))
