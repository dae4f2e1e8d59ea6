"""Who throws sequences away until a proposal is drawn gets them, and no more drawn votes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import identity
from producers.gateway.unanswered import (
    DEVICE_SEQUENCES,
    NETWORK_SEQUENCES,
    UNANSWERED_BYTES,
    Unanswered,
)
from schemas.words import SHOWN
from tests.harness import Stack
from tests.memory import traced
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.producers.gateway.test_shown import served, view_of
from tests.schemas.events import property_test


LYCEE, HOME = b"\x01\x02\x03", b"\x04\x05\x06"


def devices(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(count)]


@pytest.fixture(scope="module")
def gateway(shared_stack: Stack) -> RunningGateway:
    """Run a gateway of its own: what others draw does not count here."""
    found = booths.started(shared_stack)
    asyncio.run(found.ready())
    return found


def test_a_device_past_its_bound_is_told_no_route_until_it_acts() -> None:
    """Each act answers one sequence; other devices of its network notice nothing."""
    counts, [one, other] = Unanswered(), devices(2)
    given_ = [counts.draw(one, HOME, 0) for _ in range(DEVICE_SEQUENCES + 2)]
    assert given_ == [True] * DEVICE_SEQUENCES + [False] * 2
    assert counts.draw(other, HOME, 0)
    counts.answer(one, HOME, 1)

    assert [counts.draw(one, HOME, 2) for _ in range(2)] == [True, False]
    assert counts.draw(one, HOME, 60.5)


def test_a_machine_that_is_a_new_device_each_time_is_bounded_by_its_network() -> None:
    """Thrown away cookies free nobody; a minute later it begins anew, and neighbours go on."""
    counts, every = Unanswered(), devices(3 * NETWORK_SEQUENCES)
    given_ = [counts.draw(each, LYCEE, 30) for each in every]
    assert sum(given_) == NETWORK_SEQUENCES
    assert counts.draw(every[0], HOME, 30)
    assert not counts.draw(bytes(15) + b"?", LYCEE, 89)
    assert counts.draw(every[0], LYCEE, 91)


def test_a_crowd_that_answers_is_never_past_the_bound() -> None:
    """20,000 people behind one address draw, read and vote within one minute."""
    counts = Unanswered()
    for place, each in enumerate(devices(20_000)):
        now = place * 50 / 20_000
        assert counts.draw(each, LYCEE, now)
        counts.answer(each, LYCEE, now)
        counts.answer(each, LYCEE, now)


def test_many_acts_answer_no_more_than_was_drawn() -> None:
    """Who votes twelve times after one sequence pays for one sequence, not for eleven others'."""
    counts, [honest, *others] = Unanswered(), devices(NETWORK_SEQUENCES + 2)
    counts.draw(honest, LYCEE, 0)
    assert all(counts.draw(each, LYCEE, 0) for each in others[:NETWORK_SEQUENCES - 1])
    for _ in range(12):
        counts.answer(honest, LYCEE, 0)

    assert [counts.draw(each, LYCEE, 0) for each in others[-2:]] == [True, False]


def test_gateways_divide_the_bound_of_a_network() -> None:
    """All parts make the whole; what a device has it has at each."""
    counts = Unanswered(gateways=4)

    assert sum(counts.draw(each, LYCEE, 0) for each in devices(NETWORK_SEQUENCES)) == (
        NETWORK_SEQUENCES // 4)


@given(steps=st.lists(st.tuples(st.sampled_from(["draw", "answer"]), st.integers(0, 2)),
                      max_size=120))
@property_test
def test_what_is_told_follows_from_what_is_not_answered(steps: list[tuple[str, int]]) -> None:
    """Within one minute the counts are those of a list of names."""
    counts, names, open_ = Unanswered(), devices(3), dict.fromkeys(range(3), 0)
    for step, place in steps:
        if step == "answer":
            counts.answer(names[place], LYCEE, 0)
            open_[place] = max(0, open_[place] - 1)
        else:
            told = counts.draw(names[place], LYCEE, 0)
            assert told is (open_[place] < DEVICE_SEQUENCES)
            open_[place] += told


def test_the_counts_take_the_same_memory_whoever_comes() -> None:
    """A crowd of devices and networks adds nothing to what was made once."""
    counts = Unanswered()
    with traced() as memory:
        for each in devices(20_000):
            counts.draw(each, each[-3:], 0)

    assert counts.size_bytes == UNANSWERED_BYTES
    assert memory.size_bytes < 1 << 16


async def test_votes_past_the_bound_count_and_are_no_drawn_votes(
    gateway: RunningGateway,
) -> None:
    """Sequences come as ever, with good proofs, of unknown route; what was asked for stays so."""
    async with Browser(gateway.url) as browser:
        for _ in range(DEVICE_SEQUENCES):
            within = await served(browser)
        past = await served(browser, "p1")
        receipts = [(await browser.vote("p1", proof=past["p1"])).json(),
                    (await browser.vote("p2", proof=past["p2"])).json(),
                    (await browser.vote("p3", proof=within["p3"])).json()]
        again = await served(browser)
        receipts.append((await browser.vote("p2", proof=again.get("p2", past["p2"]))).json())

    assert [view_of(each)[0] for each in receipts[:3]] == ["asked", "unknown", "served"]
    assert {each["trust"] for each in receipts} == {"trusted"}


async def test_what_leaves_no_vote_more_answers_nothing(gateway: RunningGateway) -> None:
    """Votes without a proof, repeated, or cast and taken back do not pay for another draw."""
    async with Browser(gateway.url) as browser:
        for _ in range(DEVICE_SEQUENCES + 1):
            proofs = await served(browser)
        await browser.vote("p2")
        await browser.delete("town/votes/p2", proof=proofs["p2"])
        drawn = [(await served(browser))["p1"]]
        await browser.vote("p1", proof=proofs["p1"])
        for choice in ("agree", "disagree"):
            await browser.vote("p1", choice, proof=proofs["p1"])
            await browser.delete("town/votes/p1", proof=proofs["p1"])
        drawn += [(await served(browser))["p3"] for _ in range(2)]
    routes = [(identity.bytes_of(proof, 29) or b"?")[0] for proof in drawn]

    assert [SHOWN[route] for route in routes] == ["unknown", "served", "unknown"]


async def test_the_booth_counts_as_programs_do(gateway: RunningGateway) -> None:
    """Who asks for more without a vote, again and again, is shown what proves no draw."""
    async with Browser(gateway.url) as browser:
        headers = {"sec-fetch-site": "same-origin", "origin": gateway.url}
        await browser.client.get("/c/town/vote", headers=headers, follow_redirects=True)
        for _ in range(DEVICE_SEQUENCES):
            answer = await browser.client.post(
                "/c/town/vote", headers=headers, data={"act": "more"})
            assert answer.status_code == 303
        browser.client.cookies.delete("scrutin-paper", domain="127.0.0.1", path="/c/town/vote")
        page = (await browser.client.get(
            "/c/town/vote", headers=headers, follow_redirects=True)).text
        proof = page.partition('name="proof" value="')[2].partition('"')[0]
        proposal = page.partition('name="proposal" value="')[2].partition('"')[0]
        receipt = (await browser.vote(proposal, proof=proof)).json()

    assert (receipt["trust"], view_of(receipt)[0]) == ("trusted", "unknown")
