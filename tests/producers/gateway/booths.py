"""Real gateways on a real broker, what can be voted on there, and voters who ask."""

import asyncio
import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from processors.workers.provisioning import provision
from producers.gateway import receipts
from schemas import codec, partners
from schemas.genesis import Genesis
from schemas.topics import Topics
from tests.harness import (
    WAIT_SECONDS,
    Stack,
    Worker,
    connected_producer,
    read_to_end,
    write,
)


LONG_AGO = 1_600_000_000_000
FAR_AHEAD = 4_000_000_000_000
PROPOSALS = ("p1", "p2", "p3")
SITES = ("https://la-voix.example", "https://www.la-voix.example:8443")
"""Of partner 1; partner 2 has none, but a key."""
PARTNER_KEY = f"scrutin-{'0123456789abcdef' * 4}"
BALLOTS_PER_MINUTE = 7_000
BETWEEN_SEQUENCES = {"DoorCounted"}
"""Lies among the sequences too: written when a minute has ended, whenever that is in a test."""
ANSWER_SECONDS = 20.0
"""So long an answer may take: longer than any acknowledgement is waited for."""


def described(event: str, consultation: str = "town", **fields: Any) -> bytes:
    return codec.encode(event, **{
        "event_id": bytes(16), "consultation": consultation, "origin": "operator",
        "occurred_at": LONG_AGO, **fields})


def consultation(
    name: str, *, opens_at: int = LONG_AGO, closes_at: int | None = None,
    shares_embargoed: bool = False,
) -> bytes:
    return described(
        "ConsultationDescribed", name, question={"fr": "Que faire ?"}, opens_at=opens_at,
        closes_at=closes_at, time_zone="Europe/Paris", languages=["fr"], votes_target=None,
        hashtag=None, contact=None, stages=[], organisers=[], facts=[],
        shares_embargoed=shares_embargoed)


def proposal(name: str, of: str = "town", author: str | None = None) -> bytes:
    return described(
        "ProposalAccepted", of, proposal=name, text={"fr": f"Il faut {name}"},
        author=author and {"name": author, "kind": "citizen", "age_band": None})


def partner(number: int, *sites: str, of: str = "town", key: str = "") -> bytes:
    return described(
        partners.DESCRIBED, of, partner=number, name="La Voix", sites=list(sites),
        key_digest=hashlib.sha256(key.encode()).digest() if key else b"",
        ballots_per_minute=BALLOTS_PER_MINUTE if key else 0)


def rules(version: int = 2) -> bytes:
    """Announce rules: every partition has adopted them, so they say."""
    return codec.encode("RulesAnnounced", event_id=bytes(16), ledger_version=version,
                        salt=bytes(16), origin="operator", occurred_at=LONG_AGO)


CATALOGUE = [
    consultation("town"), *(proposal(name) for name in PROPOSALS),
    consultation("later", opens_at=FAR_AHEAD), proposal("p1", "later"),
    consultation("over", closes_at=LONG_AGO + 1), proposal("p1", "over"),
    consultation("hidden", shares_embargoed=True), proposal("p1", "hidden"),
    consultation("shut"), proposal("p1", "shut"), consultation("sealed"), proposal("p1", "sealed"),
    described("ConsultationClosed", "shut", closes_at=LONG_AGO, salt=bytes(16)),
    partner(1, *SITES), partner(2, key=PARTNER_KEY),
]


def offset_of(value: bytes) -> int:
    """Return where a record of CATALOGUE lies: behind the announcement that a log begins with."""
    return 1 + CATALOGUE.index(value)


async def opened(
    stack: Stack, *, catalogue: list[bytes] = CATALOGUE, genesis: Genesis | None = None
) -> None:
    """Make the topics of a stack and describe what can be voted on."""
    await provision(stack.kafka, stack.topics, replication=1, genesis=genesis)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, catalogue)


async def said(stack: Stack, *values: bytes) -> None:
    """Let the catalogue say more."""
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, values)


@dataclass
class RunningGateway:
    """A process `scrutin gateway`."""

    worker: Worker
    url: str
    topics: Topics
    kafka: str

    async def ready(self) -> None:
        """Wait until votes can be taken."""
        async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient() as client:
            while True:
                assert self.worker.running(), self.worker.log()
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def events(self, topic: str) -> list[tuple[Any, str, dict[str, Any]]]:
        """Read every record of a topic: as it lies there, its event and its fields."""
        spread = (self.topics.votes, self.topics.decisions)
        count = self.topics.partitions if topic in spread else 1
        return [(record, *codec.decode(record.value))
                for record in await read_to_end(self.kafka, topic, count)]

    async def drawn(self) -> list[tuple[Any, str, dict[str, Any]]]:
        """Read the sequences that are on record, and nothing that may lie between them."""
        return [each for each in await self.events(self.topics.sequences)
                if each[1] not in BETWEEN_SEQUENCES]

    async def value_at(self, partition: int, offset: int) -> bytes:
        """Read the vote that lies at an offset."""
        records = await read_to_end(self.kafka, self.topics.votes, self.topics.partitions)
        found: bytes = next(record.value for record in records
                            if (record.partition, record.offset) == (partition, offset))
        return found


def started(stack: Stack, instance: str = "1", **settings: str) -> RunningGateway:
    """Start a gateway; `ready` waits for it."""
    port = stack.ports.find()
    worker = stack.started("gateway", instance, SCRUTIN_GATEWAY_PORT=str(port), **settings)
    return RunningGateway(worker, f"http://127.0.0.1:{port}", stack.topics, stack.kafka)


@dataclass
class Browser:
    """A voter: a cookie jar, and headers as a browser sends them."""

    url: str
    transport: httpx2.AsyncBaseTransport | None = None
    """Of a gateway in this process; None: over the network."""
    client: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.AsyncClient(
            base_url=self.url, timeout=ANSWER_SECONDS, transport=self.transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def vote(
        self, name: str = "p1", choice: str = "agree", *, of: str = "town",
        key: str | None = None, headers: dict[str, str] | None = None, **fields: Any,
    ) -> httpx2.Response:
        return await self.post(
            f"{of}/votes", {"proposal": name, "choice": choice, **fields}, key=key,
            headers=headers)

    async def post(
        self, path: str, body: Any, *, key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        return await self.client.post(
            f"/v1/consultations/{path}", json=body, headers=_headers(key, headers))

    async def delete(self, path: str, *, key: str | None = None, **query: str) -> httpx2.Response:
        return await self.client.delete(
            f"/v1/consultations/{path}", params=query, headers=_headers(key, None))


async def others_describe(url: str, number: int, of: str = "town") -> list[dict[str, Any]]:
    """Let so many voters vote, and describe themselves; return their receipts."""
    receipts = []
    for _ in range(number):
        async with Browser(url) as browser:
            receipts.append((await browser.vote(of=of)).json())
            answer = await browser.post(f"{of}/participants", {
                "gender": "man", "region": "FR-PAC", "receipt": receipts[-1]})
            assert answer.status_code == 202, answer.text
    return receipts


def _headers(key: str | None, more: dict[str, str] | None) -> dict[str, str]:
    return {**({"idempotency-key": key} if key is not None else {}), **(more or {})}


def event_of(receipt: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Decode the event a receipt carries."""
    return codec.decode(base64.b64decode(receipt["event"]))


def holds(receipt: dict[str, Any], public: bytes, topic: str, **other: Any) -> bool:
    """Check a receipt as its holder would."""
    return receipts.is_signed(public, **{
        "topic": topic, "partition": receipt["partition"], "offset": receipt["offset"],
        "event": base64.b64decode(receipt["event"]),
        "first_offset": receipt["batch"]["first_offset"], "size": receipt["batch"]["size"],
        "path": [base64.b64decode(each) for each in receipt["batch"]["path"]],
        "inclusion_seconds": receipt["inclusion_seconds"],
        "signature": base64.b64decode(receipt["signature"]), **other})


def now_seconds() -> int:
    return int(time.time())
