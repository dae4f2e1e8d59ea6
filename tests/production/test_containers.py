"""docker-compose.yml as its head and docs/operate.md say it is used: up, voted through, recounted.

The image is built by its own Dockerfile and brought up by Docker's own engine and Compose, as it is
and with files of deploy/compose laid over it. What comes from a registry is stood in for
(`container_tools`): ClickHouse's, Kafka's and Prometheus' images, and the Python below ours, were
not run.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.ports import find_free
from deploy.machine.waiting import until
from tests.harness import ROOT
from tests.producers.gateway.booths import Browser
from tests.production.container_tools import HERE, Engine, compose, running, stand_ins
from tests.production.prometheus import ALERTS


FILE = ROOT / "docker-compose.yml"
VARIANTS = ROOT / "deploy/compose"
ONE_SHOTS = {"provision", "acls", "permissions"}
"""Services that end before others begin."""
TARGETS = 7
"""Processes that Prometheus asks: all that run on."""
NOBODY = 65534
"""As whom Prometheus' image runs."""
TOWN = re.findall(r"```json\n(.*?)```", (ROOT / "docs/consultation-files.md").read_text("utf-8")
                  .split("### The smallest")[1], re.DOTALL)[0]
ONE_COMMAND = ("run", "--rm", "--no-deps", "--no-TTY")
"""Begins what a person asks: nothing is started or granted anew for it."""
WAIT_SECONDS = 600.0
PAUSE_SECONDS = 1.0
VOTERS = 3
PROBE = """
import pathlib, os
try:
    pathlib.Path("/opt/scrutin/written").touch()
except OSError as error:
    print(os.getuid(), error.strerror)
try:
    import chdb
except ImportError as error:
    print(error)
"""

IN_CLEAR = """
import socket, sys
from deploy.local.kafka_probe import describe_brokers
for name in sys.argv[1:]:
    for port in (9092, 9093):
        socket.create_connection((name, port), timeout=60).close()
        print(name, port, describe_brokers(name, port))
"""
"""Asks brokers at each of their doors who there is, without TLS and without a name."""


@dataclass
class Service:
    """What docker-compose.yml makes of an engine, with files laid over it."""

    engine: Engine
    gateway: str
    views: str
    over: tuple[Path, ...]

    def compose(self, *words: str) -> str:
        """Run a command of Compose's, and fail where it does."""
        return self.engine.asked(compose(), *self._files(), *words)

    def refused(self, *words: str) -> str:
        """Run a command of Compose's that fails, and return what it said."""
        done = self.engine.run(compose(), *self._files(), *words)
        assert done.returncode, done.stdout
        return done.stdout + done.stderr

    def _files(self) -> list[str | Path]:
        return [each for path in (FILE, *self.over) for each in ("--file", path)]

    def up(self) -> None:
        """Bring everything up and wait until all are well."""
        self.compose("up", "--detach", "--build")
        assert until(self._well, seconds=WAIT_SECONDS, poll_seconds=1.0), self.state()

    def state(self) -> dict[str, tuple[str, str, int]]:
        """Tell of each service its state, its health and its exit code."""
        found = map(json.loads, self.compose("ps", "--all", "--format", "json").splitlines())
        return {each["Service"]: (each["State"], each["Health"], each["ExitCode"])
                for each in found}

    def _well(self) -> bool:
        services = self.compose("config", "--services").split()
        return self.state() == {name: ("exited", "", 0) if name in ONE_SHOTS
                                else ("running", "healthy", 0) for name in services}

    def applied(self, town: Path, *, by: str = "provision") -> None:
        """Describe a consultation by a file that the container of a service sees."""
        self.compose(*self.application(town, by, TOWN))

    def application(self, town: Path, by: str, text: str) -> tuple[str, ...]:
        """Return the command that does so."""
        town.write_text(text)
        return (*ONE_COMMAND, "--volume", f"{town}:/town.json:ro", by,
                "consultation", "apply", "/town.json")

    async def voted(self, number: int, *, told_no: int = 0) -> None:
        """Have somebody vote who comes by the published port, and may be told no so often."""
        async with Browser(self.gateway) as browser:
            shown = (await browser.client.get("/v1/consultations/town/sequence")).json()
            for _ in range(told_no + 1):
                answer = await browser.vote("trains", of="town", key=f"vote-{number:020}",
                                            proof=shown["proposals"][0]["proof"])
                if answer.status_code == 202:
                    return
                await asyncio.sleep(PAUSE_SECONDS)
            raise AssertionError(answer.text)

    def recounted(self, votes: int) -> None:
        """Wait until results show so many votes, and recount them."""
        assert until(lambda: self._counted() == votes, seconds=WAIT_SECONDS,
                     poll_seconds=0.5), self._counted()
        told = self.compose(*ONE_COMMAND, "archive", "audit", "recount", "town")
        assert "EQUAL: every recomputed number is the published one." in told

    def _counted(self) -> int:
        answer = httpx2.get(f"{self.views}/v1/consultations/town/results", timeout=60)
        if answer.status_code != 200:
            return -1
        found: dict[str, Any] = answer.json()
        return int(found["totals"]["counted"]["votes"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Run Docker's engine, with what stands in for images of a registry."""
    with running(tmp_path_factory.mktemp("engine")) as found:
        stand_ins(found)
        yield found


@contextmanager
def brought_up(engine: Engine, *over: Path, **more: str) -> Iterator[Service]:
    """Build the image, bring everything up, and take it down with its data."""
    gateway, views = find_free(2)
    engine.more = {"CLICKHOUSE_PASSWORD": "word", "GATEWAY_PORT": str(gateway),
                   "VIEWS_PORT": str(views), **more}
    found = Service(engine, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{views}",
                    (*over, HERE / "stand-ins.yml", *_stand_ins(over)))
    try:
        found.up()
        yield found
    finally:
        found.compose("down", "--volumes")


def _stand_ins(over: tuple[Path, ...]) -> Iterator[Path]:
    """Name the files by which what others add is stood in for."""
    for path in over:
        if (found := HERE / f"stand-ins-{path.name}").exists():
            yield found


def _named(*names: str) -> Iterator[Path]:
    """Name the files of a choice, in the order in which they are laid."""
    return (VARIANTS / f"{name}.yml" for name in names)


def _locked(engine: Engine, folder: Path) -> str:
    """Have certificates and passwords made."""
    engine.asked("sh", VARIANTS / "secrets.sh", folder / "locked")
    return str(folder / "locked")


async def test_votes_are_counted_and_recounted(engine: Engine, tmp_path: Path) -> None:
    """Voters come by the published port; results show them, also after another start, and a recount
    finds what was published. A process writes to nothing, and has neither engine nor broker.
    """
    with brought_up(engine) as service:
        service.applied(tmp_path / "town.json")
        for number in range(VOTERS):
            await service.voted(number)
        service.recounted(VOTERS)
        service.compose("down")
        service.up()
        service.recounted(VOTERS)
        told = service.compose(*ONE_COMMAND, "provision", "results", "town")
        user, missing = service.compose(
            "exec", "--no-TTY", "gateway", "python", "-c", PROBE).splitlines()

    assert re.search(rf"votes received +{VOTERS}\b", told)
    assert user == "10001 Read-only file system"
    assert "chdb" in missing


async def test_one_of_three_brokers_may_be_killed(engine: Engine, tmp_path: Path) -> None:
    """Within their limits three brokers take votes, and two of them do so too; Prometheus beside
    them asks every process, and has the alerts.
    """
    (port,) = find_free(1)
    token = tmp_path / "operations.token"
    token.write_text("shown-to-views-and-gateway")
    token.chmod(0o400)
    os.chown(token, NOBODY, NOBODY)
    with brought_up(
            engine, *_named("brokers", "limits", "prometheus"), PROMETHEUS_PORT=str(port),
            PROMETHEUS_TOKEN=str(token), SCRUTIN_OPERATIONS_TOKEN=token.read_text()) as service:
        service.applied(tmp_path / "town.json")
        await service.voted(0)
        assert _comes(lambda: _asked(port, "targets", "activeTargets", "health")
                      == ["up"] * TARGETS), _asked(port, "targets", "activeTargets", "lastError")
        (rules,) = _asked(port, "rules", "groups", "rules")
        assert [rule["name"] for rule in rules if rule["type"] == "alerting"] == ALERTS
        assert {rule["health"] for rule in rules} == {"ok"}
        service.compose("kill", "kafka-3")
        await service.voted(1, told_no=60)
        service.recounted(2)


def _asked(port: int, what: str, kind: str, name: str) -> list[Any]:
    """Ask Prometheus for a list, and return one thing of each entry."""
    answer = httpx2.get(f"http://127.0.0.1:{port}/api/v1/{what}", timeout=60)
    return [each[name] for each in answer.raise_for_status().json()["data"][kind]]


def _comes(true: Callable[[], bool]) -> bool:
    return until(true, seconds=WAIT_SECONDS, poll_seconds=PAUSE_SECONDS)


async def test_by_tls_each_process_does_what_its_account_may(
    engine: Engine, tmp_path: Path
) -> None:
    """Votes are counted, also after another start, and recounted, with what `scrutin acls` prints
    and no more; in clear no broker answers.
    """
    town = tmp_path / "town.json"
    with brought_up(engine, *_named("tls"), SCRUTIN_LOCKED=_locked(engine, tmp_path)) as service:
        service.applied(town, by="operator")
        for number in range(VOTERS):
            await service.voted(number)
        service.recounted(VOTERS)
        said = service.refused(*service.application(
            town, "views", TOWN.replace('"town"', '"forged"')))
        clear = service.compose("exec", "--no-TTY", "gateway", "python", "-c", IN_CLEAR, "kafka")
        service.compose("down")
        service.up()
        told = service.compose(*ONE_COMMAND, "operator", "results", "town")

    assert re.search(rf"votes received +{VOTERS}\b", told)
    assert "uthorization" in said
    assert clear.splitlines() == ["kafka 9092 []", "kafka 9093 []"]


async def test_by_tls_too_one_of_three_brokers_may_be_killed(
    engine: Engine, tmp_path: Path
) -> None:
    """Brokers know each other by TLS as they know the processes: two of them take votes that are
    counted and recounted, and none of the three answers in clear.
    """
    brokers = ("kafka", "kafka-2", "kafka-3")
    with brought_up(engine, *_named("tls", "brokers", "brokers-tls"),
                    SCRUTIN_LOCKED=_locked(engine, tmp_path)) as service:
        service.applied(tmp_path / "town.json", by="operator")
        await service.voted(0)
        clear = service.compose("exec", "--no-TTY", "gateway", "python", "-c", IN_CLEAR, *brokers)
        service.compose("kill", "kafka-3")
        await service.voted(1, told_no=60)
        service.recounted(2)

    assert clear.splitlines() == [f"{name} {port} []" for name in brokers for port in (9092, 9093)]
