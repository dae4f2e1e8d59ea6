"""Redelivered events: while they are remembered they change nothing, in whatever order."""

import functools

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from processors.ledger.rules import REMEMBERED_EVENTS
from schemas import codec
from schemas.words import CHOICES
from tests.processors.ledger.logs import (
    BALLOT_EVENTS,
    Log,
    adopted,
    decided,
    logs,
    named,
    property_test,
    vote,
)


@given(log=logs(), again=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=20))
@property_test
def test_redelivered_events_change_nothing(log: Log, again: list[tuple[int, int]]) -> None:
    """Events delivered again while remembered leave every vote and count as it was."""
    once = once_each(log)
    expected, _ = decided(once)
    twice = redelivered(once, again)
    ledger, _ = decided(twice)

    assert held(expected) == held(ledger)
    assert without_repeats(expected) == without_repeats(ledger)


def once_each(log: Log) -> Log:
    """Keep the first record of each event id."""
    seen: set[bytes] = set()
    kept: Log = []
    for value in log:
        identity = (value or b"")[5:21]
        if identity not in seen:
            kept.append(value)
        seen.add(identity)
    return kept


def redelivered(log: Log, again: list[tuple[int, int]]) -> Log:
    """Deliver some records again anywhere after the first time, while they are remembered."""
    result = list(log)
    for source, later in again:
        record = log[source % len(log)]
        first = result.index(record)
        places = [first + 1]
        others: set[bytes | None] = set()
        for place, other in enumerate(result[first + 1:], first + 1):
            if remembered_under(other) == remembered_under(record):
                others.add(other)
            if len(others) == REMEMBERED_EVENTS:
                break
            places.append(place + 1)
        result.insert(places[later % len(places)], record)
    return result


@functools.lru_cache(maxsize=10_000)
def remembered_under(value: bytes | None) -> tuple[object, ...]:
    """Name what an event's id is remembered under."""
    try:
        event, fields = codec.decode(value)
    except codec.Undecodable:
        return ()
    names = ("consultation", "voter", "proposal")
    return (event in BALLOT_EVENTS or event, *(fields.get(name) for name in names))


def held(ledger: Ledger) -> dict[tuple[str, bytes], list[tuple[str, int]]]:
    """Return what every voter holds."""
    return {
        (name, voter): sorted(
            (proposal.name, kept)
            for proposal, kept in ledger.votes_of(voter, ledger.consultation(name)) if kept & 3)
        for name, voter in ledger.state()["voters"]
    }


def without_repeats(ledger: Ledger) -> dict[tuple[str, str], dict[str, int]]:
    """Return the counts without those that only say how often something came."""
    delivered = ("received", "repeated", "late", "refused_misplaced")
    return {
        met: {name: count for name, count in named(counts).items() if name not in delivered}
        for met, counts in ledger.tallies().items()
    }


def test_the_ninth_oldest_event_is_forgotten() -> None:
    """Eight event ids are remembered per voter and proposal: the documented limit."""
    log: Log = [adopted(), *(vote(number, CHOICES[number % 2]) for number in range(1, 10))]
    eighth, decisions = decided([*log, vote(2, CHOICES[0])])
    ninth, others = decided([*log, vote(1, CHOICES[0])])

    assert codec.decode(decisions[-1])[1]["outcome"] == "repeated"
    assert codec.decode(others[-1])[1]["outcome"] == "changed"
    assert eighth.live_votes == ninth.live_votes == 1
