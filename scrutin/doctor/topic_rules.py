"""Is a topic as the code's own table says, and as safe as its replicas can make it?"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from schemas.topics import IN_SYNC, REPLICAS_SAFE, TopicSpecification
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.cluster import MISSING, Seen


ABSENT, MAKE = "it does not exist", "Run scrutin provision."
DANGERS = {
    IN_SYNC: "an acknowledged vote may lie on one disk, or without any broker nothing is written",
    "unclean.leader.election.enable": "a replica that lacks votes may lead",
    "max.message.bytes": "a decision can be longer",
}
"""Why a setting matters, beside its name."""


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
    if not known:
        return
    values = {name: setting.value for name, setting in known.items()}
    for name, value in topic.settings.items():
        if values.get(name) != value:
            yield Fault(f"{name} is {values.get(name)}, it must be {value}",
                        "Set it with kafka-configs.sh --alter, then scrutin audit recount.")
    replicas = min(seen.replicas, default=1)
    for name, value in topic.drift(replicas, values).items():
        why = f": {DANGERS[name]}" if name in DANGERS else ""
        yield Fault(f"{name} is {values.get(name)}, it must be {value}{why}",
                    "Run scrutin provision: it sets it.")
    if replicas == REPLICAS_SAFE - 1:
        yield Fault("two replicas: without any broker nothing is written, or votes lie on one disk",
                    "Have three replicas, of which two must be in sync.")
