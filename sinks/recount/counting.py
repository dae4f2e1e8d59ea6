"""Recounts (c) and (d): counts made by SQL, from the ballot box alone and from the decisions."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.words import COUNTS, EVERY_COUNT
from sinks.recount import voters_apart
from sinks.recount.controls import fold, suspended_by
from sinks.recount.reading import Reading, Row
from sinks.recount.voters_apart import Bounds, Counted


@dataclass
class Recounted:
    """What one recount says of a consultation."""

    proposals: dict[str, list[int]]
    """Counts by proposal, in the order of words.COUNTS; proposals nothing was cast on left out."""
    participants: int
    participants_received: int
    suspended: int
    controls_after_closing: int
    routes: dict[str, list[int]]
    """Since rules 2, counts by proposal in the order of routes.ROUTE_COUNTS."""


@dataclass
class BallotRecount(Recounted):
    """The recount from the ballot box alone."""

    voters_apart: int
    """Voters whose events the bounds of the ledger's memory may concern: counted one by one."""


def from_ballots(reading: Reading, consultation: str) -> BallotRecount:
    """Count the ballot box alone: the rules in SQL, no look at the decisions."""
    controls = fold(reading.query("controls", consultation=consultation),
                    reading.query("adoptions"), [
                        reading.first_adoptions(number) for number in range(len(reading.vector))])
    closed_at, sealed_at, suspended, after_closing, rules_2_at = controls
    with reading.stream("events_apart", consultation=consultation, rules_2_at=rules_2_at) as rows:
        apart = voters_apart.counted(rows, Bounds(closed_at, sealed_at, suspended))
    rows_of_others = reading.query(
        "ballots", consultation=consultation, closed_at=closed_at, sealed_at=sealed_at,
        suspended=[*suspended], causes=[*suspended.values()], rules_2_at=rules_2_at,
        without=() if apart.voters else ("not_apart",))
    total = next((row for row in rows_of_others if not row[0]), (0,) * (len(EVERY_COUNT) + 3))
    proposals = _together(_counted(rows_of_others, 1, len(EVERY_COUNT)), apart)
    size = len(COUNTS)
    return BallotRecount(
        proposals=_some({name: counts[:size] for name, counts in proposals.items()}),
        participants=total[-2] + apart.participants,
        participants_received=total[-1] + apart.participants_received,
        suspended=len(suspended), controls_after_closing=after_closing,
        routes=_some({name: counts[size:] for name, counts in proposals.items()}),
        voters_apart=apart.voters,
    )


def _together(counts: dict[str, list[int]], apart: Counted) -> dict[str, list[int]]:
    """Add what voters apart count to what SQL counts."""
    nothing = [0] * len(EVERY_COUNT)
    return {name: [one + other for one, other in zip(
                counts.get(name, nothing), apart.counts(name, EVERY_COUNT), strict=True)]
            for name in {*counts, *apart.proposals}}


def from_decisions(reading: Reading, consultation: str) -> Recounted:
    """Sum (after - before) over the decisions."""
    rows = reading.query("changes", of_decisions=True, consultation=consultation)
    [[participants, received]] = reading.query(
        "voters", of_decisions=True, consultation=consultation)
    [[after]] = reading.query("after_closing", of_decisions=True, consultation=consultation)
    suspended = suspended_by(reading.query(
        "suspensions", of_decisions=True, consultation=consultation))
    by_route = reading.query(
        "routes", of_decisions=True, consultation=consultation, suspended=[*suspended],
        causes=[*suspended.values()]) if reading.query("adoptions") else []
    return Recounted(
        _by_proposal(rows), int(participants), int(received), len(suspended), int(after),
        _routes(by_route, 1))


def outcomes(reading: Reading) -> dict[str, int]:
    """Count the decisions of the whole log by outcome."""
    return {str(outcome): int(records)
            for outcome, records in reading.query("outcomes", of_decisions=True)}


def _by_proposal(rows: Iterable[Row]) -> dict[str, list[int]]:
    return _counted(rows, 1, len(COUNTS))


def _routes(rows: Iterable[Row], begin: int) -> dict[str, list[int]]:
    return _counted(rows, begin, len(EVERY_COUNT) - len(COUNTS))


def _counted(rows: Iterable[Row], begin: int, size: int) -> dict[str, list[int]]:
    """Return counts by proposal, without the row of all and those that are zero throughout."""
    return _some({str(row[0]): [*map(int, row[begin:begin + size])] for row in rows if row[0]})


def _some(counts: dict[str, list[int]]) -> dict[str, list[int]]:
    return {proposal: each for proposal, each in counts.items() if any(each)}
