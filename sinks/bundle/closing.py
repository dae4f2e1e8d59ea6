"""One closing for all partitions: what one of them let in afterwards shows by its time. Pure.

Theory of operation: a closing is announced once, gateways refuse from then on, and it is written
into every partition. In which of them it stands late nobody can tell from a count: the ledger takes
whatever stands before it. But events say when they happened, so the latest one that a partition
took is held against the first closing there is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.registry import HEADER_BYTES, headers
from sinks.ballots import BALLOT_EVENTS
from sinks.bundle import layout
from sinks.bundle.faults import BundleFault, Different


HELD_OPEN_SECONDS = 600
"""So long after the closing nobody's clock explains a vote: gateways and operators are set by the
same time services, and view proofs fail where they differ by a minute."""

_BALLOTS = {
    header: read for event in BALLOT_EVENTS
    for header, read in decoders(event, "consultation", "occurred_at").items()}
_CLOSINGS = headers("ConsultationClosed")


@dataclass(frozen=True)
class Taken:
    """What a partition took of a consultation; times are in milliseconds since 1970."""

    partition: int
    latest: int
    """Time of the latest ballot event before the closing; 0 without any."""
    offset: int
    """Where that event lies."""
    closed_at: int | None
    """Time of the closing in this partition; None where there is none."""


def taken(
    partition: int, votes: Iterable[Sequence[bytes | None]], consultation: str
) -> Taken:
    """Read a partition, from offset 0 on, up to where the consultation is closed."""
    latest, at = 0, 0
    for offset, value in enumerate(chain.from_iterable(votes)):
        header = (value or b"")[:HEADER_BYTES]
        ballot = _BALLOTS.get(header)
        if value is None or (ballot is None and header not in _CLOSINGS):
            continue
        try:
            name, time = ballot(value) if ballot else _closing(value)
        except Undecodable:
            continue
        if name == consultation and ballot is None:
            return Taken(partition, latest, at, time)
        if name == consultation and time > latest:
            latest, at = time, offset
    return Taken(partition, latest, at, None)


def _closing(value: bytes) -> tuple[str, int]:
    _, fields = codec.decode(value)
    return fields["consultation"], fields["occurred_at"]


def held_open(partitions: Sequence[Taken], announced_at: int | None) -> Iterator[BundleFault]:
    """Find partitions that took events long after the first closing, or its announcement."""
    closings = [found.closed_at for found in partitions if found.closed_at is not None]
    if announced_at is not None:
        closings.append(announced_at)
    first = min(closings, default=None)
    for found in partitions:
        if first is not None and found.latest - first > HELD_OPEN_SECONDS * 1_000:
            yield Different(
                f"{layout.votes(found.partition)}, offset {found.offset}",
                f"it happened at {_told(found.latest)}, voting was closed at {_told(first)}, and "
                f"in this partition {'never' if found.closed_at is None else 'later'}: it was held "
                "open")


def _told(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(" ", "seconds")
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms after 1970"
