"""What a gateway knows of the catalogue: what is voted on, in which words, by which rules."""

import asyncio
import time

from producers.gateway.follower import Follower
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.polis import catalogue_events, read_export
from schemas import codec
from schemas.genesis import FIRST_GENESIS
from schemas.topics import Topics
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, described, proposal
from tests.producers.test_polis_cases import CASES


LATER = bytes.fromhex("0000ffffff") + bytes(40)
"""A record of a schema that only a later release has."""


def known(values: list[bytes]) -> KnownCatalogue:
    """Fold records as they lie in a catalogue."""
    found = KnownCatalogue()
    for offset, value in enumerate(values):
        found.apply(*codec.decode(value), offset)
    return found


def test_proposals_without_a_text_are_offered_to_nobody() -> None:
    """Rejected and empty comments of an import count, but are neither shown nor voted on."""
    follower = Follower("nowhere:1", Topics("t", 1))
    for _, _, value in catalogue_events(read_export(CASES / "polis-moderated"), "set", "en"):
        follower.known.apply(*codec.decode(value))
    follower.offset = 4

    assert list(follower.proposals("set")) == ["0", "2"]


def test_announced_rules_never_go_back() -> None:
    """Without an announcement they are the first; one that is delivered again changes nothing."""
    assert known([proposal("p1")]).rules == 1
    assert known([booths.rules()]).rules == 2
    assert known([booths.rules(), booths.rules(1)]).rules == 2
    assert known([booths.rules(), booths.rules(3)]).rules == 3


def test_a_wording_is_the_record_that_gave_the_text() -> None:
    """A record that repeats the text gives none, whatever else it changes; another text does."""
    reworded = described("ProposalAccepted", proposal="p1", text={"fr": "Autrement"}, author=None)
    values = [proposal("p1"), proposal("p1", "later"), proposal("p1", author="Anne"), reworded,
              proposal("p1")]

    assert [known(values[:size]).wording("town", "p1") for size in range(1, 6)] == [0, 0, 0, 3, 4]
    assert known(values).wording("later", "p1") == 1
    assert known(values).wording("town", "p2") == -1


async def test_a_gateway_knows_when_it_had_read_all_there_was(stack: Stack) -> None:
    """By then at the latest it had been told everything that was written before."""
    await booths.opened(stack)
    follower, began = Follower(stack.kafka, stack.topics), time.monotonic()
    following = asyncio.create_task(follower.follow())
    async with asyncio.timeout(WAIT_SECONDS):
        await follower.ready.wait()
    following.cancel()
    await asyncio.wait([following])

    assert began <= follower.whole_at <= time.monotonic()


async def test_a_command_reads_rules_and_wordings_from_the_log(stack: Stack) -> None:
    """As a gateway knows them, with the offsets at which they lie."""
    await booths.opened(stack, catalogue=[*booths.CATALOGUE, booths.rules()],
                        genesis=FIRST_GENESIS)
    async with LogReader(stack.kafka) as reader:
        found = await read_catalogue(reader, stack.topics)

    assert found.rules == 2
    assert [found.wording("town", name) for name in booths.PROPOSALS] == [1, 2, 3]


async def test_no_vote_is_taken_behind_what_only_a_later_release_can_read(stack: Stack) -> None:
    """It may be a closing: the gateway says what it cannot read, lives on, and takes no vote."""
    await booths.opened(stack)
    gateway = booths.started(stack)
    await gateway.ready()
    async with Browser(gateway.url) as browser:
        assert (await browser.vote()).status_code == 202
        await booths.said(stack, LATER)
        async with asyncio.timeout(WAIT_SECONDS):
            while (await browser.client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.05)
        answer = await browser.vote()

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/votes-unavailable")
    assert gateway.worker.running()
    for said, times in (("no vote is taken", 1), ("results are read no more", 1),
                        ("Install the version that wrote it", 2)):
        await gateway.worker.says(said, times)
