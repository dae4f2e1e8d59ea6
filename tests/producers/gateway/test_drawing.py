"""Sequences are on the record once somebody acts: who only looks writes nothing, anywhere."""

import base64
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from hypothesis import given

from producers.gateway.drawing import DRAWN_CHARACTERS, DRAWN_COOKIE
from schemas import codec, figures
from schemas.registry import current
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.schemas.events import fields_of, property_test


SEQUENCE = "/v1/consultations/town/sequence"
BOOTH = "/c/town/vote"
EVENT_BYTES = 420
"""Longest SequenceDrawn beside its offsets..."""
OFFSET_BYTES = 10
"""... of which each may take so much, and takes half in a log of a thousand million votes."""


async def drawn_events(gateway: RunningGateway) -> list[tuple[bytes, Mapping[str, Any]]]:
    """Read the sequences that are on record."""
    return [(record.value, fields)
            for record, _, fields in await gateway.drawn()]


async def recorded(gateway: RunningGateway) -> set[str]:
    """Return the identifiers of the sequences on record."""
    return {fields["event_id"].hex() for _, fields in await drawn_events(gateway)}


async def outcomes(gateway: RunningGateway) -> dict[str, float]:
    """Count what became of sequences, as the gateway says."""
    async with httpx2.AsyncClient(base_url=gateway.url) as client:
        said = figures.read((await client.get("/metrics")).text)
    return {outcome: count for (outcome,), count in
            said.labelled(figures.GATEWAY_SEQUENCES).items()}


def grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: count - before.get(name, 0) for name, count in after.items()
            if count != before.get(name, 0)}


async def test_who_only_looks_writes_nothing(gateway: RunningGateway) -> None:
    """A crawler without cookies, a check that asks for heads, a reader who clicks through."""
    before = await outcomes(gateway)
    held = await recorded(gateway)
    async with httpx2.AsyncClient(base_url=gateway.url) as crawler, \
            Browser(gateway.url) as reader:
        for path in (SEQUENCE, BOOTH, f"{BOOTH}?proposal=p1"):
            for method in ("GET", "HEAD"):
                for client in (crawler, reader.client):
                    answer = await client.request(method, path)
                    assert answer.status_code in (200, 303), path

    assert await recorded(gateway) == held
    assert set(grown(before, await outcomes(gateway))) == {"waiting"}


async def test_a_known_voter_who_asks_for_heads_writes_nothing(gateway: RunningGateway) -> None:
    """Also where a GET would be recorded at once."""
    async with Browser(gateway.url) as browser:
        await browser.vote("p1")
        held = await recorded(gateway)
        assert (await browser.client.head(SEQUENCE)).status_code == 200
        assert (await browser.client.head(f"{BOOTH}?proposal=p2")).status_code == 200
        assert await recorded(gateway) == held
        body = (await browser.client.get(SEQUENCE)).json()

    assert await recorded(gateway) == {*held, body["sequence"]}


async def test_a_sequence_is_recorded_with_its_voters_first_act(gateway: RunningGateway) -> None:
    """Once, whatever follows, and the browser forgets it."""
    before = await outcomes(gateway)
    async with Browser(gateway.url) as browser:
        body = (await browser.client.get(SEQUENCE)).json()
        shown = body["proposals"][0]
        assert DRAWN_COOKIE in browser.client.cookies
        assert body["sequence"] not in await recorded(gateway)
        receipt = (await browser.vote(shown["id"], proof=shown["proof"])).json()
        assert DRAWN_COOKIE not in browser.client.cookies
        await browser.vote("p2")
    events = [fields for _, fields in await drawn_events(gateway)
              if fields["event_id"].hex() == body["sequence"]]

    assert receipt["trust"] == "trusted"
    assert [(event["voter"], [booths.PROPOSALS[place] for place in event["proposals"]])
            for event in events] == [(booths.event_of(receipt)[1]["voter"],
                                      [each["id"] for each in body["proposals"]])]
    assert grown(before, await outcomes(gateway)) == {"waiting": 1, "recorded_with_vote": 1}


async def test_the_booths_sequence_is_recorded_with_the_first_vote(
    gateway: RunningGateway,
) -> None:
    """A form that votes brings back what its page was drawn from."""
    held = await recorded(gateway)
    async with Browser(gateway.url) as browser:
        headers = {"sec-fetch-site": "same-origin", "origin": gateway.url}
        page = await browser.client.get(BOOTH, headers=headers, follow_redirects=True)
        assert page.status_code == 200
        assert await recorded(gateway) == held
        answer = await browser.client.post(BOOTH, headers=headers, data={
            "proposal": "p1", "act": "agree", "key": "k" * 16, "shown": "1"})
        assert answer.status_code == 303, answer.text
        assert DRAWN_COOKIE not in browser.client.cookies

    assert len(await recorded(gateway) - held) == 1


async def test_any_gateway_records_what_another_one_drew(
    gateway: RunningGateway, shared_stack: Stack
) -> None:
    """Nothing is kept meanwhile by the one that drew it, which may be gone."""
    other = booths.started(shared_stack, "other")
    await other.ready()
    async with Browser(gateway.url) as browser:
        body = (await browser.client.get(SEQUENCE)).json()
        browser.client.base_url = httpx2.URL(other.url)
        assert (await browser.vote("p1")).status_code == 202

    assert body["sequence"] in await recorded(gateway)


async def test_a_sequence_that_comes_back_often_is_recorded_once(gateway: RunningGateway) -> None:
    """A browser that sends its cookie with every vote, two at once, writes no more."""
    async with Browser(gateway.url) as browser:
        body = (await browser.client.get(SEQUENCE)).json()
        waiting = browser.client.cookies[DRAWN_COOKIE]
        for name in ("p1", "p2", "p3"):
            browser.client.cookies.set(
                DRAWN_COOKIE, waiting, domain="127.0.0.1", path="/v1/consultations/town")
            assert (await browser.vote(name)).status_code == 202
    ids = [fields["event_id"].hex() for _, fields in await drawn_events(gateway)]

    assert ids.count(body["sequence"]) == 1


@pytest.mark.parametrize("forge", [
    lambda _: "", lambda _: "!", lambda _: "é", lambda _: "A" * (DRAWN_CHARACTERS + 1),
    lambda sealed: sealed[:-4], lambda sealed: "A" + sealed[1:],
    lambda sealed: base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(sealed + "==")[:16]).decode().rstrip("="),
])
async def test_what_we_did_not_seal_is_not_recorded(gateway: RunningGateway, forge: Any) -> None:
    """Nothing that a browser makes up reaches the log, and its vote is taken all the same."""
    async with Browser(gateway.url) as browser:
        await browser.client.get(SEQUENCE)
        held = await recorded(gateway)
        forged = forge(browser.client.cookies[DRAWN_COOKIE]).encode()
        device = browser.client.cookies["scrutin-device"].encode()
        answer = await browser.client.post(
            "/v1/consultations/town/votes", json={"proposal": "p1", "choice": "agree"},
            headers=[(b"cookie", b"scrutin-device=%s; scrutin-drawn=%s" % (device, forged))])

    assert answer.status_code == 202
    assert await recorded(gateway) == held


async def test_another_voters_sequence_is_not_recorded(gateway: RunningGateway) -> None:
    """A seal is good for its voter alone."""
    async with Browser(gateway.url) as one, Browser(gateway.url) as other:
        await one.client.get(SEQUENCE)
        await other.client.get(SEQUENCE)
        held = await recorded(gateway)
        other.client.cookies.set(
            DRAWN_COOKIE, one.client.cookies[DRAWN_COOKIE], domain="127.0.0.1",
            path="/v1/consultations/town")
        assert (await other.vote("p1")).status_code == 202

    assert await recorded(gateway) == held


@given(fields=fields_of(current("SequenceDrawn").raw))
@property_test
def test_a_sequence_on_record_is_small(fields: dict[str, Any]) -> None:
    """Whatever its schema allows: so many bytes, and so many a partition."""
    value = codec.encode("SequenceDrawn", **fields)

    assert len(value) <= EVENT_BYTES + OFFSET_BYTES * len(fields["offsets"])


def test_the_largest_sequence_on_record_is_small() -> None:
    """Every field as long as its schema lets it be."""
    value = codec.encode(
        "SequenceDrawn", event_id=bytes(16), voter=bytes(16), consultation="c" * 63,
        algorithm="a" * 40, seed=bytes(16), offsets=[2**63 - 1] * 8, catalogue_offset=2**63 - 1,
        proposals=[2**31 - 1] * 12, asked=2**31 - 1, left_out=bytes(160), origin="operator",
        occurred_at=2**63 - 1)

    assert len(value) <= EVENT_BYTES + OFFSET_BYTES * 8
