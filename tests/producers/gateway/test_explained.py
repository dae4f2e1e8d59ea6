"""A served sequence is explained by the log alone: counts, history and seed give it again."""

import asyncio
import random

import httpx2

from processors import results
from producers.gateway import sequence
from producers.gateway.sequence import COUNTS, Candidate, Pool, serve
from schemas import words
from tests.processors import logs
from tests.processors.harness import (
    WAIT_SECONDS,
    Stack,
    connected_producer,
    decided,
    read_to_end,
    write,
)
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
    served = []
    for name in PROPOSALS[:4]:
        async with Browser(gateway.url) as browser:
            await browser.vote(name)
            answer = await browser.client.get("/v1/consultations/town/sequence?include=p07")
            served.append([each["id"] for each in answer.json()["proposals"]])

    events = [fields for _, _, fields in await gateway.events(stack.topics.sequences)]
    assert [event["proposals"] for event in events] == served
    assert len({tuple(names) for names in served}) == len(served)
    for event in events:
        pool = await pool_at(stack, event["offsets"])
        assert pool.tested
        assert pool.new
        assert event["algorithm"] == sequence.ALGORITHM
        assert serve(pool, event["history"], event["seed"], event["included"]) == (
            event["proposals"])


async def voted_on(stack: Stack) -> int:
    """Write votes on most proposals, some on too few to be tested; give how many."""
    chance, count = random.Random(5), 0
    async with connected_producer(stack.kafka) as producer:
        for partition in range(stack.topics.partitions):
            voters = [(partition + stack.topics.partitions * number).to_bytes(4, "big") + bytes(12)
                      for number in range(VOTERS_A_PARTITION)]
            values = [
                logs.ballot(
                    "VoteCast", event_id=chance.randbytes(16), voter=voter, consultation="town",
                    proposal=name, trust="trusted", choice=chance.choice(words.CHOICES))
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


async def pool_at(stack: Stack, offsets: list[int]) -> Pool:
    """Decide the ballot box up to some offsets, and give the proposals with their counts."""
    records = await read_to_end(stack.kafka, stack.topics.votes, stack.topics.partitions)
    box = [[record.value for record in records
            if record.partition == partition and record.offset <= last]
           for partition, last in enumerate(offsets)]
    counted: dict[str, list[int]] = {name: [0] * len(words.COUNTS) for name in PROPOSALS}
    for ledger in decided(box)[0]:
        for (_, name), counts in ledger.tallies().items():
            counted[name] = list(results.pooled([counted[name], counts]))
    return Pool(
        Candidate(name, None, tuple(counted[name][words.COUNTS.index(word)] for word in COUNTS))
        for name in PROPOSALS)
