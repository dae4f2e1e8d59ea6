"""How votes came about, and which rule sets them aside: what is published besides under rules 2.

Theory of operation: a counted vote was drawn for its voter, asked for, or nobody can tell; drawn
votes have choices and qualifications of their own, from which shares and ranks follow as from all.
Where the intervals of drawn votes and of the others do not meet, that is said: `apart`. Chance
alone does so to one pair in a hundred or so, and a call to vote does it honestly. Intervals of
ideas are as wide as people who vote alike make them: see `scores`.
A vote set aside is counted under one rule of the guard, or under none: an operator's. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from processors.results import scores
from schemas.words import CHOICES, COUNTS, EVERY_COUNT, QUALIFICATIONS


RULES = 2
"""From these rules on routes and causes are known, and published."""
ROUTE_COUNTS = EVERY_COUNT[len(COUNTS):]
"""Names of the counts that rules 2 add."""
PUBLISHED_WORDS = (*CHOICES, *QUALIFICATIONS)
DRAWN_CHOICES = tuple(f"drawn_{choice}" for choice in CHOICES)
NOTHING = (0,) * len(ROUTE_COUNTS)
_CAUSE, _DRAWN = "set_aside_cause_", "drawn_"
_CAUSES = tuple(name.removeprefix(_CAUSE) for name in ROUTE_COUNTS if name.startswith(_CAUSE))

Block = dict[str, Any]


@dataclass
class Entries:
    """What is published besides of the proposals, or of the ideas."""

    blocks: dict[str, Block]
    """What `routed` gives; an entry without such counts may be left out."""
    ranks: Mapping[str, dict[str, int]]
    """By drawn votes alone."""

    def of(self, name: str, counted: Block) -> Block:
        """Return what the document says besides of an entry, which is `counted` as all are."""
        found = self.blocks.get(name) or routed(NOTHING)
        return {**joined(counted, found), "drawn_rank": self.ranks.get(name)}

    def of_idea(self, name: str, counted: Block, effective: Mapping[str, int]) -> Block:
        """Return the same of an idea, and what its votes are worth: counted, drawn, others."""
        found = self.blocks.get(name) or routed(NOTHING)
        drawn = found["drawn"]
        words = {**{choice: drawn[choice] for choice in CHOICES}, **drawn["qualifications"]}
        intervals = _intervals(words, drawn["votes"], effective["drawn"])
        found = {**found, "drawn": {**drawn, "intervals": intervals}}
        return {**joined(counted, found, effective["others"]),
                "effective_votes": dict(effective), "drawn_rank": self.ranks.get(name)}


@dataclass
class ByRoute:
    """What is published besides, where rules 2 are in force."""

    rules: int
    total: Block
    proposals: Entries
    ideas: Entries


def by_route(
    rules: int, total: Sequence[int], proposals: Mapping[str, Sequence[int]],
    ideas: Mapping[str, Sequence[int]], effective: Mapping[str, int],
) -> ByRoute:
    """Compute all of it from counts in the order of ROUTE_COUNTS.

    `effective` says what the drawn votes of each idea are worth.
    """
    return ByRoute(rules, routed(total), *(
        Entries({name: routed(counts) for name, counts in entries.items()},
                scores.ranks({name: rankable(counts, worth.get(name))
                              for name, counts in entries.items()}))
        for entries, worth in ((proposals, {}), (ideas, effective))))


def drawn(counts: Sequence[int]) -> dict[str, int]:
    """Return the counts of drawn votes by choice and qualification; `counts` as ROUTE_COUNTS."""
    named = dict(zip(ROUTE_COUNTS, counts, strict=True))
    return {name: named[_DRAWN + name] for name in PUBLISHED_WORDS}


def rankable(counts: Sequence[int], effective: int | None = None) -> Block:
    """Return what a ranking by drawn votes looks at; `effective` as in `scores.wilson`."""
    found = drawn(counts)
    return {"counted": {"votes": sum(found[choice] for choice in CHOICES)},
            "scores": {name: {"value": value, "margin": margin}
                       for name, (value, margin) in scores.scores(found, effective).items()}}


def routed(counts: Sequence[int]) -> Block:
    """Lay out counts, as ROUTE_COUNTS, as the document shows them; `joined` adds the unknown.

    Intervals are those of independent votes: `of_idea` puts an idea's in their place.
    """
    named = dict(zip(ROUTE_COUNTS, counts, strict=True))
    found = drawn(counts)
    return {
        "set_aside_by_rule": {
            cause: named[_CAUSE + cause] for cause in _CAUSES if named[_CAUSE + cause]},
        "asked": named["counted_asked"],
        "drawn": {**_part(found), "qualifications": {name: found[name] for name in QUALIFICATIONS}},
    }


def _intervals(
    counts: Mapping[str, int], votes: int, effective: int | None
) -> dict[str, list[float]]:
    return {name: list(scores.wilson(number, votes, effective))
            for name, number in counts.items()} if votes else {}


def _part(counts: Mapping[str, int], effective: int | None = None) -> Block:
    """Lay out a part of the counted votes; without any they have no shares and intervals."""
    votes = sum([counts[choice] for choice in CHOICES])
    words = counts if votes else ()
    return {
        "votes": votes, **{choice: counts[choice] for choice in CHOICES},
        "shares": {name: scores.share(counts[name], votes) for name in words},
        "intervals": _intervals(counts, votes, effective),
    }


def joined(counted: Block, found: Block, effective: int | None = None) -> Block:
    """Return what the document says besides of an entry: `counted` as all are, `found` by `routed`.

    `effective` is what the votes that were not drawn are worth.
    """
    known = found["drawn"]["votes"] + found["asked"]
    return {
        "set_aside_by_rule": found["set_aside_by_rule"],
        "routes": {"drawn": found["drawn"]["votes"], "asked": found["asked"],
                   "unknown": counted["counted"]["votes"] - known},
        "drawn": found["drawn"],
        "apart": _apart(counted["counted"], found["drawn"], effective),
    }


def of_all(counted: Block, total: Block) -> Block:
    """Return what the document says besides of the whole consultation, in place of intervals.

    Whoever voted did so on many proposals: no bound on what these votes are worth says anything,
    so they have shares and scores alone.
    """
    found = joined(counted, total)
    bare = {name: {"value": score["value"], "margin": None}
            for name, score in counted["scores"].items()}
    return {**found, "drawn": {**found["drawn"], "intervals": {}}, "apart": [],
            "intervals": {}, "scores": bare}


def _apart(counted: Block, found: Block, effective: int | None) -> list[str]:
    """Name the choices whose intervals of drawn and of other votes do not meet."""
    others = counted["votes"] - found["votes"]
    if not others or not found["votes"]:
        return []
    apart = []
    for choice in CHOICES:
        low, high = found["intervals"][choice]
        least, most = scores.wilson(counted[choice] - found[choice], others, effective)
        if high < least or most < low:
            apart.append(choice)
    return apart


def others(entry: Mapping[str, Any]) -> Block:
    """Return the counted votes of an entry that were not drawn, with their shares and intervals."""
    return _part({choice: entry["counted"][choice] - entry["drawn"][choice] for choice in CHOICES},
                 entry.get("effective_votes", {}).get("others"))


def flat(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an entry by their names in ROUTE_COUNTS; zeros before rules 2."""
    if "drawn" not in entry:
        return dict.fromkeys(ROUTE_COUNTS, 0)
    by_rule, counted = entry["set_aside_by_rule"], entry["drawn"]
    return {
        **{_CAUSE + cause: by_rule.get(cause, 0) for cause in _CAUSES},
        **{_DRAWN + choice: counted[choice] for choice in CHOICES},
        **{_DRAWN + name: counted["qualifications"][name] for name in QUALIFICATIONS},
        "counted_asked": entry["routes"]["asked"],
    }
