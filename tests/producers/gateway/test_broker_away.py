"""A broker that goes away and comes back under load: no promise is broken, nobody restarts us."""

import asyncio
import base64
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from schemas.topics import Topics
from tests.processors.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway


VOTERS = 12
"""Voters who vote without a pause, each a request at a time."""
VOTES_BEFORE, VOTES_AFTER = 400, 400


@pytest.fixture
def own_broker(tmp_path: Path, cache_folder: Path) -> Iterator[services.Broker]:
    """Run a broker that the test may stop."""
    service = services.start_broker(tmp_path / "kafka", cache_folder)
    yield service
    service.stop()


@pytest.fixture
def own_stack(
    own_broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> Iterator[Stack]:
    """Make a stack on the test's own broker."""
    found = Stack(own_broker.address, Topics(topic_prefix, 2), tmp_path)
    yield found
    found.stop()


@dataclass
class Load:
    """What voters were told, while `wanted` is set."""

    url: str
    answers: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    """Idempotency-Key, status, body of every answer."""
    ended: bool = False

    def taken(self) -> int:
        return sum(status == 202 for _, status, _ in self.answers)

    async def vote_on(self) -> None:
        """Vote until the load ends; retry what was not taken, with the same key."""
        async with Browser(self.url) as browser:
            key = str(uuid.uuid4())
            while not self.ended:
                answer = await browser.vote(key=key)
                self.answers.append((key, answer.status_code, answer.json()))
                if answer.status_code == 202:
                    key = str(uuid.uuid4())
                else:
                    assert answer.headers["retry-after"] == "2"
                    await asyncio.sleep(0.05)

    async def until(self, taken: int) -> None:
        async with asyncio.timeout(booths.READY_SECONDS):
            while self.taken() < taken:
                await asyncio.sleep(0.05)

    async def until_refused(self) -> None:
        async with asyncio.timeout(booths.READY_SECONDS):
            while not any(status == 503 for _, status, _ in self.answers[-VOTERS:]):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_what_was_acknowledged_is_in_the_log_and_the_gateway_recovers(
    own_broker: services.Broker, own_stack: Stack, how: str
) -> None:
    """Every 202's event lies where its receipt says; else 503 or 504; then votes are taken."""
    await booths.opened(own_stack)
    gateway = booths.started(
        own_stack, SCRUTIN_GATEWAY_VOTER_RATE="1000000", SCRUTIN_GATEWAY_NETWORK_RATE="1000000")
    await gateway.ready()
    load = Load(gateway.url)
    async with asyncio.TaskGroup() as voters:
        for _ in range(VOTERS):
            voters.create_task(load.vote_on())
        await load.until(VOTES_BEFORE)
        await asyncio.to_thread(getattr(own_broker, how))
        await load.until_refused()
        await asyncio.to_thread(own_broker.start)
        await load.until(load.taken() + VOTES_AFTER)
        load.ended = True

    assert gateway.worker.running()
    assert {status for _, status, _ in load.answers} <= {202, 503, 504}
    await assert_receipts_are_true(gateway, load)


async def assert_receipts_are_true(gateway: RunningGateway, load: Load) -> None:
    """Fail unless the log holds each receipt's event at its offset, and no event of a refusal."""
    log = {(record.partition, record.offset): (record.value, fields)
           for record, _, fields in await gateway.events(gateway.topics.votes)}
    for _, status, body in load.answers:
        if status == 202:
            value, fields = log[body["partition"], body["offset"]]
            assert base64.b64decode(body["event"]) == value
            assert fields["event_id"].hex() == body["event_id"]
    written = Counter(fields["event_id"] for _, fields in log.values() if "choice" in fields)
    unknown = Counter(key for key, status, _ in load.answers if status == 504)
    ids = {key: body["event_id"] for key, status, body in load.answers if status == 202}
    # Only an attempt of unknown outcome may have left an event beside the acknowledged one.
    for key, event_id in ids.items():
        assert 1 <= written[bytes.fromhex(event_id)] <= 1 + unknown[key]
