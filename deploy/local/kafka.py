"""A real Apache Kafka broker in KRaft mode: its configuration, storage, command line, readiness.

Theory of operation: one Java process is broker and controller at once. Its folder holds
`server.properties` (rewritten at every start, so the ports may change between runs: the quorum's
state names the voter by id only, and the broker registers its new address when it starts) and
`data/` (formatted once). Which Java and which jars: `kafka_runtime`.
"""

import base64
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import child
from deploy.local.errors import (
    DiskFullError,
    LogFolderFailedError,
    PortTakenError,
    ProcessFailedError,
)
from deploy.local.kafka_probe import describe_brokers
from deploy.local.ports import LOOPBACK, require_free
from deploy.local.waiting import until_ready
from deploy.machine.errors import MachineError
from deploy.machine.files import FOLDER_MODE


NODE_ID = 1
# Largest record batch: the decision on a suspended voter lists every vote set aside (up to 5,000).
MESSAGE_BYTES_MAX = 2 * 1024 * 1024
# Enough for a campaign of a million votes with the page cache doing the real work.
HEAP_MIBIBYTES = 512
# Below this Kafka would start and fail soon after: a segment, an index and the logs need room.
FREE_BYTES_MIN = 512 * 1024 * 1024
# The cleaner's offset map; its default of 128 MiB would be a quarter of our heap.
CLEANER_BUFFER_BYTES = 16 * 1024 * 1024
# What Java does by itself in a broker that is hardly asked. Its second compiler, and what it makes
# the first one count for it, would cost more than they save: also under load, where the broker does
# little more than copy (measured). One thread collects garbage, and none looks after counters that
# nobody reads.
_QUIET_JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
PORT_REMEDY = "choose another one (without a choice a free one is found)"

_SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": str(NODE_ID),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # Partition counts are part of our contract: a topic is never created by accident.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A lone consumer need not wait for others; a killed worker's session must be able to end fast.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A killed broker may register again only when its last session has ended (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "1000",
    # A quorum of one need not tell itself twice a second that nothing happened.
    "metadata.max.idle.interval.ms": "60000",
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "message.max.bytes": str(MESSAGE_BYTES_MAX),
    "replica.fetch.max.bytes": str(MESSAGE_BYTES_MAX),
    "log.cleaner.dedupe.buffer.size": str(CLEANER_BUFFER_BYTES),
    # A deleted topic's files go within a second, not a minute: tests create many.
    "log.segment.delete.delay.ms": "1000",
    # A thread that finds nothing to do costs as much as a small request, and all look at once.
    "num.network.threads": "1",
    "num.io.threads": "2",
    "group.coordinator.threads": "1",
    "share.coordinator.threads": "1",
}


@dataclass(frozen=True)
class KafkaRuntime:
    """What it takes to run Kafka here; made by `kafka_runtime.prepare`."""

    java: Path
    classpath: str
    bootstrap_checkpoint: Path
    aot_cache: Path | None


@dataclass(frozen=True)
class BrokerConfiguration:
    """Where one broker keeps its data and listens."""

    folder: Path
    port: int
    controller_port: int
    free_bytes_min: int = FREE_BYTES_MIN

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def data_folder(self) -> Path:
        return self.folder / "data"

    @property
    def properties_path(self) -> Path:
        return self.folder / "server.properties"


def server_properties(configuration: BrokerConfiguration) -> str:
    """Write the broker's configuration as a Java properties text."""
    host, port, controller = LOOPBACK, configuration.port, configuration.controller_port
    settings = {
        **_SETTINGS,
        "controller.quorum.voters": f"{NODE_ID}@{host}:{controller}",
        "listeners": f"PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
        "log.dirs": _escape(str(configuration.data_folder)),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _escape(path: str) -> str:
    if "," in path:
        raise MachineError(
            f"Kafka cannot keep its data in {path}: the comma separates folders in its "
            "configuration. Set SCRUTIN_DATA_DIR to a folder without a comma in its path."
        )
    escaped = path.replace("\\", "\\\\")
    # Java reads properties as Latin-1: everything else is written as UTF-16 escapes.
    return re.sub(r"[^\x20-\x7e]", lambda found: _utf16_escapes(found[0]), escaped)


def _utf16_escapes(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def prepare_folder(configuration: BrokerConfiguration, runtime: KafkaRuntime) -> None:
    """Check ports and disk, write the configuration and format the storage if it is new.

    Raises `PortTakenError` or `DiskFullError` before anything is started.
    """
    require_free(configuration.port, "Kafka", PORT_REMEDY)
    require_free(configuration.controller_port, "Kafka's controller", "start again")
    configuration.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(configuration.folder).free
    if free_bytes < configuration.free_bytes_min:
        raise DiskFullError(configuration.folder, f"{free_bytes / 2**20:.0f} MiB free")
    configuration.properties_path.write_text(server_properties(configuration))
    format_storage(configuration.data_folder, runtime.bootstrap_checkpoint)


def format_storage(data_folder: Path, bootstrap_checkpoint: Path) -> None:
    """Format a new storage folder; one that was formatted before is left as it is.

    The same two files as `kafka-storage format` writes, without a second Java start (1.3 s): the
    checkpoint of the features comes from one real run of that tool, the identities are our own.
    """
    meta = data_folder / "meta.properties"
    if meta.exists():
        return
    data_folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bootstrap_checkpoint, data_folder / "bootstrap.checkpoint")
    unfinished = data_folder / "meta.properties.new"
    unfinished.write_text(
        f"version=1\ncluster.id={new_identity()}\nnode.id={NODE_ID}\n"
        f"directory.id={new_identity()}\n"
    )
    # Last and atomic: a folder with meta.properties is a formatted one.
    unfinished.replace(meta)


def new_identity() -> str:
    """Make a random Kafka id; one that begins with '-' reads as an option to Kafka's tools."""
    while True:
        identity = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not identity.startswith("-"):
            return identity


def broker_argv(
    configuration: BrokerConfiguration, runtime: KafkaRuntime, *flags: str
) -> list[str]:
    """Build the command line that runs the broker in the foreground."""
    if runtime.aot_cache is not None:
        flags = (f"-XX:AOTCache={runtime.aot_cache}", *flags)
    return [
        str(runtime.java),
        f"-Xmx{HEAP_MIBIBYTES}m",
        "-XX:+ExitOnOutOfMemoryError",
        *_QUIET_JAVA,
        # Of the cache of classes we want the classes only: its adapters fail Java 25's own check,
        # its profile of an idle broker makes the first gigabyte cost a quarter more (measured).
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-AOTReplayTraining",
        "-XX:-AOTAdapterCaching",
        # Kafka 4.3 unmaps files through Unsafe; the warning would open every log.
        "--sun-misc-unsafe-memory-access=allow",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        *flags,
        "-cp",
        runtime.classpath,
        "kafka.Kafka",
        str(configuration.properties_path),
    ]


def is_ready(configuration: BrokerConfiguration) -> bool:
    """Tell whether this very broker is unfenced and answers under its present address."""
    brokers = describe_brokers(LOOPBACK, configuration.port)
    return any(broker.node == NODE_ID and broker.port == configuration.port for broker in brokers)


def explain_failure(
    configuration: BrokerConfiguration, log_path: Path, what: str
) -> MachineError:
    """Turn a dead broker's log into the error that names the cause and the remedy."""
    log_tail = child.tail(log_path)
    whole = child.tail(log_path, lines=10_000)
    if "No space left on device" in whole:
        return DiskFullError(configuration.folder, "Kafka reported: No space left on device")
    if "Address already in use" in whole:
        return PortTakenError(configuration.port, "Kafka", PORT_REMEDY)
    if re.search(r"log dirs.*(failed|offline)|Error while (writing|reading).*dir", whole):
        return LogFolderFailedError(configuration.data_folder, log_tail)
    return ProcessFailedError("Kafka", what, log_path, log_tail)


def wait_until_ready(
    process: subprocess.Popen[bytes], configuration: BrokerConfiguration, log_path: Path
) -> None:
    """Wait for the first answer; raise what the log explains if the process dies or is late."""
    until_ready(
        "Kafka", process, log_path, is_ready=lambda: is_ready(configuration),
        explain=lambda what: explain_failure(configuration, log_path, what))
