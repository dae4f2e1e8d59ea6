"""The whole of scrutin behind a locked door: one account a process, and no more than it needs."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError

from deploy.local.services import ClickHouse
from processors.ledger.decisions import decode
from processors.workers.provisioning import provision
from producers.errors import ProducingError
from producers.writer import BulkWriter
from schemas import codec, kafka_clients
from schemas.accounts import ACCOUNTS, LOGS
from schemas.kafka_access import Access
from schemas.kafka_security import KafkaSecurity
from schemas.registry import current
from schemas.topics import partition_of
from schemas.words import REFUSALS
from scrutin.main import PROCESSES
from tests.e2e.running import scrutin
from tests.harness import WAIT_SECONDS, Stack, read_to_end, stack_on, write
from tests.harness import connected_producer as open_producer
from tests.producers.gateway.booths import CATALOGUE, Browser, RunningGateway, event_of
from tests.secured import SecuredBroker, grant, secured_broker


VOTERS = 12
WORKERS = ("ledger", "ideas", "patrol", "archive", "notary")


@pytest.fixture(scope="module")
def locked(
    tmp_path_factory: pytest.TempPathFactory, cache_folder: Path
) -> Iterator[SecuredBroker]:
    """Run a broker that knows an account for each process, and grants nothing yet."""
    with secured_broker(tmp_path_factory.mktemp("locked"), cache_folder, ACCOUNTS) as broker:
        yield broker


@pytest.fixture
def stack(locked: SecuredBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of a test's own; the test looks at them by the open door."""
    with stack_on(locked, topic_prefix, 2, tmp_path) as found:
        yield found


def told(stack: Stack, locked: SecuredBroker, process: str) -> dict[str, str]:
    """Return what a process is told: the locked door, its own account, and to speak JSON."""
    return {**stack.settings(), **locked.settings(process), "SCRUTIN_LOG_FORMAT": "json"}


def not_json(said: str) -> list[str]:
    """Return the lines that are no objects."""
    return [line for line in said.splitlines() if not isinstance(json.loads(line), dict)]


async def granted(stack: Stack, locked: SecuredBroker) -> None:
    """Grant what `scrutin acls` prints, and nothing else."""
    printed = scrutin(stack.settings(), "acls", "--principal", "User:{process}").stdout
    assert await grant(locked.address, printed.splitlines())


async def test_the_whole_of_scrutin_runs_with_what_acls_prints_and_no_more(
    stack: Stack, locked: SecuredBroker, clickhouse: ClickHouse
) -> None:
    """Votes come in, are counted, published, archived and recounted; no door is the open one.

    Whatever a process says meanwhile, in order and at its end, is JSON.
    """
    await granted(stack, locked)
    house = {"SCRUTIN_CLICKHOUSE_URL": clickhouse.url,
             "SCRUTIN_CLICKHOUSE_DATABASE": stack.topics.prefix}
    made = scrutin({**told(stack, locked, "provision"), **house}, "provision", "--make-keys")
    async with open_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, CATALOGUE)
    workers = {name: stack.started(name, **{**house, **told(stack, locked, name)})
               for name in WORKERS}
    gateway = serving(stack, locked, "gateway", house)
    views = serving(stack, locked, "views", house)
    await gateway.ready()
    await views.ready()
    receipts = await voted(gateway.url)
    await counted(views.url, VOTERS)
    await workers["notary"].says("keys of logs named in the catalogue")
    assert await lied(stack, locked, event_of(receipts[0])[1]["voter"]) == "unsigned"
    operator = {**told(stack, locked, "operator"), **house}
    scrutin(operator, "keys", "endorse")
    forged = [await written_as(locked, "gateway", stack.topics.catalogue, 0, each) for each in (
        codec.encode(
            "ConsultationClosed", event_id=bytes(16), consultation="town", closes_at=1,
            salt=bytes(16), origin="operator", occurred_at=1),
        codec.encode(
            "ProposalAccepted", event_id=b"forged" + bytes(10), consultation="town", proposal="lie",
            text={"en": "A lie"}, author=None, origin="operator", occurred_at=1))]
    closings = [json.loads(scrutin(operator, "close", "shut").stdout) for _ in range(2)]
    assert [each["written"] for each in closings] == [True, False], "its completion is endorsed"
    await read(views.url, forged[-1] + 2)
    assert "lie" not in await proposals(views.url)
    await voted(gateway.url, 1)
    await counted(views.url, VOTERS + 1)
    # Where the archive runs, as the operators' page says for Compose and Kubernetes.
    report = scrutin({**told(stack, locked, "archive"), **house},
                     "audit", "recount", "town", "--json")
    assert json.loads(report.stdout)["verdict"] == "equal"
    await counted(views.url, VOTERS + 1)
    for worker in stack.workers:
        worker.send(signal.SIGTERM)
    ends = [worker.wait() for worker in stack.workers]
    said = [made.stdout + made.stderr, *(worker.log() for worker in stack.workers)]
    assert (ends, len(said)) == ([0] * 7, len(PROCESSES))
    assert [not_json(each) for each in said] == [[]] * len(PROCESSES)


async def test_what_a_process_does_not_write_it_cannot_write(
    stack: Stack, locked: SecuredBroker
) -> None:
    """Whoever takes a process over can write what that process writes, and nothing else."""
    await granted(stack, locked)
    await provision(stack.kafka, stack.topics, replication=1)
    taken = {process: await taken_by(stack, locked, process) for process in ACCOUNTS}
    assert taken == {process: set(account.writes) for process, account in ACCOUNTS.items()}


@pytest.mark.parametrize("process", ["views", "gateway"])
async def test_a_command_whose_account_may_not_write_says_so(
    stack: Stack, locked: SecuredBroker, process: str
) -> None:
    """Of one that may write to no topic at all Kafka refuses the producer, not the record."""
    await granted(stack, locked)
    await provision(stack.kafka, stack.topics, replication=1)
    kafka_clients.secure(access(locked, process))
    try:
        with pytest.raises(ProducingError, match="this account may not write there"):
            async with BulkWriter(locked.sasl) as writer:
                await writer.write(stack.topics.decisions, 0, 1_700_000_000_000, b"lie")
    finally:
        kafka_clients.secure(Access())


async def test_the_doctor_tells_what_an_account_may_do_and_hides_its_password(
    stack: Stack, locked: SecuredBroker
) -> None:
    """As granted it is good; one right too many, an end near, a wrong word are bad."""
    await granted(stack, locked)
    await provision(stack.kafka, stack.topics, replication=1)
    votes = stack.topics.votes
    as_granted = diagnosed(told(stack, locked, "ledger"))
    expected = {
        "kafka.way": "good", "grants.ledger": "good", f"topics.{votes}": "good",
        f"grants.{stack.topics.prefix}-ledger": "good", f"certificates.{locked.sasl}": "bad"}
    assert {**expected, **{name: each["state"] for name, each in as_granted.items()
                           if name in expected}} == expected, "the certificate is of a day"
    assert as_granted.keys() >= expected.keys(), as_granted
    await grant(locked.address, [
        f"--allow-principal User:ledger --operation Write --topic {votes}"])
    greedy = diagnosed(told(stack, locked, "ledger"))["grants.ledger"]
    assert f"it need not Write {votes}" in greedy["said"]
    (stack.folder / "wrong").write_text("not-the-word\n")
    refused = diagnosed({**told(stack, locked, "ideas"),
                         "SCRUTIN_KAFKA_PASSWORD_FILE": str(stack.folder / "wrong")})
    assert refused["kafka.account"]["state"] == "bad"
    assert "uthentication" in refused["kafka.account"]["said"]
    assert "not-the-word" not in json.dumps(refused)


def diagnosed(environment: dict[str, str]) -> dict[str, Any]:
    """Run the doctor, whom something is bad; return its answers by what they are about."""
    done = scrutin(environment, "doctor", "--json", expected=1)
    return {each["about"]: each for each in json.loads(done.stdout)["answers"]}


async def taken_by(stack: Stack, locked: SecuredBroker, process: str) -> set[str]:
    """Return the logs that take a record from an account, by a client that asks for nothing."""
    producer = AIOKafkaProducer(
        bootstrap_servers=locked.sasl, request_timeout_ms=10_000,
        **KafkaSecurity(access(locked, process)).options())
    taken = set()
    await producer.start()
    try:
        for log in LOGS:
            try:
                await producer.send_and_wait(
                    getattr(stack.topics, log), b"lie", key=b"k", partition=0)
            except TopicAuthorizationFailedError:
                continue
            taken.add(log)
    finally:
        await producer.stop()
    return taken


def access(locked: SecuredBroker, process: str) -> Access:
    return Access("SASL_SSL", locked.authorities, username=process,
                  password=locked.passwords[process])


def serving(
    stack: Stack, locked: SecuredBroker, process: str, house: dict[str, str]
) -> RunningGateway:
    """Start a process that people ask, under its own account."""
    port = stack.ports.find()
    worker = stack.started(process, **{
        **house, **told(stack, locked, process),
        f"SCRUTIN_{process.upper()}_PORT": str(port)})
    return RunningGateway(worker, f"http://127.0.0.1:{port}", stack.topics, stack.kafka)


async def voted(url: str, voters: int = VOTERS) -> list[dict[str, Any]]:
    """Let voters come, look and vote."""
    receipts = []
    for _ in range(voters):
        async with Browser(url) as browser:
            shown = (await browser.client.get("/v1/consultations/town/sequence")).json()
            proof = next(each["proof"] for each in shown["proposals"] if each["id"] == "p1")
            answer = await browser.vote("p1", proof=proof)
            assert answer.status_code == 202, answer.text
            receipts.append(answer.json())
    return receipts


async def lied(stack: Stack, locked: SecuredBroker, voter: bytes) -> str:
    """Suspend a voter by the gateway's account; return why the ledger refuses it."""
    topics, partition = stack.topics, partition_of(voter, stack.topics.partitions)
    forged = codec.encode_as(
        current("VoterSuspended", 2), event_id=b"forged" + bytes(10), voter=voter,
        consultation="town", reason="a lie", salt=bytes(16), origin="operator", occurred_at=0,
        cause=1, finding=bytes(16), by=bytes(8), signature=bytes(64))
    offset = await written_as(locked, "gateway", topics.votes, partition, forged)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            for record in await read_to_end(stack.kafka, topics.decisions, topics.partitions):
                decision = decode(record.value)
                if (record.partition, decision.source_offset) == (partition, offset):
                    return REFUSALS[decision.refusal]
            await asyncio.sleep(0.1)


async def written_as(
    locked: SecuredBroker, process: str, topic: str, partition: int, value: bytes
) -> int:
    """Write a record by the account of a process; return its offset."""
    kafka_clients.secure(access(locked, process))
    producer = kafka_clients.new_producer(locked.sasl)
    try:
        await producer.start()
        return int((await producer.send_and_wait(topic, value, partition=partition)).offset)
    finally:
        await producer.stop()
        kafka_clients.secure(Access())


async def proposals(url: str) -> set[str]:
    """Return the proposals that pages show."""
    async with httpx2.AsyncClient(base_url=url) as client:
        answer = await client.get("/v1/consultations/town/results")
        return {each["id"] for each in answer.json()["proposals"]}


async def read(url: str, catalogue: int) -> None:
    """Wait until results are published that have read the catalogue so far."""
    async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient(base_url=url) as client:
        while True:
            answer = await client.get("/v1/consultations/town/results")
            if answer.status_code == 200 and answer.json()["as_of"]["catalogue"] >= catalogue:
                return
            await asyncio.sleep(0.1)


async def counted(url: str, votes: int) -> None:
    """Wait until the results page's own figures are so many votes."""
    async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient(base_url=url) as client:
        while True:
            answer = await client.get("/v1/consultations/town/results")
            if (answer.status_code == 200
                    and answer.json()["totals"]["counted"]["votes"] == votes):
                return
            await asyncio.sleep(0.1)
