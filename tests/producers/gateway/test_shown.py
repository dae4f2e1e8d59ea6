"""Ballots say how a proposal was reached, once rules are announced that know it; none can lie."""

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from producers.gateway import identity, view_proofs
from producers.gateway.ballots import Act
from producers.gateway.booth import Booth, Voter
from producers.gateway.broker_time import BrokerTime
from producers.gateway.follower import Follower
from producers.gateway.keys import KeyFolder
from producers.gateway.memory import Memory
from producers.gateway.networks import Networks
from producers.gateway.outlet import Outlet
from producers.gateway.pools import Pools
from producers.known_catalogue import KnownCatalogue
from schemas import codec
from schemas.genesis import FIRST_GENESIS
from schemas.registry import current
from schemas.words import ORIGINS, SHOWN
from scrutin.gateway.composition import FlushSnapshot, written_topics
from tests.harness import WAIT_SECONDS, Stack, connected_producer, write
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway, event_of, holds
from tests.producers.gateway.test_votes import proof_of


UNKNOWN = ("unknown", 15, -1)
WORDING_1 = booths.offset_of(booths.proposal("p1"))
"""Of proposal p1; those of p2 and p3 follow."""
FIRST_CHARACTERS = 28
"""Of a view proof of version 1."""
MINUTES_10 = (600_000, 12)
"""A time, and its pause: its bucket ends seven minutes later."""


@pytest.fixture(scope="module")
def gateway(shared_stack: Stack) -> RunningGateway:
    """Run a gateway whose catalogue has announced rules 2."""
    found = booths.started(shared_stack)
    asyncio.run(found.ready())
    return found


def view_of(receipt: dict[str, Any]) -> tuple[str, int, int]:
    """Return what the event of a receipt says of the view before it."""
    fields = event_of(receipt)[1]
    return fields["shown"], fields["pause"], fields["wording"]


async def served(browser: Browser, *included: str) -> dict[str, str]:
    """Ask for a sequence; return its proofs by proposal."""
    answer = await browser.client.get(
        "/v1/consultations/town/sequence", params={"include": ",".join(included)})
    return {each["id"]: each["proof"] for each in answer.json()["proposals"]}


async def test_a_running_gateway_learns_of_the_rules(stack: Stack) -> None:
    """Version 1 until they are announced, version 2 after; proofs of before are good for both."""
    await booths.opened(stack, genesis=FIRST_GENESIS)
    gateway = booths.started(stack)
    await gateway.ready()
    async with Browser(gateway.url) as browser, asyncio.timeout(WAIT_SECONDS):
        old = await served(browser, "p1")
        before = [(await browser.vote("p1", proof=old["p1"])).json()]
        before.append((await browser.post("town/qualifications", {
            "proposal": "p1", "qualification": "like_it", "proof": old["p1"]})).json())
        await booths.said(stack, booths.rules())
        while len((new := await served(browser, "p3"))["p3"]) == FIRST_CHARACTERS:
            await asyncio.sleep(0.05)
        after = [(await browser.vote("p3", proof=new["p3"])).json(),
                 (await browser.vote("p2", proof=old["p2"])).json()]
        after += [(await browser.delete(
            "town/qualifications/p1/like_it", proof=old["p1"])).json(),
            (await browser.delete("town/votes/p1", proof=old["p1"])).json()]
        described = await browser.post("town/participants", {"receipt": after[0]})
        public = base64.b64decode((await browser.client.get("/v1/keys")).json()["receipt"])
    values = [await gateway.value_at(each["partition"], each["offset"])
              for each in (*before, *after)]

    drawn = [event for _, event, _ in await gateway.drawn()]

    assert {len(proof) for proof in old.values()} == {FIRST_CHARACTERS}
    assert [(codec.schema_of(value).version, each["trust"], holds(
                each, public, gateway.topics.votes))
            for value, each in zip(values, (*before, *after), strict=True)] == [
        *[(1, "trusted", True)] * 2, *[(2, "trusted", True)] * 4]
    assert [view_of(each) for each in (*before, *after[1:])] == [UNKNOWN] * 5
    assert view_of(after[0])[::2] == ("asked", booths.CATALOGUE.index(booths.proposal("p3")))
    assert described.status_code == 202
    assert (set(drawn), len(drawn) >= 2) == ({"SequenceDrawn"}, True)


async def test_a_sequence_is_served_and_what_it_includes_is_asked_for(
    gateway: RunningGateway,
) -> None:
    """Programs show by the proof how they came to a proposal, in every event."""
    async with Browser(gateway.url) as one, Browser(gateway.url) as other:
        drawn, asked = await served(one), await served(other, "p2")
        receipts = [(await one.vote(name, proof=drawn[name])).json() for name in drawn]
        receipts += [(await other.vote(name, proof=asked[name])).json() for name in asked]

    routes = [view_of(each)[0] for each in receipts]
    assert next(iter(asked)) == "p2"
    assert routes == ["served"] * 3 + ["asked"] + ["served"] * 2
    assert {each["trust"] for each in receipts} == {"trusted"}
    assert [view_of(each)[2] for each in receipts] == [
        booths.offset_of(booths.proposal(name)) for name in (*drawn, *asked)]
    assert all(0 <= view_of(each)[1] <= 14 for each in receipts)


async def test_nobody_forges_a_proof_that_a_proposal_was_served(gateway: RunningGateway) -> None:
    """Changed, borrowed, or signed by nobody it is no proof: suspect, and nothing is known."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        asked, theirs = await proof_of(browser), (await served(other))["p1"]
        raw = bytearray(identity.bytes_of(asked, 29) or b"")
        assert raw[0] == SHOWN.index("asked")
        raw[0] = SHOWN.index("served")
        forged = identity.text_of(bytes(raw))
        receipts = [(await browser.vote(proof=proof)).json() for proof in (forged, theirs, None)]
        own = (await browser.vote(proof=asked)).json()

    assert [(each["trust"], view_of(each)) for each in receipts] == [("suspect", UNKNOWN)] * 3
    assert (own["trust"], view_of(own)[0]) == ("trusted", "asked")


async def test_the_pause_is_the_time_since_the_view(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """By the gateway's clock; a proof of a clock that is ahead gives none, never less."""
    keys = KeyFolder(shared_stack.folder / "data" / "keys")
    async with Browser(gateway.url) as browser:
        voter = event_of((await browser.vote("p2")).json())[1]["voter"]

        async def voted(age: int) -> tuple[str, int, int]:
            proof = view_proofs.view_proof(
                keys.view, voter, "town", "p1", shown_at=int(time.time() * 1_000) - age,
                shown=SHOWN.index("served"), wording=5)
            return view_of((await browser.vote(proof=proof)).json())

        assert await voted(MINUTES_10[0]) == ("served", MINUTES_10[1], 5)
        assert await voted(-50_000) == ("served", 0, 5)
        assert await voted(view_proofs.PROOF_SECONDS * 1_000 + 1) == UNKNOWN


async def test_a_vote_names_the_words_that_were_shown(stack: Stack) -> None:
    """Words that change between page and vote: those of the page, by their place in the log."""
    await booths.opened(stack, catalogue=[*booths.CATALOGUE, booths.rules()],
                        genesis=FIRST_GENESIS)
    gateway = booths.started(stack)
    await gateway.ready()
    reworded = booths.described(
        "ProposalAccepted", proposal="p1", text={"fr": "Autrement"}, author=None)
    async with Browser(gateway.url) as browser, asyncio.timeout(WAIT_SECONDS):
        old = await proof_of(browser)
        await booths.said(stack, reworded)
        while "Autrement" not in (await browser.client.get(
                "/v1/consultations/town/sequence", params={"include": "p1"})).text:
            await asyncio.sleep(0.05)
        new = await proof_of(browser)
        wordings = [view_of((await browser.vote(proof=proof)).json())[2] for proof in (old, new)]

    offsets = [record.offset for record, event, fields in
               await gateway.events(gateway.topics.catalogue) if event == "ProposalAccepted"
               and (fields["consultation"], fields["proposal"]) == ("town", "p1")]
    assert len(offsets) == 2
    assert wordings == offsets


async def test_a_key_sent_again_names_the_same_event(gateway: RunningGateway) -> None:
    """As before: a retry has the id and what is known of the view; another proof names another."""
    async with Browser(gateway.url) as browser:
        proof = await proof_of(browser)
        receipts = [(await browser.vote(key="again", proof=proof)).json() for _ in range(2)]
        other = await browser.vote(key="again", proof=await proof_of(browser, "p2"))

    assert receipts[0]["event_id"] == receipts[1]["event_id"]
    assert [view_of(each)[::2] for each in receipts] == [("asked", WORDING_1)] * 2
    assert other.json()["event_id"] != receipts[0]["event_id"]


class Visitor:
    """Somebody in the booth, by its pages alone."""

    def __init__(self, gateway: RunningGateway, client: httpx2.AsyncClient) -> None:
        self._gateway, self._client = gateway, client
        self._headers = {"sec-fetch-site": "same-origin", "origin": gateway.url}

    async def sees(self, name: str) -> dict[str, str]:
        """Open the page of a proposal; return the hidden fields of its form."""
        page = await self._client.get(
            "/c/town/vote", params={"proposal": name}, headers=self._headers)
        assert page.status_code == 200, page.text
        return dict(re.findall(r'name="(proposal|proof|key|shown)" value="([^"]*)"', page.text))

    async def sends(self, form: dict[str, str], act: str, **fields: str) -> None:
        """Press a button of a form."""
        answer = await self._client.post(
            "/c/town/vote", headers=self._headers, data={**form, "act": act, **fields})
        assert answer.status_code == 303, answer.text

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Read what lies in the log of this visitor, in order: whoever votes last."""
        await self.sends(await self.sees("p1"), "neutral")
        found = [(event, fields) for _, event, fields in
                 await self._gateway.events(self._gateway.topics.votes) if "voter" in fields]
        last = max((fields for _, fields in found), key=lambda fields: fields["occurred_at"])
        return [each for each in found if each[1]["voter"] == last["voter"]][:-1]


async def test_what_a_link_asked_for_stays_asked_for_in_the_booth(gateway: RunningGateway) -> None:
    """However often it is served later, voted on, taken back and voted on again."""
    async with Browser(gateway.url) as browser:
        visitor = Visitor(gateway, browser.client)
        await visitor.sees("p2")
        for _ in range(2):
            await visitor.sends({}, "more")
        form = await visitor.sees("p2")
        await visitor.sends(form, "agree")
        for act in ("withdraw", "disagree"):
            await visitor.sends(await visitor.sees("p2"), act)
        await visitor.sends(await visitor.sees("p3"), "agree")
        events = await visitor.events()

    assert [(event, fields["proposal"], fields["shown"]) for event, fields in events] == [
        ("VoteCast", "p2", "asked"), ("VoteWithdrawn", "p2", "asked"),
        ("VoteCast", "p2", "asked"), ("VoteCast", "p3", "served")]
    assert {(fields["trust"], fields["origin"]) for _, fields in events} == {("trusted", "web")}
    assert [fields["wording"] for _, fields in events] == [
        WORDING_1 + 1] * 3 + [WORDING_1 + 2]
    assert all(fields["pause"] < 15 for _, fields in events)
    assert all(len(cookie.value or "") <= 1_500 for cookie in browser.client.cookies.jar)


async def test_a_renewed_proof_helps_out_and_knows_the_route_alone(gateway: RunningGateway) -> None:
    """Scripts fetch one before a first vote: the first one counts, where it is this voter's."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        visitor = Visitor(gateway, browser.client)
        foreign = (await Visitor(gateway, other.client).sees("p2"))["proof"]
        form, renewed = await visitor.sees("p2"), (await visitor.sees("p2"))["proof"]
        await visitor.sends(form, "agree", renewed=renewed)
        form = await visitor.sees("p2")
        await visitor.sends(form, "disagree", proof=foreign, renewed=form["proof"])
        await visitor.sends(await visitor.sees("p2"), "agree", proof=foreign, renewed=foreign)
        events = [fields for _, fields in await visitor.events()]

    assert [(each["trust"], each["shown"], each["wording"]) for each in events] == [
        ("trusted", "asked", WORDING_1 + 1), ("trusted", "asked", -1), ("suspect", "unknown", -1)]
    assert events[0]["pause"] < 15
    assert [each["pause"] for each in events[1:]] == [15, 15]


async def test_the_page_sends_again_what_a_vote_loses_by_being_proven(
    gateway: RunningGateway,
) -> None:
    """Qualifications given without a proof: with the vote that confirms them, and its proof."""
    async with Browser(gateway.url) as browser:
        visitor = Visitor(gateway, browser.client)
        await visitor.sends(await visitor.sees("p2"), "agree", proof="")
        for act in ("+doable", "+like_it"):
            await visitor.sends(await visitor.sees("p2"), act, proof="", shown="0")
        form = await visitor.sees("p2")
        for _ in range(2):  # The second time is a reload: nothing more is written.
            await visitor.sends(form, "agree")
        events = await visitor.events()

    assert [(event, fields.get("qualification"), fields["trust"]) for event, fields in events] == [
        ("VoteCast", None, "suspect"), ("QualificationAdded", "doable", "suspect"),
        ("QualificationAdded", "like_it", "suspect"), ("VoteCast", None, "trusted"),
        ("QualificationAdded", "like_it", "trusted"), ("QualificationAdded", "doable", "trusted")]
    assert len({fields["event_id"] for _, fields in events}) == 6


async def test_the_ledger_counts_what_the_booth_wrote(stack: Stack) -> None:
    """By rules 2: routes as they were, and what a vote loses by being proven is there again."""
    await booths.opened(stack, catalogue=[*booths.CATALOGUE, booths.rules()],
                        genesis=FIRST_GENESIS)
    async with connected_producer(stack.kafka) as producer:
        for partition in range(stack.topics.partitions):
            await write(producer, stack.topics.votes, partition, [codec.encode_as(
                current("RulesAdopted", 2), event_id=bytes(16), ledger_version=2,
                partition=partition, partitions=stack.topics.partitions, salt=bytes(16),
                origin="operator", occurred_at=booths.LONG_AGO)])
    gateway = booths.started(stack)
    stack.started("ledger")
    await gateway.ready()
    async with Browser(gateway.url) as browser:
        visitor = Visitor(gateway, browser.client)
        await visitor.sends(await visitor.sees("p2"), "agree", proof="")
        await visitor.sends(await visitor.sees("p2"), "+doable", proof="", shown="0")
        await visitor.sends(await visitor.sees("p2"), "agree")
        await visitor.sends(await visitor.sees("p3"), "disagree")
        events = [fields["event_id"] for _, fields in await visitor.events()]
    decided: dict[bytes, Any] = {}
    async with asyncio.timeout(WAIT_SECONDS):
        while not set(events) <= decided.keys():
            await asyncio.sleep(0.1)
            decided = {fields["event_id"]: fields for _, _, fields in
                       await gateway.events(gateway.topics.decisions)}

    assert [(decided[each]["outcome"], decided[each]["changes"][0]["route"])
            for each in events] == [
        ("counted", "unknown"), ("qualified", "unknown"), ("proven", "asked"),
        ("qualified", "asked"), ("counted", "drawn")]
    assert {decided[each]["ledger_version"] for each in events} == {2}


@asynccontextmanager
async def booth_of(stack: Stack) -> AsyncIterator[tuple[Booth, KnownCatalogue]]:
    """Open a booth in this process, with what it knows of the catalogue."""
    topics, keys = stack.topics, KeyFolder(stack.folder / "data" / "keys")
    follower = Follower(stack.kafka, topics)
    following = asyncio.create_task(follower.follow())
    async with Outlet(stack.kafka, written_topics(topics)) as outlet:
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(follower.ready.wait(), outlet.opened.wait())
        yield Booth(
            topics=topics, follower=follower, outlet=outlet, keys=keys, memory=Memory(),
            networks=Networks(outlet, keys, topics.networks),
            pools=Pools(follower, lambda _: FlushSnapshot((), {}, {})),
            time=BrokerTime(time.time, time.monotonic)), follower.known
    following.cancel()
    await asyncio.wait([following])


async def written(booth: Booth, voter: Voter, proof: str | None) -> tuple[int, dict[str, Any]]:
    """Cast a vote; return its version and its fields as they lie in the log."""
    done = await booth.record(voter, Act("VoteCast", "p1", "agree", proof), None)
    value = done.acknowledged.batch.values[done.acknowledged.place]
    return codec.schema_of(value).version, codec.decode(value)[1]


async def test_widgets_votes_are_asked_for_and_partners_have_a_number(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """Whose site a widget stands on has chosen the proposal, proof or none."""
    voter = Voter("town", bytes(16), bytes(16), ORIGINS.index("widget"), b"?", via=70)
    async with booth_of(shared_stack) as (booth, _):
        proof = booth.proof(voter, "p1", SHOWN.index("served"), int(time.time() * 1_000))
        events = [(await written(booth, voter, given))[1] for given in (None, proof)]

    assert [(each["origin"], each["via"], each["shown"], each["trust"], each["wording"])
            for each in events] == [
        ("widget", 70, "asked", "suspect", -1), ("widget", 70, "asked", "trusted", WORDING_1)]


async def test_a_gateway_takes_proofs_of_one_that_has_heard_more(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """Gateways learn of rules one after the other: no vote between is suspect, each as announced.
    """
    voter = Voter("town", bytes(16), bytes(16), ORIGINS.index("web"), b"?")
    async with booth_of(shared_stack) as (booth, known):
        now, found = int(time.time() * 1_000), []
        for heard in (1, 2):
            known.rules = 3 - heard
            proof = booth.proof(voter, "p1", SHOWN.index("served"), now)
            known.rules = heard
            version, fields = await written(booth, voter, proof)
            found.append((version, fields["trust"], fields["shown"]))

    assert found == [(1, "trusted", "unknown"), (2, "trusted", "unknown")]
