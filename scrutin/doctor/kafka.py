"""How Kafka stands, as far as the account that asks may see it."""

import asyncio
import contextlib
import datetime as dt
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts
from aiokafka.errors import KafkaError

from processors.workers.kafka_checks import described_settings
from producers.gateway.broker_time import BrokerTime
from producers.gateway.clock_watch import measures, steady
from schemas import kafka_clients
from schemas.kafka_access import Access
from schemas.topics import Topics
from scrutin.doctor import cluster, endorsing, granted, topic_rules
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.cluster import Cluster
from scrutin.doctor.here import lasting
from scrutin.settings import Settings
from views.hosts import is_loopback
from views.operations.alarms import CLOCK_APART_SECONDS


CONNECT_SECONDS = 5.0
"""Longest wait for a connection, and for one answer."""
LOOK_SECONDS = 20.0
"""Longest wait for all that one connection is asked."""
FAULTS = (KafkaError, OSError, TimeoutError, AttributeError, StopIteration)
"""What a client raises whose broker does not answer, or goes away meanwhile."""
UNANSWERED = "kafka.account"
"""What is bad where brokers take connections, and do not answer."""
CLOCKS = "clocks.kafka"
START = "Start it, or set SCRUTIN_KAFKA to where it listens; look at the network between."
SPOKEN = ("Compare SCRUTIN_KAFKA_PROTOCOL and the port with the listeners of brokers: each speaks "
          "TLS or in clear, with names or without.")
ACCOUNT = ("Compare protocol, name, password and mechanism with the broker's listener; its log "
           "says why it refused.")


async def examined(
    settings: Settings, address: str, topics: Topics, process: str | None
) -> AsyncIterator[Answer]:
    """Ask the brokers at an address; every wait is bounded, whoever is away."""
    access = settings.kafka_access
    places = collect_hosts(address, randomize=False)
    yield _way(access, [host for host, _, _ in places])
    reached = [await _reached(host, port, access) for host, port, _ in places]
    for answers in reached:
        for answer in answers:
            yield answer
    if all(answer.state != "good" for answers in reached for answer in answers[:1]):
        yield unknown("kafka.topics", "no broker was reached", START)
        return
    asked = [answer async for answer in _asked(settings, address, topics, process)]
    for answer in asked:
        yield answer
    states = {answer.about: answer.said for answer in asked}
    if UNANSWERED not in states and states.get(
            f"topics.{topics.catalogue}") != topic_rules.ABSENT:
        for answer in await endorsing.examined(settings, address, topics, process):
            yield answer
    if states.get(f"topics.{topics.clocks}") == topic_rules.ABSENT:
        yield unknown(CLOCKS, f"{topics.clocks} does not exist", topic_rules.MAKE)
    elif UNANSWERED not in states:
        yield await _clock(address, topics)


def _way(access: Access, hosts: list[str]) -> Answer:
    about = "kafka.way"
    if access.encrypts:
        return good(about, f"it is spoken to by TLS ({access.protocol})")
    if all(is_loopback(host) for host in hosts):
        return good(about, "it is spoken to in clear, on this machine alone")
    return bad(about, "it is spoken to in clear: who listens on the way can read and write votes",
               "Set SCRUTIN_KAFKA_PROTOCOL=SASL_SSL; docs/operate.md, A locked pipe.")


async def _reached(host: str, port: int, access: Access) -> list[Answer]:
    """Connect to one address; by TLS look at the certificate too."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    about = f"kafka.address.{where}"
    context = kafka_clients.security().context
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=host if context else None)
    except ssl.SSLCertVerificationError as error:
        return [bad(about, f"{where} is not believed: {error.verify_message}",
                    "Set SCRUTIN_KAFKA_CA to who signed its certificate; the name in it must be "
                    "the one that is connected to.")]
    except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError) as error:
        return [bad(about, f"{where} takes connections, and ends them where TLS begins: "
                    f"{_why(error)}", SPOKEN)]
    except TimeoutError:
        return [bad(about, f"{where} says nothing within {CONNECT_SECONDS:.0f} s", START)]
    except OSError as error:
        return [bad(about, f"{where} takes no connection: {_why(error)}", START)]
    found: Any = writer.get_extra_info("ssl_object")
    ends = found.getpeercert()["notAfter"] if found else None
    writer.transport.abort()
    answers = [good(about, f"{where} takes connections" + (" by TLS" if access.encrypts else ""))]
    if ends:
        answers.append(lasting(
            f"certificates.{where}", f"the certificate of {where}",
            dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), dt.UTC)))
    return answers


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


class _Heard(logging.Handler):
    """Keeps the last word of the client: its errors do not say why they came."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


@contextlib.contextmanager
def _hearing() -> Iterator[_Heard]:
    """Hear what the client says to its log."""
    heard, logger = _Heard(), logging.getLogger("aiokafka")
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)


async def _asked(
    settings: Settings, address: str, topics: Topics, process: str | None
) -> AsyncIterator[Answer]:
    answers: list[Answer] = []
    with _hearing() as heard:
        admin = kafka_clients.new_admin(
            address, request_timeout_ms=int(CONNECT_SECONDS * 1_000))
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await admin.start()
                async for answer in _seen(admin, settings, topics, process):
                    answers.append(answer)  # noqa: PERF401 -- what came before an error stays
        except FAULTS as error:
            answers.append(bad(
                UNANSWERED, f"Kafka does not answer us: {heard.last or _why(error)}",
                ACCOUNT if settings.kafka_access.names else f"{START} {SPOKEN}"))
        finally:
            with contextlib.suppress(*FAULTS):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await admin.close()
    for answer in answers:
        yield answer


async def _seen(
    admin: AIOKafkaAdminClient, settings: Settings, topics: Topics, process: str | None
) -> AsyncIterator[Answer]:
    specifications = topics.specifications()
    found = await cluster.look(admin, [each.name for each in specifications])
    yield _brokers(found, settings)
    yield good("versions.kafka", "Kafka 4.0 or later") if found.since_4 else unknown(
        "versions.kafka", "Kafka before 4.0: scrutin is tested on 4.3",
        "Upgrade the brokers, or try all of scrutin on them first.")
    for each in specifications:
        seen = found.topics[each.name]
        known = {} if seen.error else await described_settings(admin, each.name)
        yield topic_rules.judged(each, seen, known, settings.replication)
    async for answer in granted.judged(admin, found, topics, settings, process):
        yield answer


def _brokers(found: Cluster, settings: Settings) -> Answer:
    about, said = "kafka.brokers", f"brokers that answer: {found.brokers}"
    if found.brokers < settings.replication:
        return bad(about, f"{said}, fewer than SCRUTIN_REPLICATION={settings.replication}",
                   "Start the others: until then the loss of one more may stop writing. Where "
                   "there are no others, SCRUTIN_REPLICATION asks for more than you have.")
    return good(about, said)


async def _clock(address: str, topics: Topics) -> Answer:
    """Measure how far our clock is from the broker's."""
    brokers = BrokerTime(time.time, steady)
    with _hearing() as heard:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                async for measure in measures(address, topics.clocks):
                    brokers.learn(measure)
        except FAULTS as error:
            return unknown(
                CLOCKS, f"the broker's clock cannot be measured: {_why(error) or heard.last}",
                f"Run this with an account that may write to {topics.clocks}, a gateway's.")
    apart = brokers.ahead_seconds
    said = f"our clock is {abs(apart):.3f} s {'ahead of' if apart >= 0 else 'behind'} the broker's"
    if abs(apart) > CLOCK_APART_SECONDS:
        return bad(CLOCKS, said, "Set both machines' clocks by a time server, never by a jump.")
    return good(CLOCKS, said)

