"""What voters over HTTP and the notary were told, held against the ballot box. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from schemas import codec
from schemas.codec import Undecodable
from tests.faults.violations import Log, Violation, in_hex


BOOTH = "booth"
"""The consultation that is voted on over HTTP: every vote of it is told by receipts."""
CLOCK_SECONDS = 5.0
"""A gateway knows the broker's clock so well at least: no measure that it takes is wider."""


class Receipt(NamedTuple):
    """What a voter over HTTP was told of one vote."""

    key: str
    possible: int
    """Requests of it that may be in the log."""
    event: bytes | None = None
    """None: nobody ever gave a receipt."""
    partition: int = 0
    offset: int = 0
    is_signed: bool = False
    asked_at: float = 0.0
    """When the vote was asked for first, in seconds since 1970 by the broker's clock."""
    answered_at: float = 0.0


class SignedLog(NamedTuple):
    """A transparency log as it lies on disk, beside what it is of."""

    place: str
    entries: Sequence[bytes]
    expected: Sequence[bytes]
    fault: str = ""
    """Why it is not what its checkpoints signed, if so."""


def of_booth(value: bytes | None) -> dict[str, Any]:
    """Return the fields of a ballot that was cast over HTTP; none of any other record."""
    if value is None or BOOTH.encode() not in value:
        return {}
    try:
        _, fields = codec.decode(value)
    except Undecodable:
        return {}
    return fields if fields.get("consultation") == BOOTH else {}


def broken_receipts(
    receipts: Sequence[Receipt], strangers: int, votes: Sequence[Log]
) -> Iterator[Violation]:
    """Each receipt is true, and the log holds no vote that nobody can have cast."""
    possible: Counter[bytes] = Counter()
    for told in receipts:
        if told.event is None:
            yield Violation("vote not answered", f"key {told.key} never had a receipt")
            continue
        possible[of_booth(told.event)["event_id"]] += told.possible
        log = votes[told.partition]
        if not told.is_signed or log[told.offset:told.offset + 1] != [told.event]:
            yield Violation("receipt broken", (
                f"key {told.key}: partition {told.partition} offset {told.offset} is not "
                f"{in_hex(told.event)}, or the signature does not hold"))
    there = Counter(fields["event_id"] for log in votes for value in log
                    if (fields := of_booth(value)))
    unnamed = sum(times for event, times in there.items() if event not in possible)
    for event, times in there.items():
        if event in possible and times > possible[event]:
            yield Violation("phantom", (
                f"event {event.hex()} was cast over HTTP {possible[event]} times at the most, and "
                f"is there {times} times"))
    unanswered = sum(told.possible for told in receipts if told.event is None)
    if unnamed > strangers + unanswered:
        yield Violation("phantom", (
            f"{unnamed} votes were cast over HTTP by nobody, {strangers} may have been"))


def of_wrong_clocks(receipts: Sequence[Receipt]) -> Iterator[Violation]:
    """Each vote bears the time at which it was asked for, and is trusted as its proof says."""
    for told in receipts:
        fields = of_booth(told.event)
        if not fields:
            continue
        at_seconds = fields["occurred_at"] / 1_000
        if not told.asked_at - CLOCK_SECONDS <= at_seconds <= told.answered_at + CLOCK_SECONDS:
            yield Violation("wrong time", (
                f"key {told.key}: asked for at {told.asked_at:.3f}, answered at "
                f"{told.answered_at:.3f}, and bears {at_seconds:.3f}"))
        if fields["trust"] != "trusted":
            yield Violation("proof not believed", (
                f"key {told.key}: a vote with the proof of its sequence is {fields['trust']}"))


def broken_logs(logs: Sequence[SignedLog]) -> Iterator[Violation]:
    """Each transparency log is that of its partition, to the end."""
    for held in logs:
        if held.fault:
            yield Violation("transparency log broken", f"{held.place}: {held.fault}")
        elif held.entries != held.expected:
            yield Violation("transparency log differs", (
                f"{held.place}: {len(held.entries)} entries of {len(held.expected)} records, "
                "or others"))
