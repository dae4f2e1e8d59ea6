"""Three real brokers in one cluster, each with a folder and ports of its own."""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import child, kafka, kafka_runtime
from deploy.local.kafka import BrokerConfiguration, KafkaRuntime
from deploy.local.kafka_probe import describe_brokers
from deploy.local.ports import LOOPBACK, find_free
from tests.production.leaders import Led, leaders
from tests.production.wires import Wires
from tests.waiting import until


NODES = 3
NUMBERS = range(1, NODES + 1)
STOP_SECONDS = 30.0
SMALL_HEAP = "-Xmx320m"
SESSION_SECONDS = 9.0
"""Kafka's own: so long a broker is silent before it is given up."""


class Brokers:
    """A running cluster, of which a broker may be killed, frozen, cut off or rolled.

    With wires all connections of a broker go through them: those of clients and followers, both
    ways to the controllers, and its own to brokers that it follows, which are known by its name.
    """

    def __init__(
        self, folder: Path, runtime: KafkaRuntime, *, wires: Wires | None = None,
        session_seconds: float = SESSION_SECONDS,
    ) -> None:
        self._runtime, self._identity, self._wires = runtime, kafka.new_identity(), wires
        self.session_seconds = session_seconds
        ports = iter(find_free((4 if wires else 2) * NODES))
        self._configurations = {number: BrokerConfiguration(
            folder / f"broker-{number}", next(ports), next(ports)) for number in NUMBERS}
        self._doors = {number: each.port for number, each in self._configurations.items()}
        """Where each broker is reached, by its number."""
        self._controllers = {
            number: each.controller_port for number, each in self._configurations.items()}
        """Where the controller of each is reached by the others."""
        if wires is not None:
            self._lay(wires, ports)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def _lay(self, wires: Wires, ports: Iterator[int]) -> None:
        for name, doors in (("broker", self._doors), ("controller", self._controllers)):
            for number in NUMBERS:
                wires.say("open", f"{name}-{number}", door := next(ports), doors[number])
                doors[number] = door

    @property
    def address(self) -> str:
        return ",".join(f"{LOOPBACK}:{port}" for port in self._doors.values())

    async def start(self) -> None:
        """Start all, and wait until they know each other."""
        for number, each in self._configurations.items():
            self._format(number, each)
            self.restart(number)
        await until(lambda: self.present() == NODES)

    def present(self) -> int:
        """Count the brokers that the first one knows."""
        return len(describe_brokers(LOOPBACK, self._configurations[1].port))

    def _format(self, number: int, each: BrokerConfiguration) -> None:
        each.data_folder.mkdir(parents=True)
        shutil.copyfile(
            self._runtime.bootstrap_checkpoint, each.data_folder / "bootstrap.checkpoint")
        (each.data_folder / "meta.properties").write_text(
            f"version=1\ncluster.id={self._identity}\nnode.id={number}\n"
            f"directory.id={kafka.new_identity()}\n")
        # No broker needs the network to reach itself.
        controllers = {**self._controllers, number: each.controller_port}
        voters = ",".join(f"{other}@{LOOPBACK}:{port}" for other, port in controllers.items())
        # Of two lines of one name Java takes the last. Leaders go back soon, so that each broker
        # leads again before the next fault. Whoever leads the controllers tells the others where it
        # is reached: that must be its wire too.
        each.properties_path.write_text(kafka.server_properties(each) + (
            f"node.id={number}\ncontroller.quorum.voters={voters}\n"
            f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{self._doors[number]},"
            f"CONTROLLER://{LOOPBACK}:{self._controllers[number]}\n"
            f"broker.session.timeout.ms={int(self.session_seconds * 1_000)}\n"
            "leader.imbalance.check.interval.seconds=3\n"
            "leader.imbalance.per.broker.percentage=0\n"
            f"offsets.topic.replication.factor={NODES}\n"))

    def leaders(self, topic: str, *, but: int = 0) -> list[dict[int, Led]]:
        """Ask each broker but one who leads the partitions of a topic; past all wires."""
        return [found for number, each in self._configurations.items() if number != but
                and (found := leaders(LOOPBACK, each.port, topic))]

    # Faults

    def kill(self, number: int) -> None:
        """End a broker like a lost machine."""
        self._processes[number].kill()
        self._processes[number].wait()

    def restart(self, number: int) -> None:
        """Start a broker that does not run."""
        each = self._configurations[number]
        self._processes[number] = child.spawn(
            kafka.broker_argv(each, self._runtime, SMALL_HEAP), each.folder / "kafka.log")

    def leave(self, number: int) -> None:
        """Stop a broker in order: it hands over what it leads first."""
        child.stop(self._processes[number], STOP_SECONDS)

    def freeze(self, number: int) -> None:
        """Let a broker keep its connections and do nothing."""
        os.kill(self._processes[number].pid, signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        os.kill(self._processes[number].pid, signal.SIGCONT)

    def cut(self, number: int) -> None:
        """Take the network of a broker away."""
        self._wire("cut", number)

    def mend(self, number: int) -> None:
        self._wire("mend", number)

    def _wire(self, verb: str, number: int) -> None:
        assert self._wires is not None, "a cluster without wires"
        self._wires.say(verb, f"broker-{number}")
        self._wires.say(verb, f"controller-{number}")
        for other in NUMBERS:
            if other != number:
                self._wires.say(verb, f"broker-{other}", f"broker-{number}-")
                self._wires.say(verb, f"controller-{other}", f"raft-client-{number}")
                # So a broker names itself to whoever leads the controllers.
                self._wires.say(verb, f"controller-{other}", str(number))

    def stop(self) -> None:
        """End all that still run."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@asynccontextmanager
async def three_brokers(
    folder: Path, cache_folder: Path, *, wired: bool = False,
    session_seconds: float = SESSION_SECONDS,
) -> AsyncIterator[Brokers]:
    """Run a cluster."""
    wires = Wires() if wired else None
    try:
        found = Brokers(folder, kafka_runtime.prepare(cache_folder), wires=wires,
                        session_seconds=session_seconds)
        try:
            await found.start()
            yield found
        finally:
            found.stop()
    finally:
        if wires is not None:
            wires.stop()
