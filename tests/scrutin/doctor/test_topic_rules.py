"""What the doctor says of topics, fault by fault."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from processors.workers.kafka_checks import Setting
from schemas.accounts import ACCOUNTS, grants
from schemas.topics import Topics
from scrutin.doctor import granted, topic_rules
from scrutin.doctor.answers import BAD, GOOD, UNKNOWN, Answer
from scrutin.doctor.cluster import MISSING, OPERATIONS, REFUSED, Cluster, Seen, allowed


TOPICS = Topics("t", 4)
SAFE = Seen("", replicas=(3, 3, 3, 3))


def judged(
    name: str, seen: Seen, other: Mapping[str, str] | None = None, *, replication: int = 3
) -> Answer:
    """Judge a topic whose settings are right but for some."""
    topic = next(each for each in TOPICS.specifications() if each.name == name)
    values = {**topic.settings, **topic.set_now(replication), **(other or {})}
    known = {key: Setting(value, of_topic=True) for key, value in values.items()}
    return topic_rules.judged(topic, seen, known, replication)


@pytest.mark.parametrize("topic", TOPICS.specifications(), ids=lambda topic: topic.name)
def test_a_topic_as_the_table_has_it_is_good(topic: Any) -> None:
    """Each topic with its partitions, three replicas in sync and its settings."""
    seen = Seen("", replicas=(3,) * topic.partitions)

    assert judged(topic.name, seen).state == GOOD


@pytest.mark.parametrize(("change", "settings", "said"), [
    ({"replicas": (3, 3, 3)}, {}, "3 partitions, 4 are expected"),
    ({"replicas": (3, 3, 3, 1)}, {}, "has 1 replicas"),
    ({"leaderless": (1, 2)}, {}, "nobody leads partitions 1, 2"),
    ({"behind": (0,)}, {}, "replicas of partitions 0 are not in sync"),
    ({"error": MISSING}, {}, "does not exist"),
    ({}, {"retention.ms": "604800000"}, "retention.ms is 604800000, it must be -1"),
    ({}, {"min.insync.replicas": "1"}, "may lie on one disk"),
    ({}, {"min.insync.replicas": "3"}, "without any broker nothing is written"),
    ({}, {"unclean.leader.election.enable": "true"}, "a replica that lacks votes may lead"),
    ({}, {"max.message.bytes": "1048588"}, "a decision can be longer"),
    ({}, {"segment.bytes": "2147483647"}, "segment.bytes is 2147483647, it must be 1073741824"),
])
def test_each_fault_is_named_with_its_remedy(
    change: dict[str, Any], settings: dict[str, str], said: str
) -> None:
    """Whatever endangers votes is bad, in words, and never without what to do."""
    found = judged("t.votes", replace(SAFE, **change), settings)

    assert found.state == BAD
    assert said in found.said
    assert found.remedy


def test_two_replicas_that_must_both_be_there_are_too_few() -> None:
    """With two of two in sync, any broker's restart stops writing."""
    found = judged("t.votes", Seen("", (2, 2, 2, 2)), replication=2)

    assert (found.state, "without any broker" in found.said) == (BAD, True)


def test_more_replicas_in_sync_of_more_are_the_operators_choice() -> None:
    """Three of five is safer than two of five; one of five is not."""
    seen = Seen("", (5, 5, 5, 5))

    assert [judged("t.votes", seen, {"min.insync.replicas": least}).state
            for least in ("1", "2", "3", "5")] == [BAD, GOOD, GOOD, BAD]


def test_what_the_account_may_not_see_is_unknown() -> None:
    """Neither good nor bad: who could know is named."""
    topic = TOPICS.specifications()[0]
    hidden = topic_rules.judged(topic, Seen(REFUSED), {}, 3)
    without_settings = topic_rules.judged(topic, SAFE, {}, 3)

    assert (hidden.state, without_settings.state) == (UNKNOWN, UNKNOWN)
    assert "operator" in hidden.remedy + without_settings.remedy


def cluster_for(
    process: str, *more: tuple[str, str], less: frozenset[str] = frozenset()
) -> Cluster:
    """Show a cluster to an account that may do what `scrutin acls` grants, and more or less."""
    may: dict[str, set[str]] = {each.name: set() for each in TOPICS.specifications()}
    for each in grants(process, TOPICS):
        if each.resource == "topic":
            may[each.name].add(each.operation)
    for name, operation in more:
        may[name].add(operation)
    return Cluster(3, since_4=True, topics={
        name: Seen("", (3,), allowed=frozenset(operations - less)) if operations - less
        else Seen(REFUSED) for name, operations in may.items()})


@pytest.mark.parametrize("process", ACCOUNTS)
def test_what_acls_prints_is_enough_and_not_too_much(process: str) -> None:
    """Account by account: as granted it is good, without reading bad, with more writing bad."""
    as_granted = granted.compared(process, cluster_for(process), TOPICS)
    lame = granted.compared(process, cluster_for(process, less=frozenset({"Read"})), TOPICS)
    greedy = granted.compared(
        process, cluster_for(process, ("t.decisions", "Write"), ("t.results", "Write"),
                             ("t.dead-letters", "Write")), TOPICS)

    assert as_granted.state == GOOD
    assert (lame.state, "Read t." in lame.said) == (BAD, True)
    assert (greedy.state, "it need not Write t." in greedy.said) == (BAD, True)


def test_the_bits_of_a_broker_are_read() -> None:
    """Each operation has its bit; the least number there is tells nothing."""
    assert {name: allowed(1 << number) for name, number in OPERATIONS.items()} == {
        name: {name} for name in OPERATIONS}
    assert allowed(-2**31) == frozenset()
