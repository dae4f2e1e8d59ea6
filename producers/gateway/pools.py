"""Proposals with their counts, for sequences: fresh enough, and never in the way of votes.

Decoding the results of three thousand proposals takes a tenth of a second, in which no vote would
be taken. So a pool is made in small steps between other tasks, at most every REFRESH_SECONDS, and
served meanwhile as it was. It is made from one whole flush of the results: a sequence can then be
explained by the flush's offsets. While a consultation hides how people vote its pool does not know
it either: who is shown what would tell.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from producers.gateway.follower import Follower
from producers.gateway.sequence import FIRST, SCORED_BY, SECOND, Candidate, Pool
from schemas import codec, hot
from schemas.registry import HEADER_BYTES
from schemas.scored_counts import first_counts
from schemas.words import COUNTS


REFRESH_SECONDS = 10.0
"""A pool is so old at most, when somebody asks; a sequence is a choice, not a count."""
STEP_RECORDS = 20
"""Results decoded before other tasks get their turn: a millisecond of work."""
DRAWN_SINCE = 2
"""From these rules on the results have drawn votes, and sequences look at them alone."""
_NOTHING = (0,) * len(SCORED_BY)
_COUNTED = tuple(map(COUNTS.index, SCORED_BY))
_COUNTED_MOST = max(_COUNTED) + 1
_DRAWN_NAMES = tuple(f"drawn_{name}" for name in SCORED_BY)
_DRAWN = hot.decoders("RoutesCounted", *_DRAWN_NAMES)


class Snapshot(Protocol):
    """One whole flush of the results of a consultation."""

    @property
    def offsets(self) -> tuple[int, ...]: ...

    @property
    def proposals(self) -> Mapping[str, bytes]: ...

    @property
    def routes(self) -> Mapping[str, bytes]: ...


Results = Callable[[str], Snapshot]
"""Gives the newest flush of a consultation; the composition root knows where from."""


@dataclass(frozen=True)
class DatedPool:
    """A pool, and what it was made from."""

    pool: Pool
    offsets: tuple[int, ...]
    catalogue_offset: int
    made_at: float
    retirements: int
    """How many retirements and restorations the catalogue had."""


class Pools:
    """The pools of the consultations that are asked for."""

    def __init__(self, follower: Follower, results: Results) -> None:
        self._follower = follower
        self._results = results
        self._pools: dict[str, DatedPool] = {}
        self._making: dict[str, asyncio.Task[DatedPool]] = {}

    async def pool(self, consultation: str) -> DatedPool:
        """Return a pool; make one first where there is none, or none without what was retired."""
        while True:
            held = self._pools.get(consultation)
            now = asyncio.get_running_loop().time()
            if held is not None and held.retirements != self._follower.known.retirements:
                held = None
            if held is not None and now - held.made_at < REFRESH_SECONDS:
                return held
            making = self._making.get(consultation)
            if making is None:
                making = self._making[consultation] = asyncio.create_task(
                    self._make(consultation))
                making.add_done_callback(lambda _: self._making.pop(consultation))
            if held is not None:
                return held
            await asyncio.shield(making)

    async def _make(self, consultation: str) -> DatedPool:
        snapshot = self._results(consultation)
        proposals = self._follower.proposals(consultation)
        catalogue_offset, retirements = self._follower.offset, self._follower.known.retirements
        described = self._follower.known.find("ConsultationDescribed", consultation) or {}
        blind = bool(described.get("shares_embargoed"))  # None was asked for before the field.
        by_draw = self._follower.known.rules >= DRAWN_SINCE
        values, counts_of = (
            (snapshot.routes, drawn_of) if by_draw else (snapshot.proposals, counted_of))
        candidates = []
        for number, (name, accepted) in enumerate(proposals.items()):
            author = accepted["author"]
            value = values.get(name)
            candidates.append(Candidate(
                name, author and author["name"], counts_of(value) if value else _NOTHING))
            if number % STEP_RECORDS == STEP_RECORDS - 1:
                await asyncio.sleep(0)
        made = DatedPool(
            Pool(candidates, SECOND if by_draw else FIRST, blind=blind), snapshot.offsets,
            catalogue_offset, asyncio.get_running_loop().time(), retirements)
        self._pools[consultation] = made
        return made


def counted_of(value: bytes) -> tuple[int, ...]:
    """Return the counts of a ProposalScored, in the order of SCORED_BY."""
    counts = first_counts(value, _COUNTED_MOST)
    return tuple([counts[place] for place in _COUNTED])


def drawn_of(value: bytes) -> tuple[int, ...]:
    """Return those of its drawn votes, from a RoutesCounted."""
    read = _DRAWN.get(value[:HEADER_BYTES])
    if read is not None:
        return read(value)
    counts = codec.decode(value)[1]
    return tuple(counts[name] for name in _DRAWN_NAMES)
