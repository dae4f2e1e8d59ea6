"""What visitors have kept for ever, votes apart, is bounded in bytes a voter, network and day."""

from collections import Counter

import pytest

from producers.gateway import kept
from producers.gateway.booth import Voter
from producers.gateway.kept import ACCOUNTS_BYTES, PLACE_BYTES, Accounts, Allowance
from producers.gateway.models import Receipt
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.topics import KEPT_FOREVER, Topics
from schemas.words import ORIGINS
from scrutin.gateway.composition import written_topics
from tests.harness import Stack
from tests.memory import traced
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.producers.gateway.test_shown import booth_of


VOTER, NEIGHBOUR = b"v" * 16, b"n" * 16
NETWORK, OTHER = b"\x7f\0\0", b"\x7f\0\1"
FEW = Allowance(voter_bytes=100, network_bytes=250)
SMALLEST_SEQUENCE_BYTES = 80
"""Three identifiers, the rules and a consultation's name have more."""
SMALLEST_DESCRIPTION_BYTES = 50
"""Two identifiers, an instant and a day have as many."""


def test_a_voter_has_its_bytes_and_no_more() -> None:
    """To the byte; a neighbour has its own."""
    accounts = Accounts(FEW)

    assert accounts.take(VOTER, NETWORK, 60, day=1)
    assert not accounts.take(VOTER, NETWORK, 41, day=1)
    assert accounts.take(VOTER, NETWORK, 40, day=1)
    assert accounts.take(NEIGHBOUR, NETWORK, 100, day=1)


def test_a_network_has_its_bytes_however_many_its_voters() -> None:
    """What is refused takes nothing; another network has its own; a new day begins anew."""
    accounts = Accounts(FEW)
    taken = [accounts.take(bytes([n]) * 16, NETWORK, 100, day=1) for n in range(20)]

    assert taken == [True, True] + [False] * 18
    assert accounts.take(b"z" * 16, NETWORK, 50, day=1)
    assert not accounts.take(b"y" * 16, NETWORK, 1, day=1)
    assert accounts.take(VOTER, OTHER, 100, day=1)
    assert accounts.take(b"y" * 16, NETWORK, 100, day=2)


def test_a_clock_that_is_set_back_frees_nobody() -> None:
    """Midnight passes once."""
    accounts = Accounts(FEW)
    assert accounts.take(VOTER, NETWORK, 100, day=2)

    assert not accounts.take(VOTER, NETWORK, 1, day=1)
    assert not accounts.take(VOTER, NETWORK, 1, day=2)


def test_no_crowd_of_networks_or_voters_frees_anybody() -> None:
    """However many come after: who has used up the allowance has, and nobody gets more than it."""
    accounts = Accounts(FEW, voter_places=1 << 10, network_places=1 << 10)
    assert accounts.take(VOTER, NETWORK, 100, day=1)
    taken: Counter[bytes] = Counter()
    for number in range(20_000):
        network = (number % 5_000).to_bytes(6, "big")
        if accounts.take(number.to_bytes(16, "big"), network, 40, day=1):
            taken[network] += 40

    assert not accounts.take(VOTER, OTHER, 1, day=1)
    assert max(taken.values()) <= FEW.network_bytes


def test_a_crowd_takes_nothing_from_who_comes_later() -> None:
    """As many voters and networks as on the largest day leave others theirs."""
    accounts = Accounts(FEW)
    for number in range(50_000):
        accounts.take(number.to_bytes(16, "big"), number.to_bytes(6, "big"), 90, day=1)
    later = [accounts.take(number.to_bytes(15, "big"), number.to_bytes(3, "big"), 100, day=1)
             for number in range(2_000)]

    assert sum(later) > 0.95 * len(later)


def test_several_gateways_divide_what_a_network_has() -> None:
    """All parts together are no more than the whole, but for a rest."""
    gateways = [Accounts(FEW, gateways=3) for _ in range(3)]
    taken = sum(accounts.take(number.to_bytes(16, "big"), NETWORK, 10, day=1)
                for number in range(100) for accounts in gateways)

    assert taken * 10 <= FEW.network_bytes


def test_requests_without_an_address_share_one_account() -> None:
    """No address is no way around the bound."""
    accounts = Accounts(FEW)

    assert sum(accounts.take(bytes([n]) * 16, b"", 50, day=1) for n in range(20)) == 5


def test_accounts_take_the_same_memory_whoever_comes() -> None:
    """Filled with more names than places, or new: as much as is said."""
    with traced() as memory:
        accounts = Accounts(FEW, voter_places=1 << 12, network_places=1 << 12)
        for number in range(20_000):
            accounts.take(number.to_bytes(16, "big"), number.to_bytes(6, "big"), 1, day=1)

    assert accounts.size_bytes == 4 * PLACE_BYTES << 12
    assert memory.size_bytes <= accounts.size_bytes + 4_096
    assert Accounts(FEW).size_bytes == ACCOUNTS_BYTES <= 16 << 20


@pytest.mark.parametrize("allowance", [kept.SEQUENCES, kept.DESCRIPTIONS])
def test_what_is_kept_of_a_network_and_day_is_named(allowance: Allowance) -> None:
    """Megabytes, where it was gigabytes."""
    assert 0 < allowance.voter_bytes < allowance.network_bytes <= 16 << 20


def test_every_topic_that_visitors_fill_for_ever_has_an_allowance() -> None:
    """Votes apart; what goes after some days needs none, and visitors name no keys."""
    topics = Topics("any", 4)
    forever = {each.name for each in topics.specifications() if each.settings == KEPT_FOREVER}

    assert set(written_topics(topics)) & forever == {
        topics.votes, topics.catalogue, topics.sequences, topics.participants}


async def test_descriptions_of_a_voter_are_bounded(gateway: RunningGateway) -> None:
    """Past what is kept of a day the answer says so, and when to come back."""
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote()).json()
        body = {"gender": "woman", "age_band": "25-34", "region": "FR-BRE", "receipt": receipt}
        answers = [await browser.post("town/participants", body) for _ in range(40)]
        still = await browser.vote("p2")
    statuses = [answer.status_code for answer in answers]

    assert 0 < statuses.count(202) < len(statuses)
    assert statuses == [202] * statuses.count(202) + [429] * statuses.count(429)
    assert statuses.count(202) * SMALLEST_DESCRIPTION_BYTES <= kept.DESCRIPTIONS.voter_bytes
    assert 0 < int(answers[-1].headers["retry-after"]) <= 86_400
    assert (answers[-1].json()["type"], still.status_code) == ("/problems/enough-for-today", 202)


async def test_a_description_is_refused_as_votes_are_once_voting_has_closed(
    shared_stack: Stack
) -> None:
    """Though its voter was named before, by the announcement or by the time alone."""
    async with booth_of(shared_stack) as (booth, _):
        for closed in ("shut", "over"):
            voter = Voter(closed, bytes(16), bytes(16), ORIGINS.index("web"), b"?")
            with pytest.raises(Refused) as refused:
                await booth.describe(voter, Receipt.model_construct(event=""), {})
            assert refused.value.problem is problems.CLOSED


async def test_sequences_of_a_voter_are_bounded(shared_stack: Stack) -> None:
    """Past what is kept of a day they are given all the same, with good proofs, off the record."""
    gateway = booths.started(shared_stack, "unlimited", SCRUTIN_GATEWAY_VOTER_RATE="1000000")
    await gateway.ready()
    held = len(await gateway.drawn())
    async with Browser(gateway.url) as browser:
        await browser.vote("p1")
        answers = [await browser.client.get("/v1/consultations/town/sequence")
                   for _ in range(kept.SEQUENCES.voter_bytes // SMALLEST_SEQUENCE_BYTES)]
        shown = answers[-1].json()["proposals"][0]
        receipt = (await browser.vote(shown["id"], proof=shown["proof"])).json()
    written = (await gateway.drawn())[held:]
    size = sum(len(record.value) for record, _, _ in written)

    assert receipt["trust"] == "trusted"
    assert len(written) < len(answers)
    assert kept.SEQUENCES.voter_bytes - 500 < size <= kept.SEQUENCES.voter_bytes
