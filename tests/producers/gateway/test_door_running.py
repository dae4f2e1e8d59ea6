"""The door of running gateways: what counts of a crowd of machines, as the ledger decides it."""

import asyncio
from typing import Any

from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.producers.gateway.doors import solved
from tests.producers.gateway.test_door import ATTACK_MOST


MACHINES = 70
"""More than count; each asks once and votes once, as a new device."""


async def asked(browser: Browser, proposal: str = "p1") -> str:
    """Come by a link; return the proof."""
    answer = await browser.client.get(
        "/v1/consultations/town/sequence", params={"include": proposal})
    found: str = answer.json()["proposals"][0]["proof"]
    return found


async def attack(gateways: list[RunningGateway], machines: int) -> list[dict[str, Any]]:
    """Put votes on a proposal, each by a new device; return what is answered."""
    receipts = []
    for number in range(machines):
        async with Browser(gateways[number % len(gateways)].url) as browser:
            answer = await browser.vote("p1", proof=await asked(browser))
            assert answer.status_code == 202, answer.text
            receipts.append(answer.json())
    return receipts


async def decided(gateway: RunningGateway, events: list[str]) -> dict[str, str]:
    """Wait for the ledger's decisions on events; return what became of each."""
    found: dict[str, str] = {}
    async with asyncio.timeout(WAIT_SECONDS):
        while not set(events) <= found.keys():
            await asyncio.sleep(0.1)
            found = {fields["event_id"].hex(): fields["outcome"] for _, _, fields in
                     await gateway.events(gateway.topics.decisions)}
    return found


async def test_of_an_attack_over_two_gateways_few_votes_count_and_who_works_is_counted(
    stack: Stack,
) -> None:
    """Out of the box: all votes are in the log, most are suspect; work makes one proven, once.

    Its device is known from then on, at the other gateway too, and beside each event stands what
    was asked.
    """
    await booths.opened(stack)
    stack.started("ledger")
    gateways = [booths.started(stack, instance, SCRUTIN_GATEWAY_COUNT="2")
                for instance in ("1", "2")]
    await asyncio.gather(*(each.ready() for each in gateways))
    receipts = await attack(gateways, MACHINES)
    here, there = gateways
    async with Browser(here.url) as browser:
        proof = await asked(browser)
        first = (await browser.vote("p1", proof=proof, key="k")).json()
        solution = solved(first["challenge"]["work"])
        early = (await browser.vote("p1", proof=proof, leave=first["challenge"]["leave"])).json()
        done = await browser.vote("p1", proof=proof, solution=solution, key="k")
        again = (await browser.vote("p1", "disagree", proof=proof)).json()
        async with Browser(there.url) as same:
            same.client.cookies.update(browser.client.cookies)
            other = (await same.vote("p1", "neutral", proof=proof)).json()
    trusts = [each["trust"] for each in receipts]
    events = [each["event_id"] for each in (*receipts, first, early, done.json(), again, other)]
    outcomes = await decided(here, events)
    seen = {event.hex(): said for _, name, fields in await here.events(here.topics.networks)
            if name == "NetworksSeen"
            for event, said in zip(fields["events"], fields["challenged"], strict=True)}

    assert 20 <= trusts.count("trusted") <= ATTACK_MOST
    assert [each["trust"] == "trusted" for each in receipts] == [
        "challenge" not in each for each in receipts]
    assert early["challenge"]["problem"] == "early"
    assert [each["trust"] for each in (first, early, done.json(), again, other)] == [
        "suspect", "suspect", "trusted", "trusted", "trusted"]
    assert (outcomes[done.json()["event_id"]],
            "scrutin-known" in done.headers["set-cookie"]) == ("proven", True)
    assert [seen.get(each["event_id"]) for each in (receipts[0], first, done.json(), again)] == [
        "none", "asked", "solved", "none"]


async def test_what_is_drawn_or_taken_back_is_never_asked_for(gateway: RunningGateway) -> None:
    """Out of the same crowd; and a vote on what was drawn earns its device a mark."""
    await attack([gateway], 40)
    async with Browser(gateway.url) as drawn, Browser(gateway.url) as asks:
        shown = (await drawn.client.get("/v1/consultations/town/sequence")).json()["proposals"]
        votes = [await drawn.vote(each["id"], proof=each["proof"]) for each in shown]
        proof = await asked(asks)
        suspect = (await asks.vote("p1", proof=proof)).json()
        qualified = (await asks.post("town/qualifications", {
            "proposal": "p1", "qualification": "like_it", "proof": proof})).json()
        back = (await asks.delete("town/votes/p1", proof=proof)).json()

    assert {each.json()["trust"] for each in votes} == {"trusted"}
    assert ["scrutin-known" in each.headers.get("set-cookie", "") for each in votes] == [
        True, False, False]
    assert (suspect["trust"], qualified["trust"], back["trust"]) == (
        "suspect", "trusted", "trusted")
    assert "challenge" in suspect
    assert "challenge" not in {**qualified, **back}


async def test_an_open_door_asks_nobody(shared_stack: Stack) -> None:
    """Where the setting says so."""
    gateway = booths.started(shared_stack, "open", SCRUTIN_DOOR="false")
    await gateway.ready()
    receipts = await attack([gateway], 40)

    assert {each["trust"] for each in receipts} == {"trusted"}
