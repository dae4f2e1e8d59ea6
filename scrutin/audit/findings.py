"""Recompute what the patrol found, from the live log: every judgement by its recorded cuts.

Theory of operation: the log of judgements is read as every reader reads it: the first of a number
that goes on from the one before holds, and what else lies there is passed over, and counted. Each
one that holds is judged again (`processors.guard.repeating`). Networks are read for that and for
nothing else: whatever is told here is in the record, or is a place in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from processors.guard import votes_alone
from processors.guard.findings import Finding
from processors.guard.inputs import Incomplete, beginning
from processors.guard.judgements import cut_of, goes_on, judged_in
from processors.guard.repeating import Difference, Repeated, Repeater, told
from processors.workers.patrol_reading import RecordsGone, Stretches
from producers.log_reader import LogReader
from schemas.topics import Topics
from sinks.printable import printable
from sinks.recount.checks import DIFFERENT, EQUAL, MISSING


LISTED_MOST = 1_000
"""Of each kind so many are told; all are counted."""
FORMAT = "scrutin-audit-findings/1"
SENTENCES = {
    EQUAL: "EQUAL: what the patrol found is what the log gives, as far as it can be made again.",
    DIFFERENT: "DIFFERENT: a judgement is not what the log gives.",
    MISSING: "MISSING: judgements are not there."}
Say = Callable[[str], None]


class LogGone(Exception):
    """What was judged cannot be read any more; the message says what, and what to do."""


@dataclass
class Listed:
    """Things of one kind: the first are told, all are counted."""

    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, one: dict[str, Any]) -> None:
        """Take one more."""
        self.count += 1
        if len(self.first) < LISTED_MOST:
            self.first.append(one)


@dataclass
class AuditedFindings:
    """What came of the judgements of a log."""

    consultation: str | None
    """Whose findings are told of; None: all."""
    judgements: int = 0
    exact: int = 0
    """Judgements of which everything was recomputed; of the others what votes allow."""
    findings: int = 0
    """Findings of judgements: as often as a judgement tells of one."""
    recomputed: int = 0
    """Those that were recomputed whole."""
    trusted: Listed = field(default_factory=Listed)
    """Those of which numbers are trusted, with these."""
    differences: Listed = field(default_factory=Listed)
    strays: Listed = field(default_factory=Listed)
    """What every reader passes over."""
    behind: int = 0
    """Records since the last judgement that held, which call themselves later ones."""

    @property
    def verdict(self) -> str:
        """Say what all of it amounts to, as `checks` has it: the lowest layer's fault wins."""
        return MISSING if self.behind else DIFFERENT if self.differences.count else EQUAL

    def take(self, repeated: Repeated) -> None:
        """Take what came of a judgement."""
        self.judgements, self.behind = repeated.number, 0
        self.exact += repeated.exact
        for difference in repeated.differences:
            self._differ(repeated.number, difference)
        for finding in repeated.findings:
            if self.consultation in (None, finding.consultation):
                self.findings += 1
                if repeated.exact or finding.rule in votes_alone.BY_VOTES:
                    self.recomputed += 1
                else:
                    self.trusted.add(_trusted(repeated.number, finding))

    def _differ(self, number: int, difference: Difference) -> None:
        if self.consultation in (None, difference.consultation) or not difference.consultation:
            self.differences.add({"judgement": number, "what": difference.what})

    def as_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "format": FORMAT, "consultation": self.consultation, "verdict": self.verdict,
            "judgements": self.judgements, "recomputed_judgements": self.exact,
            "findings": self.findings, "recomputed_findings": self.recomputed,
            **{name: {"count": listed.count, "first": listed.first} for name, listed in (
                ("trusted", self.trusted), ("differences", self.differences),
                ("strays", self.strays))}}

    def lines(self) -> Iterator[str]:
        """Yield it as lines of text, the verdict last; nothing in them moves a terminal."""
        yield (f"{self.judgements:,} judgements: {self.exact:,} recomputed, of "
               f"{self.judgements - self.exact:,} what votes alone allow")
        yield f"{self.findings:,} findings told of: {self.recomputed:,} recomputed"
        for word, listed in (("trusted", self.trusted), ("passed over", self.strays),
                             ("different", self.differences)):
            for one in listed.first:
                yield printable(f"  {word}: {_told(one)}")
            if listed.count > len(listed.first):
                yield f"  {word}: {listed.count - len(listed.first):,} more"
        if self.behind:
            yield (f"after judgement {self.judgements:,} none holds, and {self.behind:,} records "
                   "call themselves later ones")
        yield SENTENCES[self.verdict]


def _told(one: dict[str, Any]) -> str:
    """Say something that was listed, and where."""
    if "offset" in one:
        return f"offset {one['offset']:,}: {one['what']}"
    said = one.get("what")
    if said is None:
        numbers = ", ".join(f"{name} {value:,}" for name, value in one["numbers"].items())
        said = f"{one['finding']}: {numbers or 'marks'}, for its networks are forgotten"
    return f"judgement {one['judgement']:,}: {said}"


def _trusted(number: int, finding: Finding) -> dict[str, Any]:
    numbers = dict(finding.numbers)
    return {"judgement": number, "finding": told(finding), "numbers": {
        name: numbers[name] for name in votes_alone.TRUSTED.get(finding.rule, ())
        if name in numbers}}


async def audited(
    kafka: str, topics: Topics, consultation: str | None, say: Say
) -> AuditedFindings:
    """Recompute every recorded judgement.

    Raises LogGone, LaterRule, UnknownSchema, and ProducingError where Kafka or a topic is missing.
    """
    stretches = Stretches(kafka, topics, lambda _: None)
    audit = _Audit(stretches, topics, AuditedFindings(consultation))
    try:
        async with LogReader(kafka) as reader:
            await reader.require(topics.patrol, 1)
            await reader.require(topics.votes, topics.partitions)
            await audit.begin()
            async for records in reader.read(topics.patrol, 0):
                for record in records:
                    await audit.take(record.offset, record.value, record.timestamp)
                say(f"{audit.found.judgements:,} judgements recomputed")
            await audit.end()
    except (RecordsGone, Incomplete) as error:
        raise LogGone(f"what was judged cannot be read: {error}") from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise LogGone(
            f"Kafka at {kafka} did not answer ({error!r}): repeat the command.") from error
    finally:
        await stretches.stop()
    return audit.found


class _Audit:
    """One walk through the judgements."""

    def __init__(self, stretches: Stretches, topics: Topics, found: AuditedFindings) -> None:
        self.found = found
        self._stretches, self._repeater = stretches, Repeater(topics.partitions)
        assert self._repeater.cut == beginning(topics.partitions)
        self._networks_begin = 0

    async def begin(self) -> None:
        """Learn which networks are still there."""
        self._networks_begin = await self._stretches.networks_begin()

    async def end(self) -> None:
        """Raise LogGone where networks were forgotten while they were read: nothing is shown."""
        if self.found.differences.count and (
                await self._stretches.networks_begin() != self._networks_begin):
            raise LogGone("the broker forgot networks while they were read: repeat the command.")

    async def take(self, offset: int, value: bytes | None, written_at: int) -> None:
        """Take a record of the log of judgements."""
        judgements = judged_in([value])
        if not judgements:
            self.found.strays.add({"offset": offset, "what": "it is no judgement"})
            return
        fields = judgements[0]
        if fields["number"] == self._repeater.number + 1 and goes_on(
                fields, self._repeater.cut) and await self._stretches.holds(cut_of(fields)):
            self.found.take(await self._repeat(fields, written_at))
            return
        is_later = fields["number"] > self._repeater.number
        self.found.behind += is_later
        self.found.strays.add({"offset": offset, "what": (
            f"nobody can have made judgement {fields['number']:,} after "
            f"{self._repeater.number:,}" if is_later else
            f"judgement {fields['number']:,} was there before")})

    async def _repeat(self, fields: dict[str, Any], written_at: int) -> Repeated:
        networks = self._networks_begin <= self._repeater.cut.networks + 1
        batch = await self._stretches.batch(*self._repeater.span(fields, networks=networks))
        return self._repeater.repeat(fields, batch, written_at, networks=networks)
