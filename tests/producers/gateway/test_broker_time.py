"""What time it is for a gateway: the broker's, whatever the machine's own clock shows."""

import ast
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import producers.gateway
import scrutin.gateway
from deploy.local.services import Broker
from producers.gateway.broker_time import STALE_SECONDS, BrokerTime, Measure
from producers.gateway.clock_watch import ClockWatch, steady
from producers.gateway.outlet import Outlet
from schemas import figures
from schemas.figures import read
from scrutin.gateway import composition
from scrutin.settings import Settings
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway.booths import Browser, RunningGateway, event_of
from tests.producers.gateway.test_votes import proof_of
from tests.producers.kafka_log import provisioned
from tests.waiting import until


NEAR_SECONDS = 30.0
"""Far more than a measure takes, far less than the clocks are apart."""
HOUR_SECONDS = 3_600.0


class Machine:
    """A machine whose clock is wrong, and a broker whose clock is right."""

    def __init__(self, wrong_by: float) -> None:
        self.true = 1_700_000_000.0
        self.wrong_by = wrong_by
        self.time = BrokerTime(lambda: self.true + self.wrong_by, lambda: self.true % 1e6)

    def measure(self, way_there: float, way_back: float) -> None:
        """Write a record that reaches the broker, and whose answer comes back, after so long."""
        sent_at = self.true % 1e6
        self.true += way_there
        stamped = int(self.true * 1_000) / 1_000
        self.true += way_back
        self.time.learn(Measure(sent_at, stamped, self.true % 1e6))

    @property
    def error(self) -> float:
        return abs(self.time.now() - self.true)


ways = st.floats(0.0, 5.0)
hours = st.floats(-2 * HOUR_SECONDS, 2 * HOUR_SECONDS)


@given(hours, st.lists(st.tuples(ways, ways), min_size=1, max_size=5))
def test_no_error_is_larger_than_the_quickest_measure(
    wrong_by: float, measures: list[tuple[float, float]]
) -> None:
    """However wrong the clock is, and however unequal the ways there and back."""
    machine = Machine(wrong_by)
    for each in measures:
        machine.measure(*each)

    quickest = min(map(sum, measures)) + 0.002

    assert machine.error <= quickest
    assert machine.time.ahead_seconds == pytest.approx(wrong_by, abs=quickest)


@given(st.lists(st.tuples(ways, ways), max_size=5))
def test_a_clock_that_is_right_is_never_moved(measures: list[tuple[float, float]]) -> None:
    """No slow answer makes a good clock worse."""
    machine = Machine(0.0)
    for each in measures:
        machine.measure(*each)

    assert machine.error < 0.002


@given(hours, hours)
def test_a_machine_whose_clock_is_set_meanwhile_stamps_as_before(
    wrong_by: float, set_by: float
) -> None:
    """Once measured, only the broker's clock and a steady one count; the figure tells."""
    machine = Machine(wrong_by)
    machine.measure(0.01, 0.01)
    machine.wrong_by += set_by
    machine.true += 30.0

    assert machine.error < 0.03
    assert machine.time.ahead_seconds == pytest.approx(wrong_by + set_by, abs=0.03)


def test_before_the_first_measure_the_own_clock_counts_and_old_measures_are_told() -> None:
    """The figure says whether somebody has measured lately."""
    machine = Machine(90.0)
    told = [machine.time.measured]
    assert machine.error == 90.0
    machine.measure(0.01, 0.01)
    told.append(machine.time.measured)
    machine.true += STALE_SECONDS

    assert [*told, machine.time.measured] == [False, True, False]
    assert machine.error < 0.03


def test_nothing_in_a_gateway_asks_the_machine_for_the_time() -> None:
    """What is stamped by the machine's clock is wrong where that is: one place knows it."""
    folders = [Path(package.__path__[0]) for package in (producers.gateway, scrutin.gateway)]
    asking = {
        f"{path.parent.parent.name}/{path.name}" for folder in folders
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"time", "time_ns", "today", "utcnow"}
        and isinstance(node.value, ast.Name) and node.value.id in {"time", "dt", "datetime"}}

    # The composition root hands it to BrokerTime; for commands, keys have it as a default.
    assert asking == {"scrutin/composition.py", "producers/keys.py"}


@asynccontextmanager
async def gateway_whose_clock_is_wrong(
    stack: Stack, by: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """Connect a gateway in this process, whose clock is set meanwhile; yield a browser at it."""
    true = time.time
    settings = Settings(
        kafka=stack.kafka, topic_prefix=stack.topics.prefix, partitions=stack.topics.partitions,
        data_dir=stack.folder / "data")
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: true() + by)
        async with composition.connected(settings, stack.kafka, stack.topics) as (app, *_), \
                Browser("http://127.0.0.1", httpx2.ASGITransport(
                    app, client=("127.0.0.1", 1))) as browser:
            async with asyncio.timeout(WAIT_SECONDS):
                while (await browser.client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.05)
            yield browser


@pytest.mark.parametrize("by", [HOUR_SECONDS + 300.0, 90.0, -90.0])
async def test_no_voter_pays_for_a_clock_that_is_wrong(
    gateway: RunningGateway, shared_stack: Stack, by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Votes there are taken and trusted, here and there, by proofs from here and there."""
    async with gateway_whose_clock_is_wrong(shared_stack, by, monkeypatch) as wrong, \
            Browser(gateway.url) as right:
        proofs = [await proof_of(wrong)]
        right.client.cookies.set(
            "scrutin-device", wrong.client.cookies["scrutin-device"], domain="127.0.0.1")
        proofs.append(await proof_of(right))
        answers = [await browser.vote(proof=proof)
                   for browser in (wrong, right) for proof in proofs]
        said = read((await wrong.client.get("/metrics")).text)
    now = time.time()

    assert [answer.status_code for answer in answers] == [202] * 4
    events = [event_of(answer.json())[1] for answer in answers]
    assert len({event["voter"] for event in events}) == 1
    assert [event["trust"] for event in events] == ["trusted"] * 4
    assert all(abs(event["occurred_at"] / 1_000 - now) < NEAR_SECONDS for event in events)
    assert said.one(figures.GATEWAY_CLOCK_MEASURED.name) == 1
    assert said.one(figures.GATEWAY_CLOCK_AHEAD.name) == pytest.approx(by, abs=NEAR_SECONDS)


async def clocks_watched(kafka: str, topic: str) -> BrokerTime:
    """Watch a broker's clock until the first failure is told; return what is known of the time."""
    brokers, outlet = BrokerTime(time.time, steady), Outlet(kafka, {})
    outlet.opened.set()
    watch = ClockWatch(kafka, topic, brokers)
    watching = asyncio.create_task(watch.run(outlet))
    try:
        await until(lambda: bool(watch._told))
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    return brokers


async def test_nothing_is_stamped_while_a_broker_says_nothing_of_the_time(
    broker: Broker, topic_prefix: str
) -> None:
    """Our own clock may be hours wrong; it counts at once where the broker will never tell."""
    assert not (await clocks_watched("127.0.0.1:1", "any")).settled
    topics = await provisioned(broker.address, topic_prefix)
    assert (await clocks_watched(broker.address, topics.sequences)).settled
