"""Two machines, set up by the words of docs/operate.md, taken away one after the other."""

import json
import re
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from deploy.local.services import Broker, ClickHouse
from tests.harness import ROOT
from tests.production.crowd import Crowd, answered, crowd
from tests.production.machines import (
    LOOK,
    VOTE,
    House,
    Machine,
    names_of_hosts,
    set_up,
)
from tests.waiting import until, until_found


LEADING = ("ideas", "patrol", "archive", "notary")
ALONE = ("ledger", "ideas", "gateway", "views")
"""By whom votes and results come about: each is lost alone, too."""


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, clickhouse: ClickHouse
) -> Iterator[list[Machine]]:
    """Run two of everything."""
    yield from set_up(House(tmp_path_factory.mktemp("two"), broker, clickhouse,
                            f"two_{uuid.uuid4().hex[:12]}"))


def test_the_page_has_every_name_that_is_replaced() -> None:
    """Else something of it would be run otherwise than it is printed."""
    page = (ROOT / "docs/operate.md").read_text("utf-8")

    assert [name for name in names_of_hosts() if name not in page] == []


async def test_the_steps_of_the_page_are_followed(machines: list[Machine]) -> None:
    """Whoever takes them has two of everything, and a vote that is counted and counted again."""
    for machine in machines:
        await machine.ready()
    looked = [machine.run(LOOK) for machine in machines]
    said = machines[1].run(VOTE)

    for role in ("leading", "standing by"):
        assert "".join(looked).count(f"ready: {role}") == len(LEADING), looked
    assert [" bad " in each or "unknown  " in each for each in looked] == [False, False]
    assert re.search(r"equal", said)


@pytest.fixture
def names(machines: list[Machine]) -> list[str]:
    return list(machines[0].services)


async def test_machines_and_processes_are_rolled_killed_and_frozen_while_people_vote(
    machines: list[Machine], names: list[str]
) -> None:
    """Results go on and never go back; what was acknowledged is counted once.

    No gateway finds fault with what another one has shown or recorded.
    """
    one, two = machines
    for machine in machines:
        await machine.ready()
    urls = [[machine.url(name) for machine in machines] for name in ("gateway", "views")]
    before, drain_seconds = await total(two), float(one.environment["SCRUTIN_DRAIN_SECONDS"])
    async with crowd(*urls, drain_seconds=drain_seconds) as people:
        for away, here in ((one, two), (two, one)):
            await rolled(away, names, people)
            await killed(away, here, names, people)
            await frozen(away, here, names, people)
        for name in ALONE:
            await lost(name, one, two, people)
    assert people.faulted == []
    counted = before + people.acknowledged
    assert [await total(machine) for machine in machines] == [counted, counted]
    recounted = json.loads(one.run("scrutin audit recount town --json"))
    assert recounted["verdict"] == "equal"


async def total(machine: Machine) -> int:
    answer = await answered(f"{machine.url('views')}/v1/consultations/town/results")
    return int(answer.json()["totals"]["counted"]["votes"]) if answer else -1


async def rolled(machine: Machine, names: list[str], people: Crowd) -> None:
    """Take one process after the other away in order and back: nobody is turned away."""
    turned_away = len(people.refused)
    for name in names:
        with said(people, f"rolled {name}-{machine.name}"):
            machine.send(signal.SIGTERM, name)
            await until(lambda: not machine.services[name].running())  # noqa: B023 -- awaited here
            assert machine.services[name].wait() == 0, machine.services[name].log()
            machine.start(name)
            await machine.ready(name)
            await people.goes_on()
    await people.counted()
    assert people.refused[turned_away:] == []


async def killed(machine: Machine, other: Machine, names: list[str], people: Crowd) -> None:
    """Lose the machine, and start it again once the other one does everything."""
    with said(people, f"killed {machine.name}"):
        machine.send(signal.SIGKILL, *names)
        for name in names:
            machine.services[name].wait()
        await leads(other)
        await people.goes_on()
    with said(people, f"started {machine.name}"):
        machine.start()
        await machine.ready()
        await people.counted()


async def frozen(machine: Machine, other: Machine, names: list[str], people: Crowd) -> None:
    """Let the machine stand still until the other one does everything, and wake it."""
    with said(people, f"frozen {machine.name}"):
        machine.send(signal.SIGSTOP, *names)
        await leads(other)
        await people.goes_on()
    with said(people, f"woken {machine.name}"):
        machine.send(signal.SIGCONT, *names)
        await machine.ready()
        await people.counted()


async def lost(name: str, one: Machine, two: Machine, people: Crowd) -> None:
    """Kill the first of two, which leads, and freeze the other, which leads then."""
    for machine, number in ((one, signal.SIGKILL), (two, signal.SIGSTOP)):
        with said(people, f"{number.name} {name}-{machine.name}"):
            machine.send(number, name)
            await people.goes_on()
        machine.send(signal.SIGCONT, name)
        await machine.ready(name)
    await people.counted()


@contextmanager
def said(people: Crowd, what: str) -> Iterator[None]:
    """Print how long votes and results stood still meanwhile: `pytest -s` shows it."""
    began = monotonic()
    yield
    still = people.still(began)
    print(f"{what}: no vote for {still.votes_seconds:.1f} s, a vote waited "
          f"{still.results_seconds:.1f} s for its result")


async def leads(machine: Machine) -> None:
    """Wait until a machine's processes lead."""
    for name in LEADING:
        async def leading(name: str = name) -> bool:
            answer = await answered(f"{machine.url(name)}/readyz")
            return answer is not None and "leading" in answer.text
        await until_found(leading)
