"""Sequences: drawn for whoever asks, on the record once somebody acts.

Theory of operation: a crawler, an uptime check and a person who only looks ask for sequences too,
and what is written is kept for ever. So a device that is not known to have acted writes nothing:
the event waits, whole and sealed, in a cookie of its browser, comes back with the first act, and
is written once that is. No gateway keeps anything meanwhile, and any gateway can write it: one that
is killed loses none. A device that is known has its sequence written at once. A browser that loses
the cookie, one that draws a second sequence before its first act, and a network that has used up
what is kept of it in a day (`producers.gateway.kept`) vote without that sequence on record.
Nothing else depends on it: that a proposal was shown is proven by its view proof. Whether that says
that it was drawn depends on how many sequences nobody answered (`producers.gateway.unanswered`).

A cookie that comes back twice, with votes sent at once or again on purpose, is written once by each
gateway that remembers it, under the same event id.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from producers.gateway import identity, kept, sequence
from producers.gateway.broker_time import BrokerTime
from producers.gateway.keys import KeyFolder
from producers.gateway.memory import Memory
from producers.gateway.outlet import NotWritten, Outlet, Unknown
from producers.gateway.pools import Pools
from producers.gateway.salts import Salts
from producers.gateway.unanswered import Unanswered
from producers.gateway.view_proofs import PROOF_SECONDS
from schemas import codec, figures
from schemas.figures import Sample
from schemas.registry import UnknownSchema
from schemas.words import ORIGINS


DRAWN_COOKIE = "scrutin-drawn"
DRAWN_SECONDS = PROOF_SECONDS
"""So long a sequence waits: as long as its view proofs are good."""
DRAWN_CHARACTERS = 2_048
"""Longest sequence that waits, as its cookie has it. One of a new voter has 300 with 4 partitions
and 8 with each further one; with more than some 200 it is not recorded."""
DAY_MILLISECONDS = 86_400_000
OUTCOMES = ("recorded", "waiting", "recorded_with_vote", "not_recorded")
"""What becomes of sequences; those that never come back from waiting were of readers."""


class Visitor(Protocol):
    """Who asks: `producers.gateway.booth.Voter`."""

    @property
    def consultation(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def origin(self) -> int: ...

    @property
    def network(self) -> bytes: ...


class Given(NamedTuple):
    """A sequence as it is given."""

    event_id: bytes
    proposals: list[str]
    asked: int
    """So many of them, the first ones, were asked for."""
    drawn_at: int
    """Milliseconds since 1970."""
    waiting: str
    """What the browser keeps until the voter acts; empty where nothing waits."""
    counts_as_drawn: bool
    """Whether view proofs may say that the others were drawn."""


class Sequences:
    """Draws sequences and writes them down."""

    def __init__(  # noqa: PLR0913 -- the parts of sequences, each by its name
        self, *, pools: Pools, outlet: Outlet, topic: str, keys: KeyFolder, memory: Memory,
        salts: Salts, time: BrokerTime, gateways: int = 1,
    ) -> None:
        self._pools = pools
        self._outlet = outlet
        self._topic = topic
        self._keys = keys
        self._memory = memory
        self._salts = salts
        self._time = time
        self._accounts = kept.Accounts(kept.SEQUENCES, gateways=gateways)
        self._unanswered = Unanswered(gateways=gateways)
        self._outcomes: Counter[str] = Counter()
        self._past_bound = 0

    async def draw(
        self, visitor: Visitor, included: Sequence[str], *, looks_only: bool = False
    ) -> Given:
        """Choose the next proposals; `looks_only` says that nothing may be written for it.

        Raises NotWritten without a broker, for then nobody can vote on them, and Unknown where it
        does not say that the sequence is on record.
        """
        if not self._outlet.connected:
            raise NotWritten(self._outlet.away)
        dated = await self._pools.pool(visitor.consultation)
        now = self._time.milliseconds()
        seed = self._salts.draw(identity.IDENTIFIER_BYTES)
        drawn = sequence.draw(dated.pool, self._memory.history(visitor.id), seed, included)
        event_id = identity.time_ordered_id(now, self._salts.draw(10))
        value = codec.encode(
            "SequenceDrawn", event_id=event_id, voter=visitor.id,
            consultation=visitor.consultation, algorithm=dated.pool.algorithm, seed=seed,
            offsets=list(dated.offsets), catalogue_offset=dated.catalogue_offset,
            proposals=[dated.pool.places[name] for name in drawn.proposals], asked=drawn.asked,
            left_out=drawn.left_out, origin=ORIGINS[visitor.origin], occurred_at=now)
        if looks_only or not self._memory.remembers(visitor.id):
            waiting = self._sealed(visitor, value)
            self._outcomes["waiting" if waiting else "not_recorded"] += 1
        else:
            waiting = ""
            await self._record(visitor, value, now, now, "recorded")
        counts_as_drawn = self._unanswered.draw(visitor.id, visitor.network, now / 1_000)
        self._past_bound += not counts_as_drawn
        return Given(event_id, drawn.proposals, drawn.asked, now, waiting, counts_as_drawn)

    def answered(self, visitor: Visitor, now: int) -> None:
        """Take note of a visitor's first vote on a proposal, now (milliseconds since 1970)."""
        self._unanswered.answer(visitor.id, visitor.network, now / 1_000)

    async def came_back(self, visitor: Visitor, waiting: str) -> bool:
        """Write what waited in a browser, now that its voter acts.

        Give whether the browser may forget it: not where no broker took it.
        """
        now = self._time.milliseconds()
        value = self._opened(visitor, waiting)
        if value is None:
            return True
        try:
            _, fields = codec.decode(value)
        except (codec.Undecodable, UnknownSchema):
            return True  # Of another version, whose gateway did not come to write it.
        event_id, drawn_at = fields["event_id"], fields["occurred_at"]
        if now - drawn_at > DRAWN_SECONDS * 1_000 or not self._memory.note(event_id):
            return True  # Noted first: a second vote may come before the broker has answered.
        try:
            await self._record(visitor, value, drawn_at, now, "recorded_with_vote")
        except (NotWritten, Unknown):
            self._memory.forget(event_id)
            return False
        return True

    def samples(self) -> Iterator[Sample]:
        """Yield what became of sequences as figures."""
        for outcome in OUTCOMES:
            yield Sample(figures.GATEWAY_SEQUENCES, self._outcomes[outcome], (outcome,))
        yield Sample(figures.GATEWAY_PAST_BOUND, self._past_bound)

    async def _record(
        self, visitor: Visitor, value: bytes, drawn_at: int, now: int, outcome: str
    ) -> None:
        """Write a sequence, if it is within what is kept of its voter and network today."""
        day = now // DAY_MILLISECONDS
        if not self._accounts.take(visitor.id, visitor.network, len(value), day):
            self._outcomes["not_recorded"] += 1
            return
        await self._outlet.write(self._topic, 0, drawn_at, value)
        self._outcomes[outcome] += 1

    def _sealed(self, visitor: Visitor, value: bytes) -> str:
        raw = self._keys.device.code(b"drawn", visitor.id, value) + value
        text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return text if len(text) <= DRAWN_CHARACTERS else ""

    def _opened(self, visitor: Visitor, waiting: str) -> bytes | None:
        """Return the event that we sealed for this voter; None for anything else."""
        if len(waiting) > DRAWN_CHARACTERS:
            return None
        try:
            raw = base64.urlsafe_b64decode(waiting + "=" * (-len(waiting) % 4))
        except (binascii.Error, ValueError):
            return None
        code, value = raw[:identity.IDENTIFIER_BYTES], raw[identity.IDENTIFIER_BYTES:]
        return value if self._keys.device.signed(code, b"drawn", visitor.id, value) else None


def explained(
    fields: dict[str, Any], accepted: Sequence[str], pool: sequence.Pool
) -> tuple[list[str], list[str]]:
    """Return the proposals of a SequenceDrawn by name, and those that its draw gives again.

    `accepted` are the consultation's proposals in the order of the catalogue, `pool` holds them
    with their counts at the event's offsets, in the event's version. Raises ValueError for a pool
    of another version.
    """
    if pool.algorithm != fields["algorithm"]:
        raise ValueError(f"the sequence is of {fields['algorithm']}, the pool of {pool.algorithm}")
    said = [accepted[place] for place in fields["proposals"]]
    again = sequence.redrawn(pool, fields["seed"], said[:fields["asked"]], fields["left_out"])
    return said, again
