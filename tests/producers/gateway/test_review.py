"""Whose votes a rule sets aside sees it among their own votes, and can ask a person to look."""

import asyncio
import re

from schemas import codec
from schemas.finding_acts import review_id
from schemas.findings import Finding
from schemas.registry import newest
from schemas.topics import partition_of
from scrutin.acting.survey import SUSPENDED, About, control
from tests.harness import WAIT_SECONDS, Stack, connected_producer, write
from tests.processors.guard.test_aside import FINDING, judgement
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser
from tests.producers.gateway.test_retired import booth, run


NOTICE = "Your votes are set aside"


async def mine(browser: Browser, *, noticed: bool) -> str:
    """Look at one's own votes until they are said to be set aside, or no more."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            text = (await browser.client.get("/c/town/vote/mine?lang=en")).text
            if (NOTICE in text) == noticed:
                return text
            await asyncio.sleep(0.05)


async def suspended(stack: Stack, voter: bytes) -> None:
    """Set a voter aside, as a patrol does: the judgement first, then the control."""
    about = About("town", Finding(1, FINDING), frozenset({voter}))
    control_of = codec.encode_as(newest(SUSPENDED), **control(
        SUSPENDED, about, voter, reason="crowd/1", salt=bytes(16), now=0),
        by=bytes(8), signature=bytes(64))
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.patrol, 0, [
            judgement(mode="set_aside", marks=[1], voters=[voter])])
        await write(producer, stack.topics.votes, partition_of(
            voter, stack.topics.partitions), [control_of])


async def asks(browser: Browser, text: str) -> int:
    """Press the button of the page."""
    key = re.search(r'name="key" value="([^"]*)"><button class="button" name="act" value="review"',
                    text)
    assert key is not None
    answer = await browser.client.post(
        "/c/town/vote", data={"key": key[1], "act": "review"}, headers={"origin": browser.url})
    return int(answer.status_code)


async def test_who_is_set_aside_is_told_and_can_ask_a_person_to_look(stack: Stack) -> None:
    """Once, by the device alone; another sees nothing; who is reinstated is told nothing more."""
    await booths.opened(stack)
    gateway = booths.started(stack)
    await gateway.ready()
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        await booth(browser)
        votes = await gateway.events(stack.topics.votes)
        voter = next(fields["voter"] for _, event, fields in votes if event == "VoteCast")
        await booth(other)
        await suspended(stack, voter)
        text = await mine(browser, noticed=True)
        statuses = [await asks(browser, text) for _ in range(2)]
        after = await mine(browser, noticed=True)
        unasked = await mine(other, noticed=False)
        asked = [fields for _, event, fields in await gateway.events(stack.topics.sequences)
                 if event == "ReviewAsked"]
        _, listed, _ = await run(stack, "guard", "reviews", "--json")
        _, done, _ = await run(stack, "guard", "reinstate", "--voter", voter.hex(),
                               "--consultation", "town", "--reason", "she is one")
        await mine(browser, noticed=False)
        _, answered, _ = await run(stack, "guard", "reviews", "--json")

    assert ("looks like a machine" in text, "fraud" in text.lower()) == (True, False)
    assert ("A person was asked to look" in after, NOTICE in unasked) == (True, False)
    assert statuses == [303, 303]
    assert [(each["event_id"], each["voter"], each["finding"], each["rule"]) for each in asked] == [
        (review_id("town", voter), voter, FINDING, 1)]
    assert (done["written"], done["immune"], done["answered"]) == (True, [1], True)
    assert [(each["voter"], each["answered"]) for each in listed + answered] == [
        (voter.hex(), False), (voter.hex(), True)]
