"""Writes a campaign to Kafka while it is being played."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from producers import closing, signing
from producers.campaign.catalogue import catalogue
from producers.campaign.events import Campaign, Event
from producers.campaign.plan import Plan
from producers.endorsing import Endorser, endorser
from producers.errors import ProducingError
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.signing import Controls, OwnKey
from producers.writer import BulkWriter
from schemas.topics import Topics


PIECE_EVENTS = 2_000
"""After so many events others get their turn: batches are sent while the next are made."""
THROTTLED_PIECES_A_SECOND = 20
"""With a rate, votes come in this many small pieces a second."""
COMPLETED_AFTER_MS = 2_000
"""The simulated closing completes two seconds after it is announced."""


CONTROLS = ("VoterSuspended", "VoterReinstated", closing.CLOSED)
"""What a campaign holds of them."""


@dataclass
class Progress:
    """What has been written so far; given to the callback, which must not keep it."""

    phase: str = "catalogue"
    """catalogue, votes, closing, late, done."""
    catalogue_records: int = 0
    votes_records: int = 0
    participants_records: int = 0
    instant: int = 0
    """Simulated time in milliseconds UTC."""


class _Run:
    """One campaign on its way into the log."""

    def __init__(
        self, writer: BulkWriter, topics: Topics, *, rate: float | None,
        report: Callable[[Progress], None], controls: Controls, endorsed: Endorser,
    ) -> None:
        self.writer = writer
        self.controls = controls
        self.endorsed = endorsed
        self.topics = topics
        self.rate = rate
        self.report = report
        self.progress = Progress()
        self._began = asyncio.get_running_loop().time()
        self._adders = [
            writer.lane(topics.votes, partition).add for partition in range(topics.partitions)
        ] + [writer.lane(topics.participants, 0).add]

    async def enter(self, phase: str) -> None:
        """Begin a phase: everything of the one before is acknowledged."""
        await self.writer.flush()
        self.progress.phase = phase
        self.report(self.progress)
        self._began = asyncio.get_running_loop().time() - self._due_seconds()

    async def write_catalogue(self, plan: Plan) -> None:
        for timestamp, value in catalogue(plan):
            await self.endorsed.add(self.writer, self.topics, timestamp, value)
            self.progress.catalogue_records += 1

    async def write_events(self, events: Sequence[Event]) -> None:
        adders, participants = self._adders, self.topics.partitions
        for piece in _pieces(events, self._piece_events()):
            described = 0
            for _, partition, timestamp, value in piece:
                adders[partition](timestamp, value)
                described += partition == participants
            self.progress.participants_records += described
            self.progress.votes_records += len(piece) - described
            self.progress.instant = piece[-1][0]
            self.report(self.progress)
            await self.writer.ready()
            await asyncio.sleep(self._pause_seconds())

    async def close(self, plan: Plan) -> None:
        """Close the consultation at its announced time."""
        published = plan.published
        salt = hashlib.sha256(f"{published.consultation}:{plan.seed}:closing".encode()).digest()
        control = closing.closing_fields(
            published.consultation, closes_at=published.closes_at,
            occurred_at=published.closes_at, salt=salt[:16], origin="simulation",
        )
        await closing.announce(self.writer, self.topics, control, self.endorsed)
        await closing.carry_out(
            self.writer, self.topics, control, self.controls, self.endorsed, present={},
            completed_at=published.closes_at + COMPLETED_AFTER_MS,
        )
        self.progress.catalogue_records += 2
        self.progress.votes_records += self.topics.partitions

    def _piece_events(self) -> int:
        if self.rate is None:
            return PIECE_EVENTS
        return max(1, int(self.rate / THROTTLED_PIECES_A_SECOND))

    def _due_seconds(self) -> float:
        return self.progress.votes_records / self.rate if self.rate else 0.0

    def _pause_seconds(self) -> float:
        """Return how long to wait so that no more than `rate` records a second are written."""
        if self.rate is None:
            return 0.0
        self.writer.send()
        return max(0.0, self._began + self._due_seconds() - asyncio.get_running_loop().time())


async def run(
    address: str,
    topics: Topics,
    plan: Plan,
    *,
    own_keys: Sequence[OwnKey] = (),
    rate: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Write the campaign of a plan: catalogue, votes and descriptions, closing, late votes.

    `rate` bounds the records a second in the votes topic. `progress` is called often, in the
    event loop: it must be quick. Ballots are of the version that the announced rules have, and
    controls are signed with `own_keys` where the log asks for it. Raises ProducingError, also where
    the log already holds the consultation, or no key at hand may sign.
    """
    async with LogReader(address) as reader:
        await reader.require(topics.votes, topics.partitions)
        await reader.require(topics.participants, 1)
        known = await read_catalogue(reader, topics)
        _refuse_known(known.consultations(), plan)
        controls = await signing.controls(reader, topics, known, own_keys)
        endorsed = endorser(known, own_keys)
    for event in CONTROLS:
        controls.require_signers(event)
    campaign = Campaign(plan, topics.partitions, controls)
    async with BulkWriter(address) as writer:
        running = _Run(writer, topics, rate=rate, report=progress, controls=controls,
                       endorsed=endorsed)
        await running.write_catalogue(plan)
        await running.enter("votes")
        for events in campaign.events():
            await running.write_events(events)
        await running.enter("closing")
        await running.close(plan)
        await running.enter("late")
        await running.write_events(campaign.late_events())
        await running.enter("done")
        return running.progress


def _refuse_known(known: Sequence[str], plan: Plan) -> None:
    if plan.published.consultation in known:
        raise ProducingError(
            f"consultation {plan.published.consultation!r} is already in the log, and a campaign "
            "is written once. Use an empty SCRUTIN_DATA_DIR, or start a new topic generation with "
            "another SCRUTIN_TOPIC_PREFIX."
        )


def _pieces(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    for first in range(0, len(events), size):
        yield events[first:first + size]
