"""What voters do becomes events: trusted or suspect, once a key, on any gateway."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from producers.gateway.descriptions import BATCH_PEOPLE, DAY_MILLISECONDS
from producers.gateway.keys import SEALED, KeyFolder
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway, event_of


async def proof_of(browser: Browser, name: str = "p1") -> str:
    """Be shown a proposal."""
    answer = await browser.client.get(
        "/v1/consultations/town/sequence", params={"include": name})
    first = answer.json()["proposals"][0]
    assert first["id"] == name
    proof: str = first["proof"]
    return proof


async def test_a_vote_with_a_view_proof_is_trusted(gateway: RunningGateway) -> None:
    """The proof that comes with a proposal makes the voter's vote on it trusted."""
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote(proof=await proof_of(browser))).json()

    assert receipt["trust"] == event_of(receipt)[1]["trust"] == "trusted"


async def test_a_vote_without_its_own_proof_is_suspect(gateway: RunningGateway) -> None:
    """No proof, that of another proposal, of another voter, or a forged one: recorded, suspect."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        own = await proof_of(browser)
        changed = own[:-1] + ("A" if own[-1] != "A" else "B")
        proofs = [None, await proof_of(browser, "p2"), await proof_of(other), changed, own + "A",
                  "", "é" * 28]
        answers = [await browser.vote(proof=proof) for proof in proofs]

    assert [answer.status_code for answer in answers] == [202] * len(proofs)
    assert {answer.json()["trust"] for answer in answers} == {"suspect"}


async def test_what_everybody_votes_follows_the_receipt_where_it_is_asked_for(
    gateway: RunningGateway
) -> None:
    """As a second text, when there is time for it; without results it says that it is not counted.
    """
    async with Browser(gateway.url) as browser:
        body = {"proposal": "p1", "choice": "agree", "proof": await proof_of(browser)}
        given = []
        for query in ("?shares=1", ""):
            answer = await browser.post(f"town/votes{query}", body)
            given.append((answer.headers["content-type"], [
                json.loads(text) for text in answer.text.removeprefix("\x1e").split("\x1e")]))
        refused = [await browser.post(path, body) for path in (
            "nowhere/votes?shares=1", "town/votes?shares=0")]

    assert [kind for kind, _ in given] == ["application/json-seq", "application/json"]
    assert [len(texts) for _, texts in given] == [2, 1]
    assert {texts[0]["trust"] for _, texts in given} == {"trusted"}
    assert given[0][1][1] == {"shares": None, "counted": False}
    assert [answer.status_code for answer in refused] == [404, 400]
    assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}


async def test_a_device_is_one_voter_a_consultation(gateway: RunningGateway) -> None:
    """Votes of one browser bear one voter, those of another browser another one."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        voters = [event_of((await each.vote(name)).json())[1]["voter"]
                  for each in (browser, other) for name in ("p1", "p2")]

    assert voters[0] == voters[1] != voters[2] == voters[3]


async def test_a_device_that_we_did_not_sign_is_another_voter(gateway: RunningGateway) -> None:
    """A forged or changed cookie acts for nobody: it gets a device of its own."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as thief:
        own = event_of((await browser.vote()).json())[1]["voter"]
        cookie = browser.client.cookies["scrutin-device"]
        forged = cookie[:-1] + ("A" if cookie[-1] != "A" else "B")
        answer = await thief.vote(headers={"cookie": f"scrutin-device={forged}"})

    assert event_of(answer.json())[1]["voter"] != own
    assert "scrutin-device=" in answer.headers["set-cookie"]


async def test_withdrawing_and_qualifying_become_events(gateway: RunningGateway) -> None:
    """Each act is its own event, with the voter, the proposal, the word and the trust."""
    async with Browser(gateway.url) as browser:
        proof = await proof_of(browser)
        answers = [
            await browser.vote(proof=proof),
            await browser.post("town/qualifications", {
                "proposal": "p1", "qualification": "like_it", "proof": proof}),
            await browser.delete("town/qualifications/p1/like_it", proof=proof),
            await browser.delete("town/votes/p1", proof=proof),
        ]
    events = [event_of(answer.json()) for answer in answers]

    assert [event for event, _ in events] == [
        "VoteCast", "QualificationAdded", "QualificationWithdrawn", "VoteWithdrawn"]
    assert {fields["voter"] for _, fields in events} == {events[0][1]["voter"]}
    assert {(fields["proposal"], fields["trust"], fields["origin"]) for _, fields in events} == {
        ("p1", "trusted", "api")}
    assert [fields.get("qualification") for _, fields in events] == [
        None, "like_it", "like_it", None]


async def test_a_key_names_one_event(gateway: RunningGateway) -> None:
    """The same key with the same content gives the same event id; both receipts are true."""
    key = str(uuid.uuid4())
    async with Browser(gateway.url) as browser:
        await browser.vote("p2")
        receipts = [(await browser.vote(key=key)).json() for _ in range(2)]
        other = (await browser.vote(key=str(uuid.uuid4()))).json()

    assert receipts[0]["event_id"] == receipts[1]["event_id"] != other["event_id"]
    assert receipts[0]["offset"] != receipts[1]["offset"]


async def test_a_key_used_for_something_else_names_another_event(gateway: RunningGateway) -> None:
    """Another choice, proposal, act or proof under a key is an act of its own, and written."""
    key = str(uuid.uuid4())
    async with Browser(gateway.url) as browser:
        proof = await proof_of(browser)
        answers = [
            await browser.vote(key=key), await browser.vote(choice="disagree", key=key),
            await browser.vote("p2", key=key), await browser.delete("town/votes/p1", key=key),
            await browser.vote(key=key, proof=proof)]
    receipts = [answer.json() for answer in answers]

    assert [answer.status_code for answer in answers] == [202] * 5
    assert len({receipt["event_id"] for receipt in receipts}) == 5
    assert [receipt["trust"] for receipt in receipts] == ["suspect"] * 4 + ["trusted"]


async def test_a_key_used_for_something_else_is_answered_alike_by_every_gateway(
    stack: Stack,
) -> None:
    """One that never saw the key says the same, and the ledger decides each content once."""
    first, second = await two_gateways(stack)
    async with Browser(first.url) as one, Browser(second.url) as other:
        proof = await proof_of(one)
        other.client.cookies = one.client.cookies
        told = [[(await each.vote(choice=choice, key="reused", proof=proof))
                 for each, choice in zip(browsers, ("agree", "disagree"), strict=True)]
                for browsers in ((one, other), (other, one))]
    ids = [[answer.json()["event_id"] for answer in answers] for answers in told]

    assert [answer.status_code for answers in told for answer in answers] == [202] * 4
    assert ids[0] == ids[1]
    assert ids[0][0] != ids[0][1]
    assert await outcomes(first, ids[0][0], 2) == ["counted", "repeated"]
    assert await outcomes(first, ids[0][1], 2) == ["changed", "repeated"]


async def two_gateways(stack: Stack) -> tuple[RunningGateway, RunningGateway]:
    """Start a ledger, and two gateways that share keys."""
    await booths.opened(stack)
    gateways = [booths.started(stack, instance) for instance in ("1", "2")]
    for each in gateways:
        await each.ready()
    stack.started("ledger")
    return gateways[0], gateways[1]


async def test_the_same_key_of_another_voter_is_another_event(gateway: RunningGateway) -> None:
    """Nobody can take another voter's key away."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        ids = {(await each.vote(key="the-same")).json()["event_id"] for each in (browser, other)}

    assert len(ids) == 2


async def test_events_without_a_key_have_ids_of_their_own_in_order(
    gateway: RunningGateway,
) -> None:
    """Server-made ids are UUIDv7: unique, and later ones of another millisecond are greater."""
    async with Browser(gateway.url) as browser:
        ids = [(await browser.vote()).json()["event_id"] for _ in range(3)]

    assert len(set(ids)) == 3
    assert all(uuid.UUID(hex=each).version == 7 for each in ids)
    assert [each[:12] for each in ids] == sorted(each[:12] for each in ids)


async def test_a_key_retried_on_another_gateway_is_decided_once(stack: Stack) -> None:
    """Two gateways that share keys give one event id; the ledger counts it once."""
    gateways = await two_gateways(stack)
    async with Browser(gateways[0].url) as first, Browser(gateways[1].url) as second:
        proof = await proof_of(first)
        second.client.cookies = first.client.cookies
        answers = [await each.vote(key="retried", proof=proof) for each in (first, second)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    assert await outcomes(gateways[0], answers[0].json()["event_id"], 2) == [
        "counted", "repeated"]


async def outcomes(gateway: RunningGateway, event_id: str, count: int) -> list[str]:
    """Wait until an event was decided so often; return what became of it, in order."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = [fields["outcome"] for fields in await decided(gateway)
                     if fields["event_id"] is not None and fields["event_id"].hex() == event_id]
            if len(found) == count:
                return found
            await asyncio.sleep(0.1)


async def decided(gateway: RunningGateway) -> list[dict[str, Any]]:
    """Read every decision there is."""
    return [fields for _, _, fields in await gateway.events(gateway.topics.decisions)]


@pytest.mark.parametrize("of", ["town", "hidden"])
async def test_no_answer_tells_how_others_vote(gateway: RunningGateway, of: str) -> None:
    """What a voter gets is about his own act: nothing that an embargo would have to hide."""
    async with Browser(gateway.url) as browser:
        served = (await browser.client.get(f"/v1/consultations/{of}/sequence")).json()
        receipt = (await browser.vote(of=of)).json()

    assert set(receipt) == {
        "partition", "offset", "event_id", "trust", "event", "batch", "inclusion_seconds", "key",
        "signature"}
    assert set(served) == {"sequence", "proposals"}
    assert {name for each in served["proposals"] for name in each} == {
        "id", "text", "author", "proof"}


async def test_a_description_cannot_be_joined_to_votes(gateway: RunningGateway) -> None:
    """With the receipt of a vote a description is taken, and recorded among those of others.

    Under another pseudonym, with its day alone; of two the last one.
    """
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote()).json()
        body = {"gender": "woman", "age_band": "25-34", "region": "FR-BRE", "receipt": receipt}
        answers = [await browser.post("town/participants", {**body, "age_band": band})
                   for band in ("65+", "25-34")]
    before = await gateway.events(gateway.topics.participants)
    receipts = [receipt, *await booths.others_describe(gateway.url, BATCH_PEOPLE - 1)]
    async with asyncio.timeout(WAIT_SECONDS):
        while not (written := await gateway.events(gateway.topics.participants)):
            await asyncio.sleep(0.05)
    described = [fields for _, _, fields in written]
    participants = {fields["participant"] for fields in described}
    instants = {record.timestamp for record, _, _ in written} | {
        fields["occurred_at"] for fields in described}

    assert [answer.status_code for answer in answers] == [202, 202]
    assert (before, len(described), len(participants)) == ([], BATCH_PEOPLE, BATCH_PEOPLE)
    assert not {event_of(each)[1]["voter"] for each in receipts} & participants
    assert instants == {fields["day"] * DAY_MILLISECONDS for fields in described}
    assert [(fields["gender"], fields["age_band"], fields["region"]) for fields in described
            if fields["gender"] == "woman"] == [("woman", "25-34", "FR-BRE")]


async def test_a_description_holds_listed_answers_only(gateway: RunningGateway) -> None:
    """Nobody can put a text of his own on the results page: each field names what it takes."""
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote()).json()
        for field in ("gender", "age_band", "region"):
            answer = await browser.post(
                "town/participants", {field: "Vote X", "receipt": receipt})

            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_a_description_needs_a_vote_of_the_same_voter(gateway: RunningGateway) -> None:
    """Another voter's receipt, a changed one, or that of a withdrawal is not enough."""
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        theirs = (await other.vote()).json()
        own = (await browser.vote()).json()
        withdrawal = (await browser.delete("town/votes/p1")).json()
        for receipt in (theirs, {**own, "offset": own["offset"] + 1}, withdrawal):
            answer = await browser.post("town/participants", {"receipt": receipt})

            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-vote")


async def test_networks_lie_apart_from_votes(gateway: RunningGateway) -> None:
    """A vote's network is noted by its event id, hashed, in a topic of its own."""
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote()).json()
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            seen = {event.hex(): network for _, _, fields in
                    await gateway.events(gateway.topics.networks)
                    for event, network in zip(fields["events"], fields["networks"], strict=True)}
            if receipt["event_id"] in seen:
                break

    assert len(set(seen.values())) == 1
    assert bytes((127, 0, 0)) not in b"".join(seen.values())
    value = await gateway.value_at(receipt["partition"], receipt["offset"])
    assert seen[receipt["event_id"]] not in value


async def test_nothing_is_taken_for_a_sealed_consultation(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """A gateway that has not even heard of the closing says "closed" and makes no pepper."""
    keys = KeyFolder(shared_stack.folder / "data" / "keys")
    keys.seal("sealed")
    async with Browser(gateway.url) as browser:
        answer = await browser.vote(of="sealed")

    assert answer.status_code == 409, answer.text
    assert [path.name for path in keys.folder_of("sealed").iterdir()] == [SEALED]
