"""The patrol as a Faust worker: judgements out, and what they ask for.

Theory of operation:
- The topic of judgements has one partition, and who holds it is the patrol; others stand by. Faust
  hands out its records, of whoever wrote them, and the state is a fold of them: each is judged
  again by its own cuts, rules and instant. Votes are read by offsets, for a judgement names them.
- A judgement is written with the next number, and holds once it comes back as the first of its
  number. Whoever finds another there begins anew with what is recorded: two judged, and one that
  was frozen and thaws learns late that the group has given its place away. Later ones of a number
  are strays, and so is what is no judgement.
- Suspensions are written when their judgement holds, never before, and where this patrol made it,
  or made it again alike by the rules that operators set: else whoever can write judgements could
  have anybody suspended under the guard's key.
- A new holder passes over what lies before yesterday: of it only who has voted is remembered.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from faust.types import TP

from processors.guard.challenges import Challenges
from processors.guard.day import DAY_MS
from processors.guard.inputs import Batch, Cut
from processors.guard.judgements import (
    VOTES_MOST,
    by_operators,
    cut_of,
    encoded,
    findings_of,
    goes_on,
    judged_in,
    rules_of,
)
from processors.guard.judging import judge
from processors.guard.parameters import NAMES, Rules
from processors.guard.state import PatrolState
from processors.workers.batch_lane import (
    BatchValue,
    Seeks,
    application,
    assigning,
    closing,
    guarded,
    stop_process,
)
from processors.workers.batches import WRITE_SECONDS, Batches, connected_producer
from processors.workers.looker import Looker
from processors.workers.membership import Membership
from processors.workers.patrol_reading import Overtaken, Stretches, newest
from processors.workers.patrol_suspending import CannotSuspend, Encoder, Suspensions
from schemas.corrections import ACTS
from schemas.endorsements import CountedCatalogue
from schemas.finding_acts import Acts
from schemas.topics import Topics


SUSPEND_AGAIN_SECONDS = 60.0
"""So often suspensions that cannot be written are tried again."""

log = structlog.get_logger("scrutin.patrol")


@dataclass(frozen=True)
class PatrolPolicy:
    """What an operator can set."""

    kafka: str
    topics: Topics
    instance: str
    folder: Path
    judge_seconds: float
    """So often the patrol judges where something has come; a backlog is judged at once."""


class PatrolWorker:
    """The Faust application around the pure state."""

    def __init__(self, policy: PatrolPolicy, encoder: Encoder) -> None:
        self.policy, self.topics = policy, policy.topics
        self.place = TP(self.topics.patrol, 0)
        self.seeks = Seeks()
        self.closing = False
        self.generation: int | None = None
        """Of the group while this worker is the patrol; None while it stands by."""
        self.suspensions: Suspensions
        self._encoder = encoder
        self.held = asyncio.Event()
        """Set when the judgement that was written last has come back."""
        self._begin_anew()
        self.changing = asyncio.Lock()
        """Held while the state is being changed."""
        self.looker = Looker(policy.kafka)
        self.stretches = Stretches(
            policy.kafka, self.topics, lambda votes: self.suspensions.met(votes))  # noqa: PLW0108 -- it is made anew
        self.producer: AIOKafkaProducer
        self.app = application(
            f"{self.topics.prefix}-patrol", policy.kafka, partitions=1,
            instance=policy.instance, folder=policy.folder, positions=self)
        self.membership = Membership(
            policy.kafka, f"{self.topics.prefix}-patrol", self.topics.patrol, 1,
            policy.instance, holds=lambda: self.generation is not None,
            rebalances=lambda: self.app.rebalancing_count)
        topic = self.app.topic(self.topics.patrol, value_type=bytes, value_serializer="raw")
        self.app.agent(topic, name="fold-judgements")(self._fold_stream)
        self.app.task(guarded(self._patrol, is_closing=lambda: self.closing))
        assigning(self.app, self._assigned)
        closing(self.app, self._close)

    def _begin_anew(self) -> None:
        """Forget everything: who takes the partition folds it from its beginning."""
        self.lost = False  # Whether another one may have judged meanwhile.
        self.state = PatrolState(self.topics.partitions)
        self.rules = Rules.of_code()
        self.catalogue = CountedCatalogue()
        self.position = 0
        """Next record of the judgements."""
        self.caught_up_at: int | None = None
        """Where the judgements ended when the partition was taken."""
        self.remembered_until = 0
        """Judgements of a log's time before this are passed over."""
        self.passed: dict[str, Any] | None = None
        """The last of those that were met, and are not passed over yet."""
        self.own = False
        """Whether the judgement that was folded last is known to be what the patrol says itself."""
        self.exact = False
        """Whether the state is known to be that of whoever judged: not in the first of a day."""
        self.judged: tuple[int, bytes] | None = None
        """Number and bytes of the judgement that was written, and has not come back."""
        self.differing = self.strays = self.recorded = 0
        self.findings: Counter[int] = Counter()
        self.judged_at = 0
        self.behind = 0
        """Votes that are not judged, as of the last look."""
        self.closed: set[str] = set()
        """Consultations whose figures are final: only people set votes aside in them."""
        self.acts = Acts()
        """What people decided about findings."""
        self.suspensions = Suspensions(self.topics, self._encoder)
        self.challenges = Challenges()
        self.held.set()  # Who waits for a judgement to come back waits in vain.

    # Positions, asked by the lane

    def _assigned(self, partitions: set[TP]) -> None:
        """Hear what the group gives: who does not have the partition stands by."""
        if self.place not in partitions:
            self.generation, self.lost = None, True
            self.held.set()  # Who waits for a judgement to come back waits in vain.

    async def resume_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Read judgements on where the state stands; who had lost them forgets it before."""
        generation = self.app.consumer_generation_id
        if self.lost:
            async with self.changing:
                self._begin_anew()
        if self.caught_up_at is None:
            await self._look_up()
        self.generation = generation  # Not that of now: it may be lost again.
        return dict.fromkeys(partitions & {self.place}, self.position)

    def durable_offset(self, partition: TP) -> int | None:
        """Commit what was folded, for lag monitoring."""
        return (self.position or None) if partition == self.place else None

    async def _look_up(self) -> None:
        """Learn how far the judgements go, and which of them are of yesterday and today."""
        ends = await self.looker.ends([place := TopicPartition(*self.place)])
        if told := await newest(self.looker, place, ends[place]):
            # None is of tomorrow, whatever it says of itself.
            day = min(told["log_time"], int(time.time() * 1000)) // DAY_MS
            self.remembered_until = (day - 1) * DAY_MS
        self.caught_up_at = ends[place]

    # Folding what is recorded

    async def _fold_stream(self, stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await self._fold(event.message.value)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except Exception as error:  # noqa: BLE001 -- Faust would log it and go on
                if self.closing:
                    return
                stop_process(str(error), error)
            event.ack()

    async def _fold(self, batch: BatchValue) -> None:
        if batch.generation != self.generation or not self.seeks.in_place(self.place, batch):
            await self.seeks.seek(self.app.consumer, self.place, self.position)
            return
        for record in batch.records:
            if record.offset < self.position:
                continue
            try:
                await self._take(record.value or b"")
            except Overtaken:
                await self._look_up()
                await self.seeks.seek(self.app.consumer, self.place, self.position)
                return
            self.position = record.offset + 1

    async def _take(self, value: bytes) -> None:
        """Fold a recorded judgement: our own, another's, or a stray."""
        found = judged_in([value])
        if not found:
            self.strays += 1
            log.error("what is no judgement was passed over", offset=self.position,
                      remedy="find out who wrote it, and who else may write this topic")
            return
        async with self.changing:
            if await self._is_folded(found[0], value):
                self._hold(found[0])

    async def _is_folded(self, fields: dict[str, Any], value: bytes) -> bool:
        """Fold a judgement that is the first of its number; say whether it is."""
        self.own = False
        number, last = fields["number"], self.passed["number"] if self.passed else self.state.number
        if self.judged is not None and number == self.judged[0]:
            if value != self.judged[1]:
                log.warning("another patrol wrote a judgement before this one: it begins anew")
                self._begin_anew()
                raise Overtaken
            self.own = True
            return True
        if number != last + 1 or not await self._can_be(fields):
            self.strays += 1
            if number > last:
                log.error("a judgement that nobody can have made was passed over", number=number,
                          after=last, offset=self.position, remedy="find out who wrote it, and who "
                          "else may write this topic; where judgements are missing, restore it")
            return False
        if fields["log_time"] < self.remembered_until:
            self.passed = fields
        else:
            await self._pass_over()
            await self._judge_again(fields, value)
        return True

    async def _can_be(self, fields: dict[str, Any]) -> bool:
        """Whether a judgement goes on from the last one, within the log and by rules there are.

        Rules of a later release stop the process: it could not follow what they did.
        """
        before = cut_of(self.passed) if self.passed else self.state.cut
        return goes_on(fields, before) and await self.stretches.holds(cut_of(fields))

    def _hold(self, fields: dict[str, Any]) -> None:
        """Go by a judgement: it is recorded, as the first of its number."""
        self.judged, self.recorded = None, fields["number"]
        found = findings_of(fields)
        self.findings.update(finding.rule for finding in found)
        self.challenges.note(found)
        if self.own:
            self.suspensions.owe(one for one in found if one.consultation not in self.closed
                                 and not self.acts.lets_count(one.consultation, one.finding))
        elif any(one.suspends for one in found):
            log.warning("suspensions of a judgement are left to those who made it",
                        number=fields["number"], remedy="it was not made again alike, or lies "
                        "before yesterday: docs/guard.md says what is owed then")
        self.judged_at = fields["judged_at"]
        self.held.set()

    async def _judge_again(self, fields: dict[str, Any], value: bytes) -> None:
        """Judge what a record says was judged; if it comes out otherwise, the record holds."""
        batch = await self.stretches.batch(self.state.cut, cut_of(fields))
        self._learn(batch)
        exact = self.exact or not self.state.number  # Nothing was passed over.
        again = encoded(judge(self.state, batch, rules_of(fields), fields["judged_at"]))
        self.own = exact and again == value and by_operators(rules_of(fields)) == by_operators(
            self.rules)
        if again != value and exact:
            self.differing += 1
            log.error("a judgement cannot be repeated", number=fields["number"],
                      remedy="compare the versions of scrutin that ran, and the networks topic: "
                             "docs/operate.md#patrol")
        self.exact = True

    async def _pass_over(self) -> None:
        """Remember who voted before yesterday, in pieces."""
        if self.passed is None:
            return
        until = cut_of(self.passed)
        while self.state.cut != until:
            after = self.state.cut
            share = max(1, VOTES_MOST // len(until.votes))
            piece = Cut(tuple(min(read + share, end) for read, end in zip(
                after.votes, until.votes, strict=True)), until.networks, until.catalogue)
            batch = await self.stretches.batch(after, piece, networks=False)
            self._learn(batch)
            self.state.pass_over(batch, self.passed["number"], self.passed["sample"])
        self.passed = None

    def _learn(self, batch: Batch) -> None:
        """Follow the catalogue: rules that have changed, what people decided, what is closed."""
        for event, fields, value, offset in batch.catalogue:
            counted = self.catalogue.follow(event, fields, offset, value)
            self.rules.follow(event, fields, value)
            if event in ACTS and self.rules.authority.takes(event, fields, value):
                self.acts.take(event, fields)
                about = fields["consultation"], fields["finding"]
                if self.acts.lets_count(*about):
                    self.suspensions.let_count(*about)
            if counted and counted.event == "ConsultationClosed":
                self.closed.add(counted.fields["consultation"])
                self.suspensions.drop(counted.fields["consultation"])

    # Judging

    async def _patrol(self) -> None:
        self.producer = await connected_producer(self.policy.kafka)
        suspended_at, loop = -SUSPEND_AGAIN_SECONDS, asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0 if self.behind else self.policy.judge_seconds)
            if not self.leads():
                self.behind = 0
                continue
            await self._judge()
            if len(self.suspensions) and (
                    not self.suspensions.reason
                    or loop.time() - suspended_at >= SUSPEND_AGAIN_SECONDS):
                suspended_at = loop.time()
                await self._suspend()

    def leads(self) -> bool:
        """Whether this worker is the patrol, and knows everything that was judged."""
        return (self.generation is not None
                and self.generation == self.app.consumer_generation_id
                and self.caught_up_at is not None and self.position >= self.caught_up_at)

    async def _judge(self) -> None:
        """Judge what has come, write it, and wait until it holds."""
        async with self.changing:
            await self._pass_over()
            cut, self.behind = await self.stretches.cut_after(self.state.cut)
            if cut == self.state.cut and not self.state.left:
                return
            batch = await self.stretches.batch(self.state.cut, cut)
            self._learn(batch)
            judgement = judge(self.state, batch, self.rules, int(time.time() * 1000))
            value = encoded(judgement)
            raised = self.challenges.raised(self.state, judgement, int(time.time() * 1000))
            self.judged, self.exact = (judgement.number, value), True
            self.held.clear()
        for finding in judgement.findings:
            log.warning("finding", rule=NAMES[finding.rule], finding=finding.finding.hex(),
                        consultation=finding.consultation, proposal=finding.proposal,
                        voters=len(finding.voters))
        writer = Batches(self.producer)
        writer.write([value], timestamps=[judgement.judged_at])
        async with asyncio.timeout(WRITE_SECONDS):
            await asyncio.gather(*await writer.send(*self.place))
            await self.held.wait()
        if raised and self.recorded == judgement.number:
            await self._raise(raised)

    async def _raise(self, raised: list[bytes]) -> None:
        """Ask the door for more, where a judgement that holds told of somebody."""
        writer = Batches(self.producer)
        writer.write(raised, timestamps=[int(time.time() * 1000)] * len(raised))
        async with asyncio.timeout(WRITE_SECONDS):
            await asyncio.gather(*await writer.send(self.topics.networks, 0))
        log.info("the door was asked for more", places=len(raised))

    async def _suspend(self) -> None:
        """Write the suspensions that are owed."""
        try:
            count = await self.suspensions.write(self.producer, int(time.time() * 1000))
        except CannotSuspend as error:
            log.warning("nobody is suspended", owed=len(self.suspensions), reason=str(error))
        else:
            log.info("suspended", voters=count)

    async def _close(self) -> None:
        self.closing = True
        if hasattr(self, "producer"):
            await self.producer.stop()
        await self.stretches.stop()
        await self.looker.stop()

    def status(self) -> dict[str, Any]:
        """Say where the patrol stands, for health checks and operators."""
        return {
            "ready": hasattr(self, "producer") and (
                self.generation is None or self.leads()),
            "leads": self.leads(), "number": self.state.number, "judged_at": self.judged_at,
            "votes": list(self.state.cut.votes), "behind": self.behind,
            "findings": {NAMES[rule]: count for rule, count in sorted(self.findings.items())},
            "owed": len(self.suspensions), "owed_reason": self.suspensions.reason,
            "differing": self.differing, "strays": self.strays,
            "sample": self.state.level,
        }
