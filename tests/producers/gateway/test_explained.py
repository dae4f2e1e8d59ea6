"""A drawn sequence is explained by the log alone: counts, seed and what it noted give it again."""

import asyncio
import random

import httpx2

from processors.results import results_document
from producers.gateway import sequence
from producers.gateway.drawing import explained
from producers.gateway.sequence import SCORED_BY, Candidate, Pool
from schemas import words
from tests.harness import (
    WAIT_SECONDS,
    Stack,
    connected_producer,
    decided,
    read_to_end,
    write,
)
from tests.processors.ledger.logs_2 import of_version_2
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway


PROPOSALS = tuple(f"p{number:02}" for number in range(30))
VOTERS_A_PARTITION = 40


async def test_who_was_shown_what_follows_from_the_log(stack: Stack) -> None:
    """The recorded offsets say which votes were known: decided anew, they give every sequence."""
    await booths.opened(stack, catalogue=[
        booths.consultation("town"), *(booths.proposal(name) for name in PROPOSALS)])
    for worker in ("ledger", "ideas"):
        stack.started(worker)
    gateway = booths.started(stack)
    await gateway.ready()
    written = await voted_on(stack)
    await until_known(gateway, written)
    given = []
    for name in PROPOSALS[:4]:
        async with Browser(gateway.url) as browser:
            given.append(await sequence_of(browser))  # Recorded with the vote that follows.
            await browser.vote(name)
            given.append(await sequence_of(browser))  # Recorded at once.

    await until_priced(gateway)
    records = await gateway.drawn()
    events = {fields["event_id"].hex(): fields for _, _, fields in records}
    acted = await acts(gateway)
    assert {event for _, event, _ in records} == {"SequenceDrawn"}
    assert len(records) == len(events) == len(given)
    assert len({tuple(names) for _, names in given}) == len(given)
    for event_id, names in given:
        event = events[event_id]
        pool = await pool_at(stack, event["offsets"])
        assert (bool(pool.tested), bool(pool.new), event["algorithm"]) == (
            True, True, sequence.SECOND)
        assert explained(event, PROPOSALS, pool) == (names, names)
        assert event["left_out"] == b"" or acted[event["voter"]]


async def sequence_of(browser: Browser) -> tuple[str, list[str]]:
    """Ask for a sequence; return its identifier and its proposals."""
    body = (await browser.client.get("/v1/consultations/town/sequence?include=p07")).json()
    return body["sequence"], [each["id"] for each in body["proposals"]]


async def acts(gateway: RunningGateway) -> dict[bytes, set[str]]:
    """Return the proposals that each voter acted on, as the log has them."""
    found: dict[bytes, set[str]] = {}
    for _, event, fields in await gateway.events(gateway.topics.votes):
        if event == "VoteCast":
            found.setdefault(fields["voter"], set()).add(fields["proposal"])
    return found


async def voted_on(stack: Stack) -> int:
    """Write votes on most proposals, some on too few to be tested; return how many.

    Half of all were asked for, and play no part in what is drawn.
    """
    chance, count = random.Random(5), 0
    async with connected_producer(stack.kafka) as producer:
        for partition in range(stack.topics.partitions):
            voters = [(partition + stack.topics.partitions * number).to_bytes(4, "big") + bytes(12)
                      for number in range(VOTERS_A_PARTITION)]
            values = [
                of_version_2(
                    "VoteCast", 0, event_id=chance.randbytes(16), voter=voter, consultation="town",
                    proposal=name, trust="trusted", choice=chance.choice(words.CHOICES),
                    shown=chance.choice(("served", "asked")))
                for place, name in enumerate(PROPOSALS)
                for voter in voters[:max(place, 2)]]
            await write(producer, stack.topics.votes, partition, values, first_offset=1)
            count += len(values)
    return count


async def until_known(gateway: RunningGateway, votes: int) -> None:
    """Wait until the gateway's own results hold so many votes."""
    async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient(base_url=gateway.url) as client:
        while True:
            answer = await client.get("/v1/consultations/town/results")
            if answer.status_code == 200 and answer.json()["totals"]["received"] == votes:
                return
            await asyncio.sleep(0.05)


async def until_priced(gateway: RunningGateway) -> None:
    """Wait until the gateway says what a drawn vote costs by the draw that it makes."""
    async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient(base_url=gateway.url) as client:
        while True:
            answer = await client.get("/v1/consultations/town/draw")
            if answer.status_code == 200 and answer.json()["algorithm"] == sequence.SECOND:
                return
            await asyncio.sleep(0.05)


async def pool_at(stack: Stack, offsets: list[int]) -> Pool:
    """Decide the ballot box up to some offsets; return the proposals with their drawn votes."""
    records = await read_to_end(stack.kafka, stack.topics.votes, stack.topics.partitions)
    box = [[record.value for record in records
            if record.partition == partition and record.offset <= last]
           for partition, last in enumerate(offsets)]
    counted: dict[str, list[int]] = {name: [0] * len(words.EVERY_COUNT) for name in PROPOSALS}
    for ledger in decided(box)[0]:
        for (_, name), counts in ledger.every_count().items():
            counted[name] = results_document.pooled([counted[name], counts])
    drawn = [words.EVERY_COUNT.index(f"drawn_{word}") for word in SCORED_BY]
    return Pool((Candidate(name, None, tuple(counted[name][place] for place in drawn))
                 for name in PROPOSALS), sequence.SECOND)
