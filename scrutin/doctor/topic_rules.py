"""Is a topic as the code's own table says, and as safe as its replicas can make it?"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from schemas.topics import MAX_RECORD_BYTES, TopicSpecification
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.cluster import MISSING, Seen


REPLICAS_SAFE = 3
ABSENT, MAKE = "it does not exist", "Run scrutin provision."
IN_SYNC_SAFE = 2
"""Of three replicas so many must have a vote before it is acknowledged."""


class Setting(Protocol):
    """A setting of a topic, as a broker tells it."""

    @property
    def value(self) -> str | None: ...


class Fault(NamedTuple):
    """Something that is wrong with a topic."""

    said: str
    remedy: str


def judged(
    topic: TopicSpecification, seen: Seen, known: Mapping[str, Setting], replication: int
) -> Answer:
    """Say everything that is wrong with a topic in one answer."""
    about = f"topics.{topic.name}"
    if seen.error == MISSING:
        return bad(about, ABSENT, MAKE)
    if seen.error:
        return unknown(about, f"this account may not see it ({seen.error})",
                       "Grant what `scrutin acls` prints, or ask with the operator's account.")
    faults = [*_places(topic, seen, replication), *_settings(topic, seen, known)]
    if faults:
        return bad(about, "; ".join(each.said for each in faults),
                   " ".join(dict.fromkeys(each.remedy for each in faults)))
    kept = (f"partitions: {len(seen.replicas)}, replicas of each: "
            f"{min(seen.replicas, default=0)}")
    if not known:
        return unknown(about, f"{kept}; this account may not see its settings",
                       "Ask with the operator's account.")
    return good(about, f"{kept}, all in sync, with the settings it must have")


def _places(topic: TopicSpecification, seen: Seen, replication: int) -> Iterator[Fault]:
    if len(seen.replicas) != topic.partitions:
        yield Fault(
            f"it has {len(seen.replicas)} partitions, {topic.partitions} are expected",
            "Set SCRUTIN_PARTITIONS to what the generation began with, or restore it.")
    if seen.leaderless:
        yield Fault(
            f"nobody leads partitions {_listed(seen.leaderless)}: they take and give nothing",
            "Start the brokers that hold them.")
    if seen.behind:
        yield Fault(
            f"replicas of partitions {_listed(seen.behind)} are not in sync",
            "Start the brokers that are away, and let them catch up.")
    if min(seen.replicas, default=replication) < replication:
        yield Fault(
            f"a partition has {min(seen.replicas)} replicas, not SCRUTIN_REPLICATION={replication}",
            "Add replicas with kafka-reassign-partitions.sh.")


def _listed(partitions: tuple[int, ...]) -> str:
    return ", ".join(map(str, partitions))


def _settings(
    topic: TopicSpecification, seen: Seen, known: Mapping[str, Setting]
) -> Iterator[Fault]:
    values = {name: setting.value for name, setting in known.items()}
    for wanted, remedy in (
            (topic.settings, "Set it with kafka-configs.sh --alter, then scrutin audit recount."),
            (topic.tuning, "scrutin provision sets it.")):
        for name, value in wanted.items():
            if known and values.get(name) != value:
                yield Fault(f"{name} is {values.get(name)}, it must be {value}", remedy)
    yield from _safety(min(seen.replicas, default=0), values)


def _safety(replicas: int, values: Mapping[str, str | None]) -> Iterator[Fault]:
    """Compare what protects acknowledged records with how many replicas there are."""
    least = int(values.get("min.insync.replicas") or 0)
    if least and replicas >= REPLICAS_SAFE and least < IN_SYNC_SAFE:
        yield Fault(
            f"min.insync.replicas is {least}: an acknowledged vote may lie on one disk",
            f"Set min.insync.replicas={IN_SYNC_SAFE} with kafka-configs.sh --alter.")
    if 1 < replicas <= least:
        yield Fault(
            f"min.insync.replicas is {least} of {replicas}: without any broker nothing is written",
            "Have three replicas, of which two must be in sync.")
    if replicas > 1 and values.get("unclean.leader.election.enable") == "true":
        yield Fault(
            "unclean.leader.election.enable is true: a replica that lacks votes may lead",
            "Set it to false with kafka-configs.sh --alter.")
    if int(values.get("max.message.bytes") or MAX_RECORD_BYTES) < MAX_RECORD_BYTES:
        yield Fault(
            f"max.message.bytes is {values['max.message.bytes']}: a decision can be longer",
            f"Set max.message.bytes={MAX_RECORD_BYTES}, or message.max.bytes of the brokers.")
