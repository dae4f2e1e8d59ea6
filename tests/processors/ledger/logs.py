"""Strategies for random logs of one partition: few voters, proposals and ids, so they collide."""

import functools
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS, TRUSTS


PARTITION, PARTITIONS = 1, 3
CONSULTATIONS = ("jeunes", "forêts")
PROPOSALS = ("p1", "p2", "été")
BALLOT_EVENTS = ("VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")
IDS = 24
"""Event ids in use: enough for the ninth-oldest to come back, few enough to collide."""

Log = list[bytes | None]

property_test = settings(
    derandomize=True, max_examples=200, report_multiple_bugs=False)
"""The same examples on every run; nothing here measures time."""


def identifier(number: int, kind: str = "event") -> bytes:
    """Make a 16-byte identifier."""
    return number.to_bytes(4, "big") + kind.encode().ljust(4, b".")[:4] + number.to_bytes(8, "big")


def voter(number: int) -> bytes:
    """Make a voter of PARTITION; a negative number gives one of another partition."""
    first = number * PARTITIONS + PARTITION if number >= 0 else PARTITION + 1
    return first.to_bytes(4, "big") + b"voter-------"


@functools.lru_cache(maxsize=100_000)
def encoded(event: str, *items: tuple[str, Any]) -> bytes:
    """Encode an event of the ballot box; fields not given get a usual value."""
    fields: dict[str, Any] = {
        "event_id": identifier(0), "salt": identifier(1, "salt"), "origin": "web",
        "occurred_at": 1_647_900_000_000,
    }
    if event != "RulesAdopted":
        fields["consultation"] = CONSULTATIONS[0]
    if event in (*BALLOT_EVENTS, "VoterSuspended", "VoterReinstated"):
        fields["voter"] = voter(0)
    if event in BALLOT_EVENTS:
        fields |= {"proposal": PROPOSALS[0], "trust": "trusted"}
    return codec.encode(event, **{**fields, **dict(items)})


def ballot(event: str, **fields: Any) -> bytes:
    """Encode an event of the ballot box; fields not given get a usual value."""
    return encoded(event, *fields.items())


def vote(number: int, choice: str = "agree", **fields: Any) -> bytes:
    """Encode a VoteCast under event id `number`."""
    return ballot("VoteCast", event_id=identifier(number), choice=choice, **fields)


def adopted(number: int = 900, **fields: Any) -> bytes:
    """Encode the adoption of the rules of version 1."""
    return ballot("RulesAdopted", **{
        "event_id": identifier(number, "rule"), "ledger_version": 1, "partition": PARTITION,
        "partitions": PARTITIONS, **fields})


def suspended(number: int, **fields: Any) -> bytes:
    """Encode a VoterSuspended."""
    return ballot("VoterSuspended", event_id=identifier(number), reason="network", **fields)


def reinstated(number: int, **fields: Any) -> bytes:
    """Encode a VoterReinstated."""
    return ballot("VoterReinstated", event_id=identifier(number), reason="checked", **fields)


def closed(number: int, **fields: Any) -> bytes:
    """Encode a ConsultationClosed."""
    return ballot("ConsultationClosed", event_id=identifier(number), closes_at=0, **fields)


def sealed(number: int, **fields: Any) -> bytes:
    """Encode a ConsultationSealed."""
    return ballot("ConsultationSealed", event_id=identifier(number), **fields)


def ballots(
    *, ids: st.SearchStrategy[int] | None = None, places: tuple[int, ...] = (0, 0, 0, 1, 2, -1)
) -> st.SearchStrategy[bytes]:
    """Return events of voters: votes and qualifications, some misplaced."""

    def build(
        event: str, number: int, place: int, consultation: str, proposal: str, trust: str,
        detail: int,
    ) -> bytes:
        fields: dict[str, Any] = {
            "event_id": identifier(number), "voter": voter(place), "consultation": consultation,
            "proposal": proposal, "trust": trust,
        }
        if event == "VoteCast":
            fields["choice"] = CHOICES[detail % len(CHOICES)]
        if event.startswith("Qualification"):
            fields["qualification"] = QUALIFICATIONS[detail]
        return ballot(event, **fields)

    return st.builds(
        build, st.sampled_from((*BALLOT_EVENTS, "VoteCast", "VoteCast", "QualificationAdded")),
        ids if ids is not None else st.integers(0, IDS - 1), st.sampled_from(places),
        st.sampled_from((CONSULTATIONS[0], *CONSULTATIONS)), st.sampled_from(PROPOSALS),
        st.sampled_from(TRUSTS), st.integers(0, len(QUALIFICATIONS) - 1),
    )


def controls(ids: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[bytes]:
    """Return controls of voters: suspensions and reinstatements, some misplaced."""
    return st.builds(
        lambda make, number, place, consultation: make(
            number, voter=voter(place), consultation=consultation),
        st.sampled_from((suspended, reinstated)),
        ids if ids is not None else st.integers(0, IDS - 1), st.sampled_from((0, 0, 1, 3, -1)),
        st.sampled_from(CONSULTATIONS),
    )


def closings() -> st.SearchStrategy[bytes]:
    """Return closings, sealings, and rules adopted once more."""
    return st.one_of(
        st.builds(lambda number, name: sealed(number, consultation=name),
                  st.integers(0, 2), st.sampled_from(CONSULTATIONS)),
        st.builds(lambda number, name: closed(number, consultation=name),
                  st.integers(0, 2), st.sampled_from(CONSULTATIONS)),
        st.builds(adopted, st.integers(900, 902)),
    )


def broken(of: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes | None]:
    """Return records with a known id that nobody can read, and records without any id."""
    return st.one_of(
        st.builds(lambda value, size: value[:max(5, len(value) - size)], of, st.integers(1, 90)),
        st.builds(lambda value, more: value + more, of, st.binary(min_size=1, max_size=5)),
        st.builds(lambda value: value + bytes(5_000), of),
        st.sampled_from((None, b"", b"\0\0", b"\x01\0\0\0\x01", b"{}")),
    )


def steps() -> st.SearchStrategy[bytes | None]:
    """Return any record; ballots most often, closings seldom."""
    common = st.one_of(*[ballots()] * 12, *[controls()] * 3)
    return st.one_of(common, common, common, st.one_of(broken(ballots()), common, closings()))


def logs(*, most: int = 60) -> st.SearchStrategy[Log]:
    """Return logs of PARTITION: the rules first, then anything, some of it delivered again."""

    def assemble(records: Log, again: list[tuple[int, int]]) -> Log:
        log: Log = [adopted(), *records]
        for source, place in again:
            record = log[source % len(log)]
            log.insert(1 + place % len(log), record)
        return log

    redelivered = st.tuples(st.integers(0, 1000), st.integers(0, 1000))
    return st.builds(assemble, st.lists(steps(), max_size=most), st.lists(redelivered, max_size=8))


def decided(log: Log) -> tuple[Ledger, list[bytes]]:
    """Decide a whole log."""
    ledger = Ledger(PARTITION, PARTITIONS)
    decisions = [ledger.decide(offset, value) for offset, value in enumerate(log)]
    assert None not in decisions
    return ledger, [decision for decision in decisions if decision is not None]


def folded(decisions: list[bytes]) -> Ledger:
    """Fold decisions read back."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for decision in decisions:
        ledger.apply(decision)
    return ledger


def named(counts: list[int]) -> dict[str, int]:
    """Return the counts that are not zero, by name."""
    return {name: count for name, count in zip(COUNTS, counts, strict=True) if count}
