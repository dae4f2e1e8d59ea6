"""A whole site for browsers: gateway with booth and pages, ledger and ideas, on a real broker."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx2

from processors.workers.provisioning import provision
from producers.gateway.keys import KeyFolder
from producers.issuing import made
from schemas.codes import ISSUED
from tests.harness import Stack, connected_producer, write
from tests.producers.gateway import booths
from tests.producers.gateway.booths import RunningGateway, described, partner
from tests.waiting import POLL_SECONDS, WAIT_SECONDS


QUESTION = {"fr": "Comment mieux vivre en ville ?", "en": "How can we live better in town?"}
TEXTS = {
    "p1": {"fr": "Il faut planter des arbres.", "en": "We should plant trees."},
    "p2": {"fr": "Il faut des bus de nuit."},
    "p3": {"fr": "Il faut des bancs partout.", "en": "We should have benches everywhere."},
}


@dataclass
class Site:
    """A running site; each test describes a consultation of its own."""

    stack: Stack
    gateway: RunningGateway
    views_url: str
    written: int = 0
    codes: dict[str, list[str]] = field(default_factory=dict)
    """As they stand on cards, by consultation."""
    _names: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return self.gateway.url

    async def consultation(
        self, *, opens_at: int = booths.LONG_AGO, closes_at: int | None = None,
        embargoed: bool = False, texts: dict[str, dict[str, str]] = TEXTS,
        partners: dict[int, str] | None = None, codes: int = 0,
    ) -> str:
        """Describe a consultation and wait until its pages are there; return its identifier.

        Partners by number, each with its site; with `codes` it asks for one of so many, which
        `codes` of the site has by its name.
        """
        name = f"town-{next(self._names)}"
        values = [described(
            "ConsultationDescribed", name, question=QUESTION, opens_at=opens_at,
            closes_at=closes_at, time_zone="Europe/Paris", languages=["fr", "en"],
            votes_target=100, hashtag=None, contact=None, stages=[], organisers=[], facts=[],
            shares_embargoed=embargoed)]
        values += [described(
            "ProposalAccepted", name, proposal=proposal, text=text,
            author={"name": f"Auteur {proposal}", "kind": "citizen", "age_band": "25-34"})
            for proposal, text in texts.items()]
        values += [partner(number, site, of=name) for number, site in (partners or {}).items()]
        if codes:
            self.codes[name], issue = made(name, codes)
            KeyFolder(self.stack.folder / "data" / "keys").keep_codes(
                name, issue.root, issue.hashes)
            values.append(described(ISSUED, name, codes=issue.size, root=issue.root))
        async with connected_producer(self.stack.kafka) as producer:
            await write(producer, self.stack.topics.catalogue, 0, values,
                        first_offset=self.written)
        self.written += len(values)
        await self._until_shown(name, len(texts))
        return name

    async def _until_shown(self, name: str, proposals: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                found = await self.document(name)
                if found and len(found["proposals"]) == proposals:
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def document(self, name: str) -> dict[str, Any]:
        """Read the results of a consultation; empty where there are none yet."""
        async with httpx2.AsyncClient(base_url=self.url) as client:
            answer = await client.get(f"/v1/consultations/{name}/results")
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return found

    async def until_received(self, name: str, count: int) -> dict[str, Any]:
        """Wait until the results hold so many votes; give their totals."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                totals: dict[str, Any] = (await self.document(name))["totals"]
                if totals["received"] >= count:
                    return totals
                await asyncio.sleep(POLL_SECONDS)

    async def events(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Read the events of a consultation's voters."""
        return [(event, fields) for _, event, fields
                in await self.gateway.events(self.stack.topics.votes)
                if fields.get("consultation") == name]


async def opened(stack: Stack) -> Site:
    """Make the topics, start everything and wait until votes are taken."""
    await provision(stack.kafka, stack.topics, replication=1)
    for worker in ("ledger", "ideas"):
        stack.started(worker)
    port = stack.ports.find()
    views_url = f"http://127.0.0.1:{port}"
    stack.started("views", SCRUTIN_VIEWS_PORT=str(port))
    found = Site(stack, booths.started(stack, SCRUTIN_VIEWS_URL=views_url), views_url)
    await found.gateway.ready()
    await until_answering(found.views_url)
    return found


async def until_answering(url: str) -> None:
    """Wait for a server that may never be ready."""
    async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient() as client:
        while True:
            try:
                await client.get(f"{url}/livez")
            except httpx2.TransportError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                return
