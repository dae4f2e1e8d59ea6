"""Whatever catalogue the log can hold, the booth answers, and a visitor can go through it."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

import httpx2
from hypothesis import given, settings

from processors.workers.provisioning import provision
from schemas import codec
from tests.harness import Stack, connected_producer, write
from tests.producers.gateway import booths
from tests.schemas.catalogues import Event, catalogues
from tests.waiting import WAIT_SECONDS


CONSULTATIONS = 36
PAGES = ("", "/vote", "/vote/mine", "/vote/you", "/vote/receipts", "/proposals")
READ = ("results", "proposals.csv", "results.xlsx", "sequence", "sequence?include=a,b")


def drawn() -> list[list[Event]]:
    """Draw what the catalogue says of so many consultations; the same at every run."""
    found: list[list[Event]] = []

    @settings(derandomize=True, max_examples=CONSULTATIONS, database=None, deadline=None)
    @given(catalogues(descriptions_least=1, proposals_least=1))
    def collect(events: list[Event]) -> None:
        found.append(events)

    collect()
    return found


def opened(event: str, fields: dict[str, Any], number: int) -> bytes | None:
    """Write an event about a consultation of its own, which in two of three cases is open."""
    fields = {**fields, "consultation": f"c{number}"}
    if number % 3:
        if event not in ("ConsultationDescribed", "ThemeDescribed", "IdeaDescribed",
                         "ProposalAccepted", "ProposalGrouped"):
            return None
        if event == "ConsultationDescribed":
            fields |= {"opens_at": booths.LONG_AGO, "closes_at": None}
    return codec.encode(event, **fields)


def test_the_booth_answers_over_any_catalogue(stack: Stack) -> None:
    """No page and no address fails in its language, and what can be voted on is voted on."""
    values = [value for number, events in enumerate(drawn()) for event, fields in events
              if (value := opened(event, fields, number)) is not None]

    async def visit() -> int:
        await provision(stack.kafka, stack.topics, replication=1)
        async with connected_producer(stack.kafka) as producer:
            await write(producer, stack.topics.catalogue, 0, values)
        gateway = booths.started(stack, SCRUTIN_GATEWAY_VOTER_RATE="100000")
        await gateway.ready()
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=WAIT_SECONDS) as client:
            return sum([await _visited(client, f"c{number}", ("fr", "en")[number % 2])
                        for number in range(CONSULTATIONS)])

    assert asyncio.run(visit()) >= CONSULTATIONS // 10


async def _visited(client: httpx2.AsyncClient, name: str, language: str) -> int:
    """Go through a consultation; return how many votes were taken in its booth."""
    addresses = [*(f"/c/{name}{page}" for page in PAGES),
                 *(f"/v1/consultations/{name}/{each}" for each in READ)]
    for address in addresses:
        mark = "&" if "?" in address else "?"
        answer = await client.get(f"{address}{mark}lang={language}")
        assert answer.status_code < 500, (address, answer.text)
    shown = await client.get(f"/c/{name}/vote?lang={language}", follow_redirects=True)
    fields = dict(re.findall(r'name="(proposal|proof|key|shown)" value="([^"]*)"', shown.text))
    if "proposal" not in fields:
        return 0
    form = {each: _unescaped(value) for each, value in fields.items()} | {"act": "agree"}
    origin = {"origin": str(client.base_url).rstrip("/")}
    voted = await client.post(f"/c/{name}/vote", data=form, headers=origin)
    assert voted.status_code == 303, voted.text
    after = await client.get(voted.headers["location"])
    assert after.status_code == 200, after.text
    place = f"/c/{name}/vote?proposal={quote(form['proposal'], safe='')}"
    assert (await client.get(place)).status_code == 200
    return 1


def _unescaped(text: str) -> str:
    for written, meant in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&amp;", "&")):
        text = text.replace(written, meant)
    return text
