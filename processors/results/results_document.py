"""The results: from summed counts to the one document that CLI, API and recounts share. Pure.

`compute` makes every published number from counts; `document` joins them with the catalogue.
The ideas worker publishes what `compute` gives, the views hand it to `document`, and a recount
runs both on counts of its own: whoever shows a number shows the same computation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from processors.results import routes, scores, wordings
from processors.results.catalogue import Catalogue, Consultation
from processors.results.descriptions import PublishedDescriptions
from schemas.moments import zone_of
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS, SET_ASIDE


FORMAT = "scrutin-results/3"
PUBLISHED_WORDS = routes.PUBLISHED_WORDS

Block = dict[str, Any]
Computed = tuple[
    dict[str, float], dict[str, list[float]], dict[str, dict[str, float]], str | None]
"""Shares, intervals, scores and zone of one entry."""

_REFUSED = tuple(name.removeprefix("refused_") for name in COUNTS if name.startswith("refused_"))
_OUTCOMES = ("superseded", "withdrawn", "unchanged", "repeated", "proven", "late")


@dataclass(frozen=True)
class AsOf:
    """The positions of the logs that a result holds."""

    votes: tuple[int, ...]
    """Last votes offset by partition, -1 for none."""
    catalogue: int
    participants: int


@dataclass
class Figures:
    """Everything counted of one consultation, before any computation."""

    proposals: dict[str, Sequence[int]]
    """Counts by proposal, in the order of words.COUNTS, summed over partitions."""
    participants: int = 0
    participants_received: int = 0
    suspended: int = 0
    closed: bool = False
    """Whether every partition has decided the closing."""
    controls_after_closing: int = 0
    """Suspensions and reinstatements that took effect after it."""
    descriptions: PublishedDescriptions = field(default_factory=PublishedDescriptions)
    """Who took part, as far as it is published."""
    rules: int = 1
    """The newest rules in force in any partition."""
    routes: dict[str, Sequence[int]] = field(default_factory=dict)
    """Since rules 2, counts by proposal in the order of routes.ROUTE_COUNTS."""


@dataclass
class Published:
    """Every published number of one consultation."""

    consultation: str
    as_of: AsOf
    proposals: dict[str, Block]
    ideas: dict[str, Block]
    totals: Block
    """Fields of ConsultationScored, the counts as a block under `counts`."""
    proposal_ranks: Mapping[str, dict[str, int]]
    idea_ranks: Mapping[str, dict[str, int]]
    controversial: list[str]
    ranking_as_of: tuple[int, ...]
    """Votes offsets the rankings hold: they are made once a second, so they may lag the counts."""
    decided: dict[str, int]
    """Records of the whole log decided, by outcome."""
    undecodable: int
    by_route: routes.ByRoute | None = None
    """What rules 2 add; None before them."""


def shares_hidden(document: Mapping[str, Any]) -> bool:
    """Whether a document comes without shares until voting has closed: `views.embargo` took them.

    What it has in their place, `embargoed_until`, is the announced closing, and may be null.
    """
    return "embargoed_until" in document


def pooled(counts: Iterable[Sequence[int]], names: Sequence[str] = COUNTS) -> list[int]:
    """Add counts of these names up, name by name."""
    return [sum(column) for column in zip(*counts, strict=True)] or [0] * len(names)


def entry(counts: Mapping[str, int], effective: int | None = None) -> Block:
    """Make the counts block of one proposal, idea or total, with all that follows from it."""
    return block(counts, *computed(counts, effective))


def computed(counts: Mapping[str, int], effective: int | None = None) -> Computed:
    """Compute shares, intervals, scores and zone; all empty without counted votes.

    `effective` is how many independent votes they are worth, None for all of them.
    """
    votes = sum(counts[choice] for choice in CHOICES)
    if not votes:
        return {}, {}, {}, None
    return (
        {name: scores.share(counts[name], votes) for name in PUBLISHED_WORDS},
        {name: list(scores.wilson(counts[name], votes, effective)) for name in PUBLISHED_WORDS},
        {name: {"value": value, "margin": margin}
         for name, (value, margin) in scores.scores(counts, effective).items()},
        scores.zone(counts),
    )


def block(
    counts: Mapping[str, int], shares: Mapping[str, float],
    intervals: Mapping[str, list[float]], scored: Mapping[str, dict[str, float]],
    zone: str | None,
) -> Block:
    """Lay out counts and what was computed from them as the document shows them."""
    return {
        "received": counts["received"],
        "counted": {
            "votes": sum(counts[choice] for choice in CHOICES),
            **{choice: counts[choice] for choice in CHOICES},
            "qualifications": {name: counts[name] for name in QUALIFICATIONS},
        },
        "set_aside": {reason: counts[f"set_aside_{reason}"] for reason in SET_ASIDE},
        **{name: counts[name] for name in _OUTCOMES},
        "refused": {reason: counts[f"refused_{reason}"] for reason in _REFUSED},
        "shares": dict(shares), "intervals": dict(intervals), "scores": dict(scored), "zone": zone,
    }


def flat(found: Block) -> dict[str, int]:
    """Return the counts of a block by their names in words.COUNTS; the inverse of `block`."""
    return {
        "received": found["received"],
        **{choice: found["counted"][choice] for choice in CHOICES},
        **found["counted"]["qualifications"],
        **{f"set_aside_{reason}": found["set_aside"][reason] for reason in SET_ASIDE},
        **{name: found[name] for name in _OUTCOMES},
        **{f"refused_{reason}": found["refused"][reason] for reason in _REFUSED},
    }


def is_final(consultation: Consultation | None, as_of: AsOf, *, closed: bool) -> bool:
    """Whether the closing lies in every partition, and with the participants, and is held in full.

    Earlier releases closed without a record in the participants' log: nothing is waited for there.
    """
    if consultation is None or consultation.completed is None or not closed:
        return False
    offsets = consultation.completed["offsets"]
    people = consultation.completed.get("participants", -1)
    return as_of.participants >= people and len(offsets) == len(as_of.votes) and all(
        held >= control for held, control in zip(as_of.votes, offsets, strict=True))


def compute(
    consultation: str, figures: Figures, catalogue: Catalogue, as_of: AsOf, *,
    decided: dict[str, int], undecodable: int,
) -> Published:
    """Compute every published number of a consultation from its figures."""
    known = catalogue.consultations.get(consultation)
    of_ideas = members(known)
    blocks = {name: entry(named(counts)) for name, counts in figures.proposals.items()}
    worth: Mapping[str, int] = {} if figures.rules < scores.BY_VOTERS_SINCE else effective_ideas(
        figures.proposals, of_ideas)
    ideas = {name: entry(named(counts), worth.get(name))
             for name, counts in pooled_ideas(figures.proposals, of_ideas).items()}
    return Published(
        consultation=consultation, as_of=as_of, proposals=blocks, ideas=ideas,
        totals=totals(
            consultation, figures, pooled(figures.proposals.values()), known, as_of),
        proposal_ranks=scores.ranks(blocks), idea_ranks=scores.ranks(ideas),
        controversial=scores.controversial(blocks), ranking_as_of=as_of.votes,
        decided=decided, undecodable=undecodable,
        by_route=None if figures.rules < routes.RULES else routes.by_route(
            figures.rules, pooled(figures.routes.values(), routes.ROUTE_COUNTS), figures.routes,
            pooled_ideas(figures.routes, of_ideas, routes.ROUTE_COUNTS),
            effective_ideas(figures.routes, of_ideas, routes.DRAWN_CHOICES, routes.ROUTE_COUNTS)),
    )


def named(counts: Sequence[int]) -> dict[str, int]:
    """Return counts by their names."""
    return dict(zip(COUNTS, counts, strict=True))


def members(known: Consultation | None) -> dict[str, list[str]]:
    """List the proposals of each idea of the catalogue, with votes or not."""
    found: dict[str, list[str]] = {idea: [] for idea in known.ideas} if known else {}
    for proposal, idea in known.mapping.items() if known else ():
        found.setdefault(idea, []).append(proposal)
    return found


def pooled_ideas(
    sums: Mapping[str, Sequence[int]], members: Mapping[str, list[str]],
    names: Sequence[str] = COUNTS,
) -> dict[str, list[int]]:
    """Pool the counts of the proposals of each idea; some have none yet."""
    return {
        idea: pooled((sums[name] for name in proposals if name in sums), names)
        for idea, proposals in members.items()
    }


def effective_ideas(
    sums: Mapping[str, Sequence[int]], members: Mapping[str, list[str]],
    choices: Sequence[str] = CHOICES, names: Sequence[str] = COUNTS,
) -> dict[str, int]:
    """Return what the votes of each idea are worth; `choices` are the counts that make up votes."""
    places = [names.index(choice) for choice in choices]
    return {
        idea: scores.effective_votes(
            sum([sums[name][place] for place in places]) for name in proposals if name in sums)
        for idea, proposals in members.items()
    }


def totals(
    consultation: str, figures: Figures, counts: Sequence[int], known: Consultation | None,
    as_of: AsOf,
) -> Block:
    """Make the totals of a consultation: the fields of ConsultationScored, counts as a block.

    `counts` is the sum over all proposals. Of descriptions in stretches also how many are in none.
    """
    return {
        "consultation": consultation,
        "participants": figures.participants,
        "participants_received": figures.participants_received,
        "suspended": figures.suspended,
        "closed": figures.closed,
        "final": is_final(known, as_of, closed=figures.closed),
        "controls_after_closing": figures.controls_after_closing,
        "counts": entry(named(counts)),
        **figures.descriptions.fields(),
    }


def document(
    found: Published, catalogue: Catalogue, proposals: list[Block] | None = None
) -> dict[str, Any]:
    """Assemble the results document: every published number joined with the catalogue's words.

    Where `proposals` are given, they are taken as they are; else made as `proposal` does.
    """
    known = catalogue.consultations.get(found.consultation) or Consultation(found.consultation)
    totals, by_route, unknown = found.totals, found.by_route, unknown_proposals(found, known)
    zone = zone_of_description(known)
    return {
        "format": FORMAT,
        "scores_version": scores.version(by_route.rules if by_route else 1),
        "rules_version": by_route.rules if by_route else 1,
        "state": "final" if totals["final"] else "closed" if totals["closed"] else "open",
        "final": totals["final"],
        "as_of": {"votes": list(found.as_of.votes), "ranking": list(found.ranking_as_of),
                  "catalogue": found.as_of.catalogue,
                  "participants": found.as_of.participants},
        "consultation": described(known),
        "totals": {
            "proposals": len(known.proposals), "unknown_proposals": len(unknown),
            "participants": totals["participants"],
            "participants_received": totals["participants_received"],
            "suspended_voters": totals["suspended"],
            "controls_after_closing": totals.get("controls_after_closing", 0),
            "groupings_after_closing": known.groupings_after_closing,
            **({"codes_issued": sum(known.codes.values())} if known.codes else {}),
            **wordings.of_totals(known),
            **totals["counts"],
            **(routes.of_all(totals["counts"], by_route.total) if by_route else {}),
            "undecodable": found.undecodable, "decided": dict(found.decided),
        },
        "corrections": wordings.of_descriptions(known, zone),
        "themes": _themes(known),
        "ideas": _ideas(found, known),
        "proposals": [proposal(found, known, name, zone)
                      for name in (*known.proposals, *unknown)]
        if proposals is None else proposals,
        "controversial": list(found.controversial),
        "participation": {
            "base": totals["participants"],
            "not_stated": max(totals["participants"] - totals["descriptions"], 0),
            **PublishedDescriptions.of(totals).fields(),
        },
    }


def unknown_proposals(found: Published, known: Consultation) -> list[str]:
    """Name the proposals with votes that the catalogue does not have.

    By name, and only with votes: in which order ledgers met and flushed them says nothing.
    """
    return sorted(name for name in found.proposals.keys() - known.proposals.keys()
                  if found.proposals[name]["received"])


def described(known: Consultation) -> dict[str, Any]:
    """Return the consultation's own words; a consultation without description has only its id."""
    fields = known.described or {
        "question": {}, "opens_at": None, "closes_at": None, "time_zone": "UTC", "languages": [],
        "votes_target": None, "hashtag": None, "contact": None, "stages": [], "organisers": [],
        "facts": [], "origin": None,
    }
    zone = zone_of_description(known)
    return {
        "id": known.id,
        **{name: fields[name] for name in (
            "question", "languages", "votes_target", "hashtag", "contact", "stages",
            "organisers", "facts")},
        "time_zone": str(zone),
        "origin": fields.get("origin"),
        "opens_at": wordings.instant(fields["opens_at"], zone),
        "closes_at": wordings.instant(fields["closes_at"], zone),
    }


def zone_of_description(known: Consultation) -> ZoneInfo:
    """Return the time zone of a consultation."""
    return zone_of((known.described or {"time_zone": "UTC"})["time_zone"])


def _themes(known: Consultation) -> list[dict[str, Any]]:
    ideas: dict[str, list[str]] = {}
    for idea, fields in known.ideas.items():
        ideas.setdefault(fields["theme"], []).append(idea)
    return [
        {"id": name, "title": theme["title"], "ideas": ideas.get(name, [])}
        for name, theme in known.themes.items()
    ]


def _ideas(found: Published, known: Consultation) -> list[dict[str, Any]]:
    sizes = Counter(known.mapping.values())
    retired = Counter(idea for name, idea in known.mapping.items() if name in known.retired)
    empty, by_route = entry(named([0] * len(COUNTS))), found.by_route
    worth = _worth(found, known) if by_route else {}
    return [
        {"id": name, "theme": fields["theme"], "title": fields["title"],
         "proposals": sizes[name], "retired_proposals": retired[name],
         **found.ideas.get(name, empty),
         **(by_route.ideas.of_idea(name, found.ideas.get(name, empty), worth[name])
            if by_route else {}),
         "rank": found.idea_ranks.get(name)}
        for name, fields in known.ideas.items()
    ]


def _worth(found: Published, known: Consultation) -> dict[str, dict[str, int]]:
    """Return what the counted, the drawn and the other votes of each idea are worth."""
    votes: dict[str, list[tuple[int, int]]] = {name: [] for name in known.ideas}
    drawn = found.by_route.proposals.blocks if found.by_route else {}
    for proposal, idea in known.mapping.items():
        if proposal in found.proposals and idea in votes:
            votes[idea].append((
                found.proposals[proposal]["counted"]["votes"],
                drawn[proposal]["drawn"]["votes"] if proposal in drawn else 0))
    return {idea: {
        "counted": scores.effective_votes(every for every, _ in each),
        "drawn": scores.effective_votes(some for _, some in each),
        "others": scores.effective_votes(every - some for every, some in each),
    } for idea, each in votes.items()}


def proposal(found: Published, known: Consultation, name: str, zone: ZoneInfo) -> Block:
    """Make what the document says of a proposal."""
    fields = known.proposals.get(name, {})
    told = found.proposals.get(name) or entry(named([0] * len(COUNTS)))
    return {
        "id": name, "text": fields.get("text"), "author": fields.get("author"),
        "idea": known.mapping.get(name), **wordings.of_proposal(known, name, zone),
        **told, **(found.by_route.proposals.of(name, told) if found.by_route else {}),
        "rank": found.proposal_ranks.get(name),
    }
