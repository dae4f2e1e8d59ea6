"""The topics: their names, the settings they must have, and who lies in which partition."""

from collections.abc import Mapping
from dataclasses import dataclass, field


MAX_RECORD_BYTES = 2 << 20
"""No topic takes a longer record (`max.message.bytes`): a decision can be of some 1.5 MiB..."""
MAX_DEAD_LETTER_BYTES = MAX_RECORD_BYTES + (64 << 10)
"""... but the dead letters do: there it comes with headers, and must not be refused."""
MAX_BALLOT_BYTES = 4_096
"""No longer record of the ballot box is read by anybody: it is undecodable."""
KEPT_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
KEPT_FORTNIGHT = {"cleanup.policy": "delete", "retention.ms": str(14 * 86_400_000)}
"""What says where a vote came from is for the hunt for fraud alone, and forgotten after it."""
SIZES = {"max.message.bytes": str(MAX_RECORD_BYTES), "segment.bytes": str(1 << 30)}
"""What a record, and a file of a log, takes at most: said by us, whatever the brokers' default."""
COMPACTED = {"cleanup.policy": "compact"}
STAMPED_BY_BROKER = {"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000"}
"""What is written to learn the broker's time is of no use an hour later."""
OFTEN_COMPACTED = {
    "segment.bytes": str(16 << 20), "segment.ms": "600000", "max.compaction.lag.ms": "600000",
    "min.cleanable.dirty.ratio": "0.2",
}
"""Figures are written again every minute, and Kafka never compacts the segment it writes to: in
segments of its default size the topic would be gigabytes before anything went, and whoever starts
reads it whole."""


REPLICAS_SAFE = 3
IN_SYNC_SAFE = 2
"""Of three replicas or more so many must have a record before it is acknowledged."""
IN_SYNC = "min.insync.replicas"
CLEAN_ELECTIONS = {"unclean.leader.election.enable": "false"}
"""No replica that lacks acknowledged records ever leads."""


FLUSH_KEY = b"\0flush"
"""Key of the record that ends a flush of tallies, or a publication of results."""
LEASE_KEY = b"\0lease"
"""Key of the record from which on somebody else publishes (`leases`)."""


@dataclass(frozen=True)
class TopicSpecification:
    """A topic as it must be: a worker refuses to start on any other."""

    name: str
    partitions: int
    settings: dict[str, str]
    tuning: dict[str, str] = field(default_factory=dict)
    """Settings under which nothing can be lost: `scrutin provision` sets them where they differ."""

    def set_now(self, replicas: int) -> dict[str, str]:
        """Return the settings that a topic of so many replicas is given."""
        least = IN_SYNC_SAFE if replicas >= REPLICAS_SAFE else 1
        return {**SIZES, **self.tuning, **CLEAN_ELECTIONS, IN_SYNC: str(least)}

    def drift(self, replicas: int, values: Mapping[str, str | None]) -> dict[str, str]:
        """Return what is to be set on a topic of so many replicas that has these settings.

        Who wants more of four or five replicas in sync than we do is left alone.
        """
        wanted = self.set_now(replicas)
        least = int(values.get(IN_SYNC) or 0)
        if int(wanted[IN_SYNC]) <= least < replicas:
            del wanted[IN_SYNC]
        return {name: value for name, value in wanted.items() if values.get(name) != value}


@dataclass(frozen=True)
class Topics:
    """Names of the topics of one generation, under one prefix."""

    prefix: str
    partitions: int
    """Partition count of votes, decisions and tallies: it never changes."""

    @property
    def votes(self) -> str:
        return f"{self.prefix}.votes"

    @property
    def decisions(self) -> str:
        return f"{self.prefix}.decisions"

    @property
    def tallies(self) -> str:
        return f"{self.prefix}.tallies"

    @property
    def results(self) -> str:
        return f"{self.prefix}.results"

    @property
    def catalogue(self) -> str:
        return f"{self.prefix}.catalogue"

    @property
    def participants(self) -> str:
        return f"{self.prefix}.participants"

    @property
    def sequences(self) -> str:
        return f"{self.prefix}.sequences"

    @property
    def networks(self) -> str:
        return f"{self.prefix}.networks"

    @property
    def patrol(self) -> str:
        return f"{self.prefix}.patrol"

    @property
    def clocks(self) -> str:
        return f"{self.prefix}.clocks"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}.dead-letters"

    def specifications(self) -> list[TopicSpecification]:
        """Every topic with its partition count and settings."""
        return [
            TopicSpecification(self.votes, self.partitions, KEPT_FOREVER),
            TopicSpecification(self.decisions, self.partitions, KEPT_FOREVER),
            TopicSpecification(self.catalogue, 1, KEPT_FOREVER),
            TopicSpecification(self.participants, 1, KEPT_FOREVER),
            TopicSpecification(self.sequences, 1, KEPT_FOREVER),
            TopicSpecification(self.networks, 1, KEPT_FORTNIGHT),
            TopicSpecification(self.patrol, 1, KEPT_FOREVER),
            TopicSpecification(
                self.clocks, 1, {"cleanup.policy": "delete"}, STAMPED_BY_BROKER),
            TopicSpecification(
                self.dead_letters, 1, KEPT_FOREVER,
                {"max.message.bytes": str(MAX_DEAD_LETTER_BYTES)}),
            TopicSpecification(self.tallies, self.partitions, COMPACTED, OFTEN_COMPACTED),
            TopicSpecification(self.results, 1, COMPACTED, OFTEN_COMPACTED),
        ]


def partition_of(voter: bytes, partitions: int) -> int:
    """Return the votes partition of a voter: its first four bytes, big-endian, modulo the count."""
    return int.from_bytes(voter[:4], "big") % partitions
