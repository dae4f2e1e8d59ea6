"""Three real brokers in one cluster, each with a folder and ports of its own."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import child, kafka, kafka_runtime
from deploy.local.kafka import BrokerConfiguration, KafkaRuntime
from deploy.local.kafka_probe import describe_brokers
from deploy.local.ports import LOOPBACK, find_free
from tests.waiting import until


NODES = 3
STOP_SECONDS = 20.0
SMALL_HEAP = "-Xmx320m"


class Brokers:
    """A running cluster, of which a broker may be killed."""

    def __init__(self, folder: Path, runtime: KafkaRuntime) -> None:
        ports = find_free(2 * NODES)
        self._runtime, self._identity = runtime, kafka.new_identity()
        self._configurations = [
            BrokerConfiguration(folder / f"broker-{number}", port, controller)
            for number, (port, controller) in enumerate(
                zip(ports[:NODES], ports[NODES:], strict=True), 1)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        return ",".join(each.address for each in self._configurations)

    async def start(self) -> None:
        """Start all, and wait until they know each other."""
        for node, each in enumerate(self._configurations, 1):
            self._format(node, each)
            self._processes[node] = child.spawn(
                kafka.broker_argv(each, self._runtime, SMALL_HEAP), each.folder / "kafka.log")
        await until(lambda: self.present() == NODES)

    def present(self) -> int:
        """Count the brokers that the first one knows."""
        return len(describe_brokers(LOOPBACK, self._configurations[0].port))

    def _format(self, node: int, each: BrokerConfiguration) -> None:
        each.data_folder.mkdir(parents=True)
        shutil.copyfile(
            self._runtime.bootstrap_checkpoint, each.data_folder / "bootstrap.checkpoint")
        (each.data_folder / "meta.properties").write_text(
            f"version=1\ncluster.id={self._identity}\nnode.id={node}\n"
            f"directory.id={kafka.new_identity()}\n")
        voters = ",".join(f"{number}@{LOOPBACK}:{other.controller_port}"
                          for number, other in enumerate(self._configurations, 1))
        # Of two lines of one name Java takes the last.
        each.properties_path.write_text(kafka.server_properties(each) + (
            f"node.id={node}\ncontroller.quorum.voters={voters}\n"
            f"offsets.topic.replication.factor={NODES}\nmin.insync.replicas=2\n"))

    def kill(self, node: int) -> None:
        """End a broker like a lost machine."""
        self._processes[node].kill()
        self._processes[node].wait()

    def stop(self) -> None:
        """End all that still run."""
        for process in self._processes.values():
            child.stop(process, STOP_SECONDS)


@asynccontextmanager
async def three_brokers(folder: Path, cache_folder: Path) -> AsyncIterator[Brokers]:
    """Run a cluster."""
    found = Brokers(folder, kafka_runtime.prepare(cache_folder))
    try:
        await found.start()
        yield found
    finally:
        found.stop()
