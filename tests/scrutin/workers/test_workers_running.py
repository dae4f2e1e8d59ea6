"""A gateway of two workers, and views of two: one port, one set of keys, one sum, nothing lost."""

import asyncio
import base64
import json
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import psutil
import pytest

from deploy.local.services import Broker
from producers.gateway.keys import KINDS
from schemas import figures
from schemas.figures import Figure, Reading, read
from tests.harness import WAIT_SECONDS, Stack, Worker, stack_on
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.waiting import until, until_answered, until_found


LIMIT = 200
"""Requests of a network in a minute, where limits are tried: less than is left to a voter."""
VOTES = 12


@pytest.fixture(scope="module")
def stack(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Make topics, and describe what can be voted on."""
    folder = tmp_path_factory.mktemp("workers")
    with stack_on(broker, f"test_{uuid.uuid4().hex[:12]}", 2, folder) as found:
        asyncio.run(booths.opened(found))
        yield found


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> RunningGateway:
    """Run a gateway of two workers in a folder without keys."""
    return started(stack, "two")


def started(stack: Stack, instance: str, **settings: str) -> RunningGateway:
    return booths.started(stack, instance, SCRUTIN_GATEWAY_WORKERS="2", SCRUTIN_DOOR="false",
                          SCRUTIN_LOG_FORMAT="json", **settings)


async def all_ready(worker: Worker) -> None:
    """Wait until both workers take requests: step by step, for a busy machine takes a minute each.
    """
    for number in (1, 2):
        await worker.says('"worker started"', number)
        await worker.says('"worker takes requests"', number)


def workers_of(supervisor: int) -> set[int]:
    """Return the processes that a supervisor has started."""
    return {each.pid for each in psutil.Process(supervisor).children()}


async def figures_at(url: str) -> Reading:
    """Read what one worker says of all."""
    async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as client:
        found: Reading | None = None

        async def told() -> bool:
            nonlocal found
            try:
                answer = await client.get(f"{url}/metrics")
            except httpx2.TransportError:  # Its worker was killed.
                return False
            found = read(answer.text) if answer.status_code == 200 else None
            return found is not None

        await until_found(told)
    assert found is not None
    return found


async def says(url: str, figure: Figure, value: float) -> bool:
    return (await figures_at(url)).one(figure.name) == value


async def voted(url: str) -> dict[str, Any]:
    """Vote as one more voter, under one key until an answer comes; return the receipt."""
    key, receipt = uuid.uuid4().hex, dict[str, Any]()

    async def acknowledged() -> bool:
        nonlocal receipt
        async with Browser(url) as browser:
            try:
                answer = await browser.vote(key=key)
            except httpx2.TransportError:
                return False
            receipt = answer.json() if answer.status_code in (200, 202) else {}
            return bool(receipt)

    await until_found(acknowledged)
    return receipt


async def test_two_workers_are_one_gateway_and_a_killed_one_loses_no_acknowledged_vote(
    gateway: RunningGateway
) -> None:
    """Figures of both are one sum, which goes on when another process takes the place of one."""
    url = gateway.url
    await all_ready(gateway.worker)
    await gateway.ready()
    receipts = [await voted(url) for _ in range(VOTES)]
    counted = [(await figures_at(url)).labelled(figures.GATEWAY_ACKNOWLEDGED)]
    before = workers_of(gateway.worker.pid)
    psutil.Process(min(before)).send_signal(signal.SIGKILL)
    receipts += await asyncio.gather(*(voted(url) for _ in range(VOTES)))
    await until_found(lambda: says(url, figures.WORKERS, 2))
    after = workers_of(gateway.worker.pid)
    receipts += [await voted(url) for _ in range(VOTES)]
    counted.append((await figures_at(url)).labelled(figures.GATEWAY_ACKNOWLEDGED))

    topic = (gateway.topics.votes,)
    assert counted[0][topic] == VOTES
    assert counted[0][topic] + VOTES <= counted[1][topic] <= len(receipts)
    assert (len(before), len(after), len(before & after)) == (2, 2, 1)
    lying = {(record.partition, record.offset): record.value
             for record, _, _ in await gateway.events(gateway.topics.votes)}
    assert [lying[each["partition"], each["offset"]] for each in receipts] == [
        base64.b64decode(each["event"]) for each in receipts]


@dataclass(frozen=True)
class Ended:
    """What a gateway of two workers did that began without keys, and was told to stop."""

    status: int
    lines: list[dict[str, Any]]
    policies: set[str]
    """What answers say of the limit that is nearest."""
    voters: set[bytes]
    """Who one device was to whichever worker took its votes."""
    keys: list[str]


@pytest.fixture(scope="module")
def ended(stack: Stack) -> Ended:
    """Have it take votes of many voters at once, then of one device, and stop."""
    gateway = started(stack, "fresh", SCRUTIN_DATA_DIR=str(stack.folder / "fresh"),
                      SCRUTIN_DRAIN_SECONDS="1", SCRUTIN_GATEWAY_NETWORK_RATE=str(LIMIT))
    answers = asyncio.run(_used(gateway))
    gateway.worker.send(signal.SIGTERM)
    return Ended(
        gateway.worker.wait(), [json.loads(line) for line in gateway.worker.log().splitlines()],
        {answer.headers["ratelimit-policy"] for answer in answers},
        {booths.event_of(answer.json())[1]["voter"] for answer in answers},
        sorted(path.name for path in (stack.folder / "fresh/keys").glob("*.key")))


async def _used(gateway: RunningGateway) -> list[httpx2.Response]:
    await all_ready(gateway.worker)
    await gateway.ready()
    await asyncio.gather(*(voted(gateway.url) for _ in range(VOTES)))
    jar, answers = httpx2.Cookies(), list[httpx2.Response]()
    for _ in range(VOTES):  # Each over a connection of its own, to either worker.
        async with Browser(gateway.url) as browser:
            browser.client.cookies = jar
            answers.append(await browser.vote())
            jar = browser.client.cookies
    return answers


def test_workers_that_start_at_once_have_one_set_of_keys(ended: Ended) -> None:
    """Asked for by both at once, each is made once: who is known to one is known to the other."""
    assert len(ended.voters) == 1
    assert ended.keys == sorted(f"{kind}.key" for kind in KINDS)


def test_each_worker_allows_a_network_its_part(ended: Ended) -> None:
    """Together they allow what one gateway would."""
    assert ended.policies == {f'"network";q={LIMIT // 2};w=60'}


def test_each_line_of_the_log_says_which_worker_speaks(ended: Ended) -> None:
    """The supervisor's too."""
    assert {each["worker"] for each in ended.lines} == {"1", "2", "supervisor"}


def test_told_to_stop_each_worker_is_not_ready_first_and_the_supervisor_ends_last(
    ended: Ended
) -> None:
    """With 0: nobody was killed."""
    drained = [each["worker"] for each in ended.lines if "not ready any more" in each["event"]]
    said = [each["worker"] for each in ended.lines if each["event"] == "gateway ended"]

    assert sorted(drained) == ["1", "2"]
    assert (ended.status, sorted(said), said[-1]) == (0, ["1", "2", "supervisor"], "supervisor")


async def test_views_of_two_workers_are_one(stack: Stack) -> None:
    """They answer at one port, count together, go on when one is killed, and end together."""
    port = stack.ports.find()
    url = f"http://127.0.0.1:{port}"
    views = stack.started("views", "two", SCRUTIN_VIEWS_PORT=str(port), SCRUTIN_VIEWS_WORKERS="2",
                          SCRUTIN_LOG_FORMAT="json")
    await all_ready(views)
    await until_answered(f"{url}/readyz")
    for _ in range(VOTES):
        await until_answered(f"{url}/v1/consultations")
    first = (await figures_at(url)).labelled(figures.VIEWS_ANSWERS)
    killed = min(workers_of(views.pid))
    psutil.Process(killed).send_signal(signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(killed))
    await until_found(lambda: says(url, figures.WORKERS, 2))
    second = (await figures_at(url)).labelled(figures.VIEWS_ANSWERS)
    views.send(signal.SIGTERM)

    assert first["v1", "200"] == second["v1", "200"] == VOTES
    assert await asyncio.to_thread(views.wait) == 0
