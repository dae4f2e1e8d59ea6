"""Two machines, set up by the words of docs/operate.md, taken away one after the other."""

import asyncio
import json
import re
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic

import pytest

from deploy.local.services import Broker, ClickHouse
from schemas.words import CHOICES
from scrutin.settings import Settings
from tests.e2e.running import read
from tests.faults import brokers_crowd, checker
from tests.faults.violations import Log
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
TYPED = (
    ("scrutin audit log /srv/scrutin/transparency/PREFIX/catalogue/0 "
    "--policy /srv/scrutin/transparency/PREFIX/policy --archive"),
    "scrutin guard recount town",
    ("curl --silent --fail http://127.0.0.1:8080/v1/consultations/town/guard --output guard.json\n"
    "scrutin audit recount town --guard guard.json"))
VOTES_A_SECOND = 100
PATIENCE_SECONDS = 4.0
"""So long a voter of the load waits for a gateway before asking the other one."""


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


@pytest.mark.parametrize("command", TYPED)
async def test_what_pages_show_besides_is_typed(machines: list[Machine], command: str) -> None:
    """Commands that want all of it: each ends well, on either machine."""
    for machine in machines:
        await machine.ready()
    one = machines[0]
    logs = one.house.folder / "shared/transparency" / one.house.prefix
    await until((logs / "catalogue/0/checkpoint").exists)
    for machine in machines:
        machine.run(command.replace("PREFIX", machine.house.prefix))


@pytest.fixture
def names(machines: list[Machine]) -> list[str]:
    return list(machines[0].services)


async def test_machines_and_processes_are_rolled_killed_and_frozen_while_people_vote(
    machines: list[Machine], names: list[str]
) -> None:
    """Results go on and never go back; what was acknowledged is counted once.

    No gateway finds fault with what another one has shown or recorded, and no process ends by
    itself.
    """
    one, two = machines
    for machine in machines:
        await machine.ready()
    urls = [[machine.url(name) for machine in machines] for name in ("gateway", "views")]
    before, drain_seconds = await totals(two), float(one.environment["SCRUTIN_DRAIN_SECONDS"])
    async with (crowd(*urls, drain_seconds=drain_seconds) as people,
                load(urls[0], people) as programs):
        for away, here in ((one, two), (two, one)):
            await rolled(away, names, people)
            await killed(away, here, names, people)
            await frozen(away, here, names, people)
        for name in ALONE:
            await lost(name, one, two, people)
    print(f"{len(programs.ballots)} votes of programs, answers {programs.statuses()}")
    assert people.wandered > 0
    assert people.followed > 0
    assert people.faulted + programs.faulted == []
    assert [machine.ended for machine in machines] == [[], []]
    await counted(machines, before + people.standing() + programs.standing())
    assert [*checker.lost(brokers_crowd.attempts(programs.ballots), await votes_of(one))] == []


@asynccontextmanager
async def load(gateways: list[str], people: Crowd) -> AsyncIterator[brokers_crowd.Crowd]:
    """Have programs vote at both gateways beside people, and each to its last receipt."""
    found = brokers_crowd.Crowd(
        [url.removeprefix("http://") for url in gateways], "/v1/consultations/town", ["trains"],
        VOTES_A_SECOND, shown=True, answer_seconds=PATIENCE_SECONDS, received=people.took)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(found.vote())
        try:
            await people.goes_on()
            yield found
        finally:
            found.ended.set()


async def counted(machines: list[Machine], wanted: Counter[str]) -> None:
    """Check that both views show so many votes of each choice, and that the archive gives them."""
    assert [await totals(machine) for machine in machines] == [wanted, wanted]
    recounted = json.loads(machines[0].run("scrutin audit recount town --json"))
    assert recounted["verdict"] == "equal"


async def votes_of(machine: Machine) -> list[Log]:
    """Read the ballot box."""
    house, partitions = machine.house, Settings.model_fields["partitions"].default
    return [[*log] for log in await read(house.broker.address, f"{house.prefix}.votes", partitions)]


async def totals(machine: Machine) -> Counter[str]:
    """Count by choice what one of the views shows as counted; nothing where it does not answer."""
    answer = await answered(f"{machine.url('views')}/v1/consultations/town/results")
    found = answer.json()["totals"]["counted"] if answer else {}
    return Counter({choice: found[choice] for choice in CHOICES if choice in found})


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
          f"{still.receipt_seconds:.1f} s for its receipt, {still.results_seconds:.1f} s for its "
          "result", flush=True)


async def leads(machine: Machine) -> None:
    """Wait until a machine's processes lead."""
    for name in LEADING:
        async def leading(name: str = name) -> bool:
            answer = await answered(f"{machine.url(name)}/readyz")
            return answer is not None and "leading" in answer.text
        await until_found(leading)
