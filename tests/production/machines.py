"""Two machines as docs/operate.md sets them up, word for word, on one kernel.

What the page prints is run as it is printed, but for names that this machine does not have: hosts,
folders and ports. A name that the page no longer has is an error here.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.local.ports import HeldPorts
from deploy.local.services import Broker, ClickHouse
from schemas.exit_codes import EXIT_USAGE
from tests.harness import ROOT, Worker
from tests.production.crowd import answered
from tests.shown import blocks
from tests.waiting import until_found


SHARED, OWN = "/srv/scrutin", "/var/lib/scrutin"
KAFKA = "kafka-1:9092,kafka-2:9092,kafka-3:9092"
CLICKHOUSE = "https://scrutin:password@clickhouse:8443"
BLOCK_SECONDS = 300
"""Bound of one block of commands; each takes seconds on a quiet machine."""
_PORT = re.compile(r"\b(?:91|80)\d\d\b")


[_SETTINGS] = blocks("docs/operate.md", "Two machines, step by step", "ini")
LINKS, MADE, SERVICES, LOOK, VOTE = blocks("docs/operate.md", "Two machines, step by step", "sh")
[TOWN] = blocks("docs/consultation-files.md", "The smallest", "json")


@dataclass
class House:
    """What both machines reach."""

    folder: Path
    broker: Broker
    clickhouse: ClickHouse
    prefix: str
    ports: HeldPorts = field(default_factory=HeldPorts)


@dataclass
class Machine:
    """One of the two: its settings, ports and services."""

    name: str
    house: House
    services: dict[str, Worker] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    """Services that ended by themselves, and what each said last."""
    _killed: set[str] = field(default_factory=set)
    """Services that were killed, and not started since."""
    _ports: dict[str, int] = field(default_factory=dict)

    def here(self, printed: str) -> str:
        """Say what is printed with the names that there are here."""
        house = self.house
        for there, name in ((SHARED, str(house.folder / "shared")), (KAFKA, house.broker.address),
                            (OWN, str(house.folder / self.name)), ("0.0.0.0", "127.0.0.1"),
                            (CLICKHOUSE, house.clickhouse.url),
                            ("REPLICATION=3", "REPLICATION=1")):
            printed = printed.replace(there, name)
        return _PORT.sub(lambda found: str(self.port(found[0])), printed)

    def port(self, printed: str) -> int:
        """Give a printed port one that is free here."""
        if printed not in self._ports:
            self._ports[printed] = self.house.ports.find()
        return self._ports[printed]

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings as printed, and what one kernel must be told besides."""
        pairs = (line.partition("=") for line in self.here(_SETTINGS).splitlines())
        settings = {name: value for name, _, value in pairs}
        settings.pop("SCRUTIN_OPERATIONS_PROCESSES")  # Of hosts that this machine does not have.
        return {
            **settings, "SCRUTIN_GATEWAY_PROXIES": "127.0.0.1",
            "SCRUTIN_INSTANCE": self.name, "SCRUTIN_TOPIC_PREFIX": self.house.prefix,
            "SCRUTIN_CLICKHOUSE_DATABASE": self.house.prefix, "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(self, printed: str) -> str:
        """Run a block as printed; return what it says. Fails where a command of it does."""
        done = subprocess.run(
            ["bash", "-euc", self.here(printed)], env={**os.environ, **self.environment},
            cwd=self.house.folder, capture_output=True, text=True, timeout=BLOCK_SECONDS,
            check=False)
        assert done.returncode == 0, (printed, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def start(self, *names: str) -> None:
        """Start services as printed; no name: all of them."""
        for line in SERVICES.splitlines():
            name = line.split()[-1]
            if names and name not in names:
                continue
            self.services[name] = Worker(
                name, self.environment, self.house.folder / f"{name}-{self.name}.log",
                program=["bash", "-c", self.here(line).replace("scrutin ", "exec scrutin ")])
            self.services[name].start()
            self._killed.discard(name)

    async def ready(self, *names: str) -> None:
        """Wait until services say that they are ready; no name: all of them.

        One that ended by itself is started again, as the page says, and remembered.
        """
        for name in names or tuple(self.services):
            await until_found(partial(self._is_ready, name))

    async def _is_ready(self, name: str) -> bool:
        service = self.services[name]
        if not service.running():
            assert service.wait() not in (0, EXIT_USAGE), service.log()
            if name not in self._killed:
                self.ended.append(f"{name} {service.wait()}: {service.log()[-2_000:]}")
            self.start(name)
        return (found := await answered(f"{self.url(name)}/readyz")) is not None and (
            found.status_code == 200)

    def url(self, name: str) -> str:
        """Return where a service answers."""
        [line] = [each for each in SERVICES.splitlines() if each.endswith(f" {name}")]
        return f"http://127.0.0.1:{self.port(_PORT.findall(line)[0])}"

    def send(self, number: signal.Signals, *names: str) -> None:
        """Send a signal to services."""
        if number == signal.SIGKILL:
            self._killed.update(names)
        for name in names:
            if self.services[name].running():
                self.services[name].send(number)

    def end(self) -> None:
        """Kill what still runs."""
        for service in self.services.values():
            if service.running():
                service.send(signal.SIGCONT)
                service.kill()


def set_up(house: House) -> Iterator[list[Machine]]:
    """Take steps 2 to 4 of the page on two machines; end everything afterwards."""
    machines = [Machine(name, house) for name in ("one", "two")]
    (house.folder / "town.json").write_text(TOWN)
    try:
        for machine in machines:
            machine.run(LINKS)
        machines[0].run(MADE)
        for machine in machines:
            machine.start()
        yield machines
    finally:
        for machine in machines:
            machine.end()
        house.ports.close()


def names_of_hosts() -> list[str]:
    """Name what `Machine.here` replaces and the page must print."""
    return [SHARED, OWN, KAFKA, CLICKHOUSE, "REPLICATION=3", "0.0.0.0", json.loads(TOWN)["id"]]
