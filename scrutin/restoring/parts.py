"""What there is to restore of each partition, and what of it is lost. Blocking: it asks ClickHouse.

Theory of operation: the archive keeps topics side by side, so it ends at another moment in each. A
ledger stops at a decision of a vote that is not there, hence such decisions are left out. A notary
stops where less is there than was signed. Both are losses: they are said, and nothing is written
until somebody accepts them.
"""

from dataclasses import dataclass
from pathlib import Path

from schemas import codec
from schemas.codec import Undecodable
from schemas.topics import Topics
from sinks.ballots import consultation_of
from sinks.kept import ArchiveUnfit, KeptLogs
from sinks.logs import ArchivedLog, kept_logs
from sinks.transparency.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import Refused, Verifier, text_of
from sinks.transparency.policy import POLICY, parse_policy, place_of
from sinks.transparency.witnessed import Witnessed


@dataclass(frozen=True)
class Part:
    """A partition to be filled."""

    log: ArchivedLog
    """As it is archived."""
    partition: int
    into: str
    """The topic to be filled."""
    end: int
    """Records there are to write."""
    witnessed: Witnessed
    is_signed: bool
    """Whether a notary signs this log at all."""

    @property
    def place(self) -> str:
        return f"{self.into} partition {self.partition}"

    @property
    def unsigned(self) -> int:
        """Records behind the last checkpoint of a log that is signed: nothing vouches for them."""
        return max(self.end - self.witnessed.signed, 0) if self.is_signed else 0


@dataclass(frozen=True)
class Parts:
    """Everything to be filled, and what will not be there afterwards."""

    parts: list[Part]
    losses: list[str]

    @property
    def unsigned(self) -> dict[str, int]:
        """How many of the last records nobody has signed, by place, where there are such."""
        return {part.place: part.unsigned for part in self.parts if part.unsigned}


def parts_of(kept: KeptLogs, topics: Topics, into: Topics, transparency: Path) -> Parts:
    """Look at the archive; raise ArchiveUnfit where it has holes, or nothing.

    `transparency` is the folder of all transparency logs.
    """
    names = {log.topic: renamed.topic
             for log, renamed in zip(kept_logs(topics), kept_logs(into), strict=True)}
    ends = {(log.topic, partition): kept.extent(log, partition)
            for log in kept_logs(topics) for partition in range(log.partitions)}
    _require_all(kept, topics, ends)
    losses = list(_cut_decisions(kept, topics, ends))
    signed = {topics.votes, topics.catalogue, topics.patrol}
    parts = []
    for log in kept_logs(topics):
        for partition in range(log.partitions):
            end = ends[log.topic, partition]
            witnessed = _witnessed(topics, log, partition, transparency)
            if witnessed.signed > end:
                losses.append(
                    f"{log.topic} partition {partition}: {witnessed.signed - end} records behind "
                    f"offset {end - 1} were signed, and are not in the archive")
            parts.append(Part(
                log, partition, names[log.topic], end, witnessed, is_signed=log.topic in signed))
    return Parts(parts, losses)


def _require_all(kept: KeptLogs, topics: Topics, ends: dict[tuple[str, int], int]) -> None:
    """Raise ArchiveUnfit unless the archive has each partition of the votes, and no other one."""
    empty = [partition for partition in range(topics.partitions)
             if not ends[topics.votes, partition]]
    others = kept.partitions_beyond(topics.votes, topics.partitions)
    if empty or others:
        raise ArchiveUnfit(
            f"the archive has {'no record' if empty else 'records'} of partition "
            f"{(empty or others)[0]} of {topics.votes}, which is to have {topics.partitions}. "
            "SCRUTIN_TOPIC_PREFIX and SCRUTIN_PARTITIONS must be those of the log that was lost, "
            "SCRUTIN_CLICKHOUSE_DATABASE that of its archive.")


def _cut_decisions(
    kept: KeptLogs, topics: Topics, ends: dict[tuple[str, int], int]
) -> list[str]:
    """Leave out decisions of votes that are not archived; say which."""
    losses = []
    for partition in range(topics.partitions):
        votes = ends[topics.votes, partition]
        first = kept.decided_beyond(partition, votes)
        if first is not None:
            losses.append(
                f"{topics.votes} partition {partition}: the archive has decisions of votes from "
                f"offset {votes} on, and not these votes")
            ends[topics.decisions, partition] = first
    return losses


def _witnessed(topics: Topics, log: ArchivedLog, partition: int, folder: Path) -> Witnessed:
    """Read every checkpoint that was signed of a partition; none where it has no such log."""
    place = place_of(topics, log.topic, partition)
    notes = LogFolder(folder / place).history()
    # Roots are compared at all of them: the signature of the last one says by whom they are.
    checkpoints: list[Checkpoint] = [parse_checkpoint(text_of(note)) for note in notes[:-1]]
    if notes:
        checkpoints.append(open_checkpoint(
            notes[-1], _verifier(folder / topics.prefix / POLICY, place)))
    return Witnessed(checkpoints, consultation_of if log.topic == topics.votes else _consultation)


def _verifier(policy: Path, place: str) -> Verifier:
    """Find the key of a log in the published policy; raise Refused where it names none."""
    known = parse_policy(policy.read_text("utf-8")) if policy.is_file() else {}
    for origin, verifier in known.items():
        if origin.endswith(f"/{place}"):
            return verifier
    raise Refused(f"{policy} names no key of {place}, which has checkpoints: restore the folder of "
                  "the transparency logs whole, from a copy.")


def _consultation(value: bytes | None) -> str:
    """Name the consultation of a record outside of the ballot box, as the notary does."""
    try:
        return codec.decode(value)[1].get("consultation") or ""
    except Undecodable:
        return ""
