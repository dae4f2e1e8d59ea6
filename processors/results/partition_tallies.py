"""The last whole flush of a votes partition, and the records that wait for its next one. Pure."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.registry import HEADER_BYTES
from schemas.words import EVERY_COUNT


_DECODE_TALLIED = decoders(
    "ProposalTallied", "consultation", "proposal", "source_offset", *EVERY_COUNT)
"""By header: what reads a tally of any version."""


class Waiting(NamedTuple):
    """A record of the tallies topic whose marker has not come yet."""

    offset: int
    """The votes offset it holds up to."""
    consultation: str
    proposal: str
    counts: tuple[int, ...]
    participation: dict[str, Any] | None
    """Fields of a ParticipationTallied; then there is no proposal and no counts."""


@dataclass
class PartitionTallies:
    """The last whole flush of one votes partition, and the records of the next one."""

    offset: int = -1
    counts: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    offsets: dict[tuple[str, str], int] = field(default_factory=dict)
    """Votes offset that each of the counts holds up to."""
    participation: dict[str, dict[str, Any]] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)
    undecodable: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    """Records since the last marker, and those beyond it."""


def waiting_of(value: bytes | None) -> Waiting:
    """Read a record of the tallies topic that is no marker; raise Undecodable."""
    decode_tallied = _DECODE_TALLIED.get((value or b"")[:HEADER_BYTES])
    if value is not None and decode_tallied is not None:
        consultation, proposal, offset, *counts = decode_tallied(value)
        return Waiting(offset, consultation, proposal, tuple(counts), None)
    fields = fields_of(value, "ParticipationTallied")
    return Waiting(fields["source_offset"], fields["consultation"], "", (), fields)


def fields_of(value: bytes | None, event: str) -> dict[str, Any]:
    """Decode a record of an event; raise Undecodable where it is another one."""
    found, fields = codec.decode(value)
    if found != event:
        raise Undecodable(f"{found} where {event} belongs")
    return fields
