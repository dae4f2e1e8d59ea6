"""What the patrol found is recomputed from the live log, and says nothing that networks alone say.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.services import Broker
from processors.guard.inputs import Cut
from processors.guard.judgements import encoded
from processors.guard.judging import judge
from processors.guard.parameters import Rules
from processors.guard.state import PatrolState
from processors.workers.provisioning import provision
from schemas import codec
from scrutin.audit import findings
from scrutin.audit.findings import AuditedFindings, audited
from sinks.recount.checks import DIFFERENT, EQUAL, MISSING
from tests.harness import Stack, connected_producer, read_to_end, stack_on, write
from tests.processors.guard.traffic import BEGAN_AT, PARTITIONS, Crowds, Log, batches, log_of


CUTS, ROBOTS = 8, 300


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics with the partitions that the traffic has."""
    with stack_on(broker, topic_prefix, PARTITIONS, tmp_path) as found:
        yield found


async def evening(stack: Stack) -> tuple[Log, list[dict[str, Any]]]:
    """Write an evening with a script in it; return it as it lies there, and its judgements."""
    crowds = Crowds(1)
    made = log_of([*crowds.ordinary(600, 8), *crowds.robots(ROBOTS, 1, 800)])
    await provision(stack.kafka, stack.topics, replication=1)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, [value for _, value in made.catalogue])
        for partition, records in enumerate(made.votes):
            await write(producer, stack.topics.votes, partition, [value for _, value in records])
        # Of today: what is older than a fortnight, the broker deletes at any moment.
        await asyncio.gather(*[await producer.send(stack.topics.networks, value, partition=0)
                               for _, value in made.networks])
    votes, networks, catalogue = [
        await read_to_end(stack.kafka, topic, partitions) for topic, partitions in (
            (stack.topics.votes, PARTITIONS), (stack.topics.networks, 1),
            (stack.topics.catalogue, 1))]
    log = Log([[(0, one.value) for one in votes if one.partition == number]
               for number in range(PARTITIONS)],
              [(0, one.value) for one in networks], [(0, one.value) for one in catalogue])
    cuts = [Cut(tuple(len(each) * part // CUTS - 1 for each in log.votes),
                len(log.networks) * part // CUTS - 1, len(log.catalogue) - 1)
            for part in range(1, CUTS + 1)]
    state = PatrolState(PARTITIONS)
    return log, [codec.decode(encoded(judge(
        state, batch, Rules(), BEGAN_AT + 10_000_000 + number)))[1]
        for number, batch in enumerate(batches(log, cuts))]


async def record(stack: Stack, *judgements: dict[str, Any] | bytes) -> None:
    """Write judgements at their instants, and what is none."""
    async with connected_producer(stack.kafka) as producer:
        for one in judgements:
            value, at = (one, BEGAN_AT) if isinstance(one, bytes) else (
                codec.encode("PatrolJudged", **one), one["judged_at"])
            await producer.send_and_wait(stack.topics.patrol, value, partition=0, timestamp_ms=at)


async def found(stack: Stack) -> AuditedFindings:
    """Audit what is recorded."""
    return await audited(stack.kafka, stack.topics, None, lambda _: None)


async def forget_networks(stack: Stack, before: int) -> None:
    """Have the broker delete networks, as it does after a fortnight."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        await admin.delete_records({
            TopicPartition(stack.topics.networks, 0): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def test_findings_are_recomputed_and_strays_passed_over(stack: Stack) -> None:
    """As the patrol does: a copy, garbage, what nobody can have made; once networks go, trusted."""
    log, judgements = await evening(stack)
    forged = {**judgements[4], "votes": [2**40] * PARTITIONS}
    await record(stack, *judgements[:4], judgements[1], b"garbage", forged)
    unfinished = await found(stack)
    await record(stack, *judgements[4:])
    whole = await found(stack)
    await forget_networks(stack, len(log.networks) // 2)
    later = await found(stack)

    assert (unfinished.verdict, unfinished.behind) == (MISSING, 1)
    assert (whole.verdict, whole.exact, whole.judgements) == (EQUAL, CUTS, CUTS)
    assert [one["offset"] for one in whole.strays.first] == [4, 5, 6]
    assert whole.recomputed == whole.findings > 3
    assert (later.verdict, later.exact) == (EQUAL, 0)
    numbers = [one["numbers"] for one in later.trusted.first if "crowd/1" in one["finding"]]
    assert {"voters", "network_voters", "popularity"} == set(numbers[0])


async def test_a_judgement_that_is_not_what_the_log_gives_is_named(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which, and what of it; nothing that is printed tells of a network or a voter."""
    log, judgements = await evening(stack)
    number = next(at for at, one in enumerate(judgements) if any(
        finding["rule"] == 1 for finding in one["findings"]))
    lie = codec.decode(codec.encode("PatrolJudged", **judgements[number]))[1]
    crowd = next(one for one in lie["findings"] if one["rule"] == 1)
    crowd["numbers"][0]["value"] += 1
    await record(stack, *judgements[:number], lie, *judgements[number + 1:])
    audit = await found(stack)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "scrutin", "audit", "findings", "jeunes"],
        env={**os.environ, **stack.settings()}, capture_output=True, text=True, timeout=120,
        check=False)
    monkeypatch.setattr(findings, "LISTED_MOST", 0)
    short = await found(stack)

    name = crowd["numbers"][0]["name"]
    assert [(audit.verdict, one["judgement"]) for one in audit.differences.first] == [
        (DIFFERENT, number + 1)]
    assert audit.differences.first[0]["what"].endswith(f"p11 agree: {name} is another")
    assert (done.returncode, done.stdout.count("different: judgement")) == (1, 1)
    secret = {network for _, value in log.networks
              for network in codec.decode(value)[1]["networks"]}
    secret |= {voter for one in judgements for each in one["findings"] for voter in each["voters"]}
    printed = done.stdout + done.stderr + json.dumps(audit.as_json())
    assert [each.hex() in printed or repr(each) in printed for each in secret] == [
        False] * len(secret)
    assert len(secret) > ROBOTS
    assert "  different: 1 more" in list(short.lines())
