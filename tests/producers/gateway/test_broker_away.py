"""A broker that goes away and comes back under load: no promise is broken, nobody restarts us."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.keep_alive import Answer, Connection, request
from deploy.local import services
from schemas import codec, problems
from tests.harness import WAIT_SECONDS, Stack, read_to_end, stack_on
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway


VOTERS = 32
"""Voters who vote without a pause, each a request at a time: thousands of votes a second."""
VOTES_BEFORE, VOTES_AFTER = 2_000, 500
LOG_LINES = 200
"""Longest log of three outages of a few seconds: each is told, nothing by the thousand."""
VOTE = json.dumps({"proposal": "p1", "choice": "agree"}).encode()


@pytest.fixture
def own_stack(
    own_broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> Iterator[Stack]:
    """Make a stack on the test's own broker."""
    with stack_on(own_broker, topic_prefix, 2, tmp_path) as found:
        yield found


@dataclass
class Load:
    """What voters were told, until the load ends."""

    host: str
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """Idempotency-Key and answer of every request."""
    taken: int = 0
    ended: bool = False

    async def vote_on(self) -> None:
        """Vote until the load ends; retry what was not taken, with the same key."""
        name, _, port = self.host.partition(":")
        connection = await Connection.open(name, int(port))
        key = str(uuid.uuid4())
        cookie: dict[str, str] = {}
        while not self.ended:
            answer = await connection.ask(request(
                "POST", "/v1/consultations/town/votes",
                {"host": self.host, "idempotency-key": key, "accept-language": "en", **cookie},
                VOTE))
            self.answers.append((key, answer))
            if not cookie:
                device = answer.head.partition(b"set-cookie: ")[2].partition(b";")[0]
                cookie = {"cookie": device.decode()}
            if answer.status == 202:
                self.taken += 1
                key = str(uuid.uuid4())
            else:
                assert b"\r\nretry-after: 2" in answer.head
                await asyncio.sleep(0.05)
        connection.close()

    async def until_taken(self, more: int) -> None:
        """Wait until so many more votes were taken."""
        wanted = self.taken + more
        async with asyncio.timeout(WAIT_SECONDS):
            while self.taken < wanted:
                await asyncio.sleep(0.05)

    async def until_answered(self, status: int) -> None:
        """Wait for one more answer of a status."""
        seen = len(self.answers)
        async with asyncio.timeout(WAIT_SECONDS):
            while all(answer.status != status for _, answer in self.answers[seen:]):
                await asyncio.sleep(0.05)


async def test_no_outage_of_the_broker_breaks_a_promise(
    own_broker: services.Broker, own_stack: Stack
) -> None:
    """Stopped, killed, frozen: a 202 is in the log and decided once, else 503 or 504; recovery."""
    await booths.opened(own_stack)
    gateway = booths.started(
        own_stack, SCRUTIN_GATEWAY_VOTER_RATE="1000000", SCRUTIN_GATEWAY_NETWORK_RATE="1000000")
    await gateway.ready()
    load = Load(gateway.url.removeprefix("http://"))
    async with asyncio.TaskGroup() as voters:
        for _ in range(VOTERS):
            voters.create_task(load.vote_on())
        await load.until_taken(VOTES_BEFORE)
        for end in (own_broker.stop, own_broker.kill):
            await asyncio.to_thread(end)
            await load.until_answered(503)
            await asyncio.to_thread(own_broker.start)
            await load.until_taken(VOTES_AFTER)
        with frozen(own_broker):
            await load.until_answered(504)
            await load.until_answered(503)
        await load.until_taken(VOTES_AFTER)
        load.ended = True

    assert gateway.worker.running()
    assert "Traceback" not in gateway.worker.so_far()
    assert gateway.worker.so_far().count("\n") < LOG_LINES
    assert {answer.status for _, answer in load.answers} == {202, 503, 504}
    assert_the_voter_is_told_what_to_do(load)
    log = {(record.partition, record.offset): (record.value, fields)
           for record, _, fields in await gateway.events(gateway.topics.votes)}
    assert_receipts_are_true(log, load)
    own_stack.started("ledger")
    assert_decided_once(log, await decisions(gateway, len(log)))
    await assert_a_closing_denies_nothing_sent_before(own_broker, own_stack, gateway)


@contextlib.contextmanager
def frozen(broker: services.Broker) -> Iterator[None]:
    """Let a broker keep its connections and answer nothing."""
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


async def assert_a_closing_denies_nothing_sent_before(
    broker: services.Broker, stack: Stack, gateway: RunningGateway
) -> None:
    """Fail unless what may be in the log is not said to be lost by the answer after the closing."""
    async with Browser(gateway.url) as voter:
        await voter.vote("p2")
        with frozen(broker):
            unknown = await voter.vote(key="late")
        await booths.said(stack, booths.described(
            "ConsultationClosed", "town", closes_at=booths.LONG_AGO, salt=bytes(16)))
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                answer = await voter.vote(key="late", headers={"accept-language": "en"})
                if answer.status_code == problems.CLOSED.status:
                    break
                await asyncio.sleep(0.05)

    assert unknown.status_code == 504
    assert "by this request; one sent before" in answer.json()["detail"]


def assert_the_voter_is_told_what_to_do(load: Load) -> None:
    """Fail unless who got no receipt reads whether to send it again, and how it counts once."""
    told = set()
    for _, answer in load.answers:
        if answer.status != 202:
            problem = json.loads(answer.body)
            told.add((answer.status, problem["type"], problem["detail"]))
    expected = {(kind.status, kind.address, kind.advice) for kind in (
        problems.UNAVAILABLE, problems.UNKNOWN_OUTCOME)}
    assert expected <= told
    assert told - expected <= {(503, problems.BUSY.address, problems.BUSY.advice)}
    assert all("Idempotency-Key" in advice for *_, advice in told)


Log = dict[tuple[int, int], tuple[bytes, dict[str, Any]]]


def assert_receipts_are_true(log: Log, load: Load) -> None:
    """Fail unless the log holds each receipt's event at its offset, and no event of a refusal."""
    ids = {}
    for key, answer in load.answers:
        if answer.status == 202:
            receipt = json.loads(answer.body)
            value, fields = log[receipt["partition"], receipt["offset"]]
            assert base64.b64decode(receipt["event"]) == value
            assert fields["event_id"].hex() == receipt["event_id"]
            ids[key] = fields["event_id"]
    written = Counter(fields["event_id"] for _, fields in log.values() if "choice" in fields)
    unknown = Counter(key for key, answer in load.answers if answer.status == 504)
    # Only an attempt of unknown outcome may have left an event beside the acknowledged one.
    for key, event_id in ids.items():
        assert 1 <= written[event_id] <= 1 + unknown[key]


async def decisions(gateway: RunningGateway, count: int) -> list[dict[str, Any]]:
    """Wait until there are so many decisions; read them."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await read_to_end(
                gateway.kafka, gateway.topics.decisions, gateway.topics.partitions)
            if len(found) >= count:
                return [codec.decode(record.value)[1] for record in found]
            await asyncio.sleep(0.2)


def assert_decided_once(log: Log, decisions: list[dict[str, Any]]) -> None:
    """Fail unless each event id was decided once, and else found to be repeated."""
    once = Counter(each["event_id"] for each in decisions
                   if each["outcome"] in {"counted", "unchanged"})
    assert set(once.values()) == {1}
    assert set(once) == {fields["event_id"] for _, fields in log.values() if "choice" in fields}
    assert {each["outcome"] for each in decisions} <= {
        "adopted", "counted", "unchanged", "repeated"}
