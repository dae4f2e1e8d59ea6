"""Recounts (c) and (d): counts made by SQL, from the ballot box alone and from the decisions."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.words import COUNTS
from sinks.recount.controls import NEVER, fold, suspended_by
from sinks.recount.reading import Reading, Row


@dataclass
class Recounted:
    """What one recount says of a consultation."""

    proposals: dict[str, list[int]]
    """Counts by proposal, in the order of words.COUNTS; proposals nothing was cast on left out."""
    participants: int
    participants_received: int
    suspended: int
    controls_after_closing: int


@dataclass(frozen=True)
class Divergence:
    """A record that the rules in SQL, simpler than the ledger's, may judge otherwise."""

    why: str
    partition: int
    offset: int
    proposal: str


@dataclass
class BallotRecount(Recounted):
    """The recount from the ballot box alone, and where it may differ."""

    divergences: list[Divergence]


def from_ballots(reading: Reading, consultation: str) -> BallotRecount:
    """Count the ballot box alone: the rules in SQL, no look at the decisions."""
    rules_2_at = [NEVER] * len(reading.vector)
    for partition, at in reading.query("adoptions"):
        rules_2_at[partition] = at
    controls = fold(reading.query("controls", consultation=consultation), rules_2_at)
    closed_at, sealed_at, suspended, after_closing = controls
    rows = reading.query("ballots", consultation=consultation, closed_at=closed_at,
                         sealed_at=sealed_at, suspended=suspended, rules_2_at=rules_2_at)
    total = next((row for row in rows if not row[0]), (0,) * (len(COUNTS) + 3))
    divergences = reading.query("divergences", consultation=consultation, closed_at=closed_at)
    return BallotRecount(
        proposals=_by_proposal(rows), participants=total[-2], participants_received=total[-1],
        suspended=len(suspended), controls_after_closing=after_closing,
        divergences=[Divergence(*row) for row in sorted(divergences)],
    )


def from_decisions(reading: Reading, consultation: str) -> Recounted:
    """Sum (after - before) over the decisions."""
    rows = reading.query("changes", of_decisions=True, consultation=consultation)
    voters = reading.query("voters", of_decisions=True, consultation=consultation)[0]
    after = reading.query("after_closing", of_decisions=True, consultation=consultation)[0]
    suspended = suspended_by(reading.query(
        "suspensions", of_decisions=True, consultation=consultation))
    return Recounted(_by_proposal(rows), *map(int, (*voters, suspended, *after)))


def outcomes(reading: Reading) -> dict[str, int]:
    """Count the decisions of the whole log by outcome."""
    return {str(outcome): int(records)
            for outcome, records in reading.query("outcomes", of_decisions=True)}


def _by_proposal(rows: Iterable[Row]) -> dict[str, list[int]]:
    return {str(row[0]): [int(count) for count in row[1:len(COUNTS) + 1]]
            for row in rows if row[0] and any(row[1:len(COUNTS) + 1])}
