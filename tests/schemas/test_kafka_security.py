"""Clients of Kafka prove who they are, keep up with their secrets, and are made in one place."""

import ast
import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from schemas import kafka_clients, kafka_security
from schemas.certificates import CertificateUnreadable
from schemas.kafka_access import (
    MECHANISMS,
    SECRET_BYTES_MOST,
    Access,
    SecretUnreadable,
    read_secret,
)
from schemas.kafka_security import KafkaSecurity
from tests.secured import SecuredBroker, grant, secured_broker, unsecured_token


ROOT = Path(__file__).parents[2]
PACKAGES = ("deploy", "processors", "producers", "schemas", "scrutin", "sinks", "views")
WRITER = "writer"


@pytest.fixture(scope="module")
def locked(
    tmp_path_factory: pytest.TempPathFactory, cache_folder: Path
) -> Iterator[SecuredBroker]:
    """Run a broker that knows one account."""
    with secured_broker(tmp_path_factory.mktemp("locked"), cache_folder, (WRITER,)) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _open_again() -> Iterator[None]:
    """Other tests of this process speak to brokers that ask for nothing."""
    yield
    kafka_clients.secure(Access())


@pytest.fixture
async def topic(locked: SecuredBroker) -> str:
    """Make a topic that only the writer may write and read."""
    name = f"t-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=locked.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()
    await grant(locked.address, (
        f"kafka-acls.sh --add --allow-principal User:{WRITER} --operation {each} --topic {name}"
        for each in ("Read", "Write")))
    return name


def access_by(mechanism: str, locked: SecuredBroker, folder: Path) -> Access:
    """Return how the writer proves who it is by a mechanism, or by its certificate."""
    token = folder / "token"
    token.write_text(unsecured_token(WRITER) + "\n")
    certificate = folder / "writer.pem"
    certificate.write_bytes(locked.authority.signed(WRITER))
    if mechanism == "certificate":
        return Access("SSL", locked.authorities, certificate)
    return Access(
        "SASL_SSL", locked.authorities, mechanism=mechanism, username=WRITER,
        password=locked.passwords[WRITER],
        token_file=token if mechanism == "OAUTHBEARER" else None)


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "certificate"])
async def test_each_way_to_prove_a_name_writes_and_reads(
    mechanism: str, locked: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """What is granted to the account is done over TLS, by every kind of client."""
    kafka_clients.secure(access_by(mechanism, locked, tmp_path))
    address = locked.tls if mechanism == "certificate" else locked.sasl
    async with producing(address) as producer:
        await producer.send_and_wait(topic, b"said", partition=0)
    consumer = kafka_clients.new_consumer(address)
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek(place, 0)
        assert (await consumer.getone(place)).value == b"said"
    finally:
        await consumer.stop()
    admin = kafka_clients.new_admin(address)
    await admin.start()
    try:
        assert topic in await admin.list_topics()
    finally:
        await admin.close()


async def test_who_has_no_name_is_not_let_in(locked: SecuredBroker, topic: str) -> None:
    """Neither in clear, nor without a certificate, nor with another's password."""
    refused = Access("SASL_SSL", locked.authorities, username=WRITER, password="of-another")
    for access, address in ((Access(), locked.sasl), (refused, locked.sasl),
                            (Access("SSL", locked.authorities), locked.tls)):
        kafka_clients.secure(access)
        with pytest.raises(KafkaError):
            async with producing(address) as producer:
                await producer.send_and_wait(topic, b"lie", partition=0)


async def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(
    locked: SecuredBroker, tmp_path: Path
) -> None:
    """The certificates named are those that count, not those of the system."""
    other = tmp_path / "other.pem"
    other.write_bytes(type(locked.authority).made().pem())
    kafka_clients.secure(Access(
        "SASL_SSL", other, username=WRITER, password=locked.passwords[WRITER]))
    with pytest.raises(KafkaError):
        async with producing(locked.sasl):
            pass


@pytest.mark.parametrize("kind", ["password", "token"])
async def test_a_secret_that_changed_is_used_for_the_next_connection(
    kind: str, locked: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that runs on reads the file again; nobody restarts it, nothing is lost."""
    monkeypatch.setattr(kafka_security, "LOOK_SECONDS", 0.0)
    secret, good = tmp_path / kind, locked.passwords[WRITER]
    if kind == "token":
        good = unsecured_token(WRITER)
    secret.write_text(good)
    access = Access("SASL_SSL", locked.authorities, username=WRITER)
    kafka_clients.secure(
        dataclasses.replace(access, password_file=secret) if kind == "password"
        else dataclasses.replace(access, mechanism="OAUTHBEARER", token_file=secret))
    async with producing(locked.sasl) as producer:
        await producer.send_and_wait(topic, b"before", partition=0)
        secret.write_text("no longer good")
        await hang_up(producer)
        assert not await producer.client.ready(1)
        secret.write_text(good)
        assert await producer.client.ready(1)
        secret.write_text("")
        await hang_up(producer)
        await producer.send_and_wait(topic, b"while the file is empty", partition=0)


async def test_a_certificate_that_changed_is_used_for_the_next_connection(
    locked: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file is left alone until it is whole: what was good stays in use."""
    monkeypatch.setattr(kafka_security, "LOOK_SECONDS", 0.0)
    access = access_by("certificate", locked, tmp_path)
    assert access.certificate
    kafka_clients.secure(access)
    async with producing(locked.tls) as producer:
        await producer.send_and_wait(topic, b"before", partition=0)
        access.certificate.write_bytes(locked.authority.signed("stranger")[:100])
        await hang_up(producer)
        await producer.send_and_wait(topic, b"still", partition=0)
        access.certificate.write_bytes(locked.authority.signed("stranger"))
        await hang_up(producer)
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic, b"lie", partition=0)


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * (SECRET_BYTES_MOST + 1), b"\xff\xfe"])
def test_a_file_that_holds_no_secret_is_named(content: bytes, tmp_path: Path) -> None:
    """The message says which file; it never says what is in it."""
    path = tmp_path / "secret"
    with pytest.raises(SecretUnreadable, match=str(path)):
        read_secret(path)
    path.write_bytes(content)
    with pytest.raises(SecretUnreadable, match=str(path)) as error:
        read_secret(path)
    assert "xxx" not in str(error.value)


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """Missing or no PEM: said at the start, with the file."""
    path = tmp_path / "authorities.pem"
    for content in (None, "no certificate"):
        if content is not None:
            path.write_text(content)
        with pytest.raises(CertificateUnreadable, match=str(path)):
            KafkaSecurity(Access("SSL", path))


def test_nothing_shows_a_password() -> None:
    """Neither the access nor what clients are made with says it when it is printed."""
    access = Access("SASL_SSL", username=WRITER, password="hidden-word")
    assert "hidden-word" not in repr(access)
    assert "hidden-word" not in repr(KafkaSecurity(access))


def test_clients_of_kafka_are_made_in_one_place() -> None:
    """Whoever made one elsewhere would speak in clear, under no name, where others do not."""
    makers = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient"}
    found = {
        str(path.relative_to(ROOT))
        for package in PACKAGES for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) in makers}
    assert found == {"schemas/kafka_clients.py"}


@asynccontextmanager
async def producing(address: str) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer as every process does."""
    producer = kafka_clients.new_producer(address, request_timeout_ms=10_000)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def hang_up(producer: AIOKafkaProducer) -> None:
    """Close every connection, as a broker does that restarts."""
    connections: list[Any] = list(producer.client._conns.values())
    for connection in connections:
        connection.close()
    await asyncio.sleep(0)
