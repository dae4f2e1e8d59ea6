"""Broker and ClickHouse without the rest: for tests, benchmarks and the demo's checks.

A handle starts its process at once and stops it with `stop` (in order) or `kill` (SIGKILL);
`restart` starts it again on the same folder and port. Call from the main thread: children die
with the thread that started them. Between two starts the port stays the service's own.
"""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from deploy.local import child, clickhouse, kafka, kafka_runtime
from deploy.local.clickhouse import ClickHouseConfiguration
from deploy.local.kafka import BrokerConfiguration, KafkaRuntime
from deploy.local.ports import LOOPBACK, HeldPorts, find_free


# Kafka ends in less than a second; a broker that flushes a lot may need longer.
BROKER_STOP_SECONDS = 30.0
# The engine gives running queries ten seconds to end.
CLICKHOUSE_STOP_SECONDS = 20.0


class Service(ABC):
    """A child process with a folder of its own."""

    def __init__(self, log_path: Path, stop_seconds: float, ports: Iterable[int]) -> None:
        self.log_path = log_path
        self._stop_seconds = stop_seconds
        self._ports = tuple(ports)
        self._held: HeldPorts | None = None
        """Once it was started, until nobody knows this object any more."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers; raises a `MachineError` with its remedy."""
        argv = self._prepare()
        self._keep_ports()
        child.rotate(self.log_path)
        self._process = child.spawn(argv, self.log_path)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def _keep_ports(self) -> None:
        if self._held is None:
            self._held = HeldPorts()
            for port in self._ports:
                self._held.hold(port, type(self).__name__, "start again")

    def stop(self) -> None:
        """End the process in order; one that does not run is left alone."""
        if self._process is not None:
            child.stop(self._process, self._stop_seconds)
            self._process = None

    def kill(self) -> None:
        """End the process like a lost machine: SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start again on the same folder and port, after stopping what still runs."""
        self.stop()
        self.start()

    def wait(self, seconds: float) -> int:
        """Wait for the process to end by itself; `subprocess.TimeoutExpired` if it does not."""
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is not running")
        return self._process.wait(seconds)

    @abstractmethod
    def _prepare(self) -> list[str]: ...

    @abstractmethod
    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None: ...


class Broker(Service):
    """A running Kafka broker."""

    def __init__(self, configuration: BrokerConfiguration, runtime: KafkaRuntime) -> None:
        super().__init__(configuration.folder / "kafka.log", BROKER_STOP_SECONDS,
                         (configuration.port, configuration.controller_port))
        self.configuration = configuration
        self._runtime = runtime

    @property
    def address(self) -> str:
        """The bootstrap server, host:port."""
        return self.configuration.address

    def _prepare(self) -> list[str]:
        kafka.prepare_folder(self.configuration, self._runtime)
        return kafka.broker_argv(self.configuration, self._runtime)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        kafka.wait_until_ready(process, self.configuration, self.log_path)


class ClickHouse(Service):
    """A running ClickHouse process."""

    host = LOOPBACK

    def __init__(self, configuration: ClickHouseConfiguration) -> None:
        super().__init__(configuration.folder / "clickhouse.log", CLICKHOUSE_STOP_SECONDS,
                         (configuration.port,))
        self.configuration = configuration

    @property
    def url(self) -> str:
        """Where clients find it, with user and password."""
        return self.configuration.url

    @property
    def port(self) -> int:
        return self.configuration.port

    def _prepare(self) -> list[str]:
        clickhouse.prepare_folder(self.configuration)
        return clickhouse.clickhouse_argv(self.configuration)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        clickhouse.wait_until_ready(process, self.configuration, self.log_path)


def start_broker(folder: Path, cache_folder: Path, *, port: int | None = None) -> Broker:
    """Start a Kafka broker that keeps its data in `folder`; a free port unless one is given."""
    runtime = kafka_runtime.prepare(cache_folder)
    free_port, controller_port = find_free(2)
    configuration = BrokerConfiguration(folder.resolve(), port or free_port, controller_port)
    broker = Broker(configuration, runtime)
    broker.start()
    return broker


def start_clickhouse(folder: Path, *, port: int | None = None) -> ClickHouse:
    """Start ClickHouse on its data in `folder`; a free port unless one is given."""
    configuration = ClickHouseConfiguration(folder.resolve(), port or find_free(1)[0])
    service = ClickHouse(configuration)
    service.start()
    return service
