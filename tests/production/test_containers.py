"""docker-compose.yml as its head and docs/operate.md say it is used: up, voted through, recounted.

The image is built by its own Dockerfile and brought up by Docker's own engine and Compose. What
comes from a registry is stood in for (`container_tools`): ClickHouse's and Kafka's images, and the
Python below ours, were not run.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from deploy.local.ports import find_free
from deploy.machine.waiting import until
from tests.harness import ROOT
from tests.producers.gateway.booths import Browser
from tests.production.container_tools import HERE, Engine, compose, running, stand_ins


FILE = ROOT / "docker-compose.yml"
SERVICES = set(yaml.safe_load(FILE.read_text("utf-8"))["services"])
TOWN = re.findall(r"```json\n(.*?)```", (ROOT / "docs/consultation-files.md").read_text("utf-8")
                  .split("### The smallest")[1], re.DOTALL)[0]
HEALTHY_SECONDS = 600.0
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


@dataclass
class Service:
    """What docker-compose.yml makes of an engine."""

    engine: Engine
    gateway: str
    views: str

    def arguments(self, *words: str) -> list[str | Path]:
        """Return a command of Compose's."""
        return [compose(), "--file", FILE, "--file", HERE / "stand-ins.yml", *words]

    def compose(self, *words: str) -> str:
        """Run a command of Compose's, and fail where it does."""
        return self.engine.asked(*self.arguments(*words))

    def up(self) -> None:
        """Bring everything up and wait until all are well."""
        self.compose("up", "--detach", "--build")
        assert until(self._well, seconds=HEALTHY_SECONDS, poll_seconds=1.0), self.state()

    def state(self) -> dict[str, tuple[str, str, int]]:
        """Tell of each service its state, its health and its exit code."""
        found = map(json.loads, self.compose("ps", "--all", "--format", "json").splitlines())
        return {each["Service"]: (each["State"], each["Health"], each["ExitCode"])
                for each in found}

    def _well(self) -> bool:
        return self.state() == {name: ("exited", "", 0) if name == "provision"
                                else ("running", "healthy", 0) for name in SERVICES}

    def applied(self, town: Path) -> None:
        """Describe a consultation by a file that the container sees."""
        town.write_text(TOWN)
        self.compose("run", "--rm", "--no-TTY", "--volume", f"{town}:/town.json:ro",
                     "provision", "consultation", "apply", "/town.json")

    def counted(self) -> int:
        """Read how many votes are in the results."""
        answer = httpx2.get(f"{self.views}/v1/consultations/town/results", timeout=60)
        if answer.status_code != 200:
            return -1
        found: dict[str, Any] = answer.json()
        return int(found["totals"]["counted"]["votes"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Build the image, bring everything up, and take it down with its data."""
    gateway, views = find_free(2)
    with running(tmp_path_factory.mktemp("engine")) as engine:
        stand_ins(engine)
        engine.more = {"CLICKHOUSE_PASSWORD": "word", "GATEWAY_PORT": str(gateway),
                       "VIEWS_PORT": str(views)}
        found = Service(engine, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{views}")
        try:
            found.up()
            yield found
        finally:
            found.compose("down", "--volumes")


async def test_votes_are_counted_and_recounted(service: Service, tmp_path: Path) -> None:
    """Voters come by the published port; results show them, also after another start, and a recount
    finds what was published.
    """
    service.applied(tmp_path / "town.json")
    for number in range(VOTERS):
        async with Browser(service.gateway) as browser:
            [shown] = (await browser.client.get("/v1/consultations/town/sequence")).json()[
                "proposals"]
            answer = await browser.vote(
                "trains", of="town", key=f"vote-{number:020}", proof=shown["proof"])
            assert answer.status_code == 202, answer.text

    for start in ("first", "second"):
        if start == "second":
            service.compose("down")
            service.up()
        assert until(lambda: service.counted() == VOTERS, seconds=HEALTHY_SECONDS,
                     poll_seconds=0.5), service.counted()
        told = service.compose("run", "--rm", "--no-TTY", "archive", "audit", "recount", "town")
        assert "EQUAL: every recomputed number is the published one." in told
    told = service.compose("run", "--rm", "--no-TTY", "provision", "results", "town")
    assert f"votes received             {VOTERS}" in told


def test_a_process_writes_to_nothing_and_has_no_local_stack(service: Service) -> None:
    """Whoever breaks into one finds a user of no rights, and neither engine nor broker."""
    user, missing = service.compose(
        "exec", "--no-TTY", "gateway", "python", "-c", PROBE).splitlines()

    assert user == "10001 Read-only file system"
    assert "chdb" in missing
