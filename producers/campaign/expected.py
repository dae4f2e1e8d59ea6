"""What a ledger must count at the end of a campaign, to the unit: it follows from the plan."""

from collections import Counter
from dataclasses import dataclass

from producers.campaign import describe, priors
from producers.campaign.counts import NAMES
from producers.campaign.deal import CODES
from producers.campaign.noise import Noise
from producers.campaign.plan import Plan
from schemas.words import CHOICES, COUNTS


Counts = dict[str, int]
"""Counts by their names in `words.COUNTS`."""

_EXTRA: dict[Noise, tuple[str, ...]] = {
    Noise.REPEATED: ("repeated",),
    Noise.SAME_AGAIN: ("unchanged",),
    Noise.CHANGED: ("superseded",),
    Noise.CHANGED_THEN_REPEATED: ("superseded", "repeated"),
    Noise.CAST_AGAIN: ("withdrawn",),
    Noise.UNPROVEN_CHANGE: ("refused_unproven_change",),
}
"""What each kind of noise adds to a proposal beside its counted vote: one received vote each."""


@dataclass(frozen=True)
class Expected:
    """Every count of a campaign after its last record."""

    proposals: dict[str, Counts]
    ideas: dict[str, Counts]
    """Pooled over the proposals of each idea."""
    totals: Counts
    participants: int
    participants_received: int
    undecodable: int
    descriptions: int
    gender: Counter[str | None]
    age_band: Counter[str | None]
    region: Counter[str | None]


def expected(plan: Plan) -> Expected:
    """Work out the counts of a plan without playing it."""
    rows = _rows(plan)
    ideas: dict[str, Counts] = {idea.id: dict.fromkeys(COUNTS, 0) for idea in plan.published.ideas}
    totals = dict.fromkeys(COUNTS, 0)
    for proposal, row in zip(plan.proposals, rows, strict=True):
        for name, count in row.items():
            totals[name] += count
            if proposal.idea is not None:
                ideas[proposal.idea][name] += count
    given = [describe.description(number) for number in plan.descriptions if number]
    amounts = plan.amounts
    return Expected(
        proposals={
            proposal.id: row for proposal, row in zip(plan.proposals, rows, strict=True)
        },
        ideas=ideas, totals=totals, participants=amounts.participants,
        participants_received=amounts.ordinary_voters + amounts.suspect_voters,
        undecodable=amounts.truncated + amounts.trailing + amounts.oversize,
        descriptions=len(given), gender=Counter(row[0] for row in given),
        age_band=Counter(row[1] for row in given), region=Counter(row[2] for row in given),
    )


def _rows(plan: Plan) -> list[Counts]:
    """Count per proposal: the counted votes, then what noise adds."""
    rows = [
        dict.fromkeys(COUNTS, 0) | dict(zip(NAMES, counts, strict=True)) for counts in plan.counts
    ]
    for row in rows:
        row["received"] = sum(row[name] for name in CHOICES)

    def receive(card: int, *names: str) -> None:
        row = rows[card // CODES]
        for name in names:
            row["received"] += 1
            row[name] += 1

    for position, kind in enumerate(plan.noise):
        if kind in _EXTRA:
            receive(plan.deck[position], *_EXTRA[Noise(kind)])
    for card in plan.withdrawn.values():
        receive(card, "withdrawn")
    for place, card in enumerate(plan.suspect):
        voter, turn = divmod(place, priors.SUSPECT_VOTES_EACH)
        is_proven = voter < plan.amounts.proven_voters and turn < priors.PROVEN_EACH
        receive(card, "proven" if is_proven else "set_aside_unproven")
    for _, card in plan.late:
        receive(card, "late")
    return rows
