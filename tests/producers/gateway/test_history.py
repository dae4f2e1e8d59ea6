"""What a gateway remembers of the votes that it reads in the log."""

import asyncio
from typing import Any

import pytest

from producers.gateway import memory as memory_file
from producers.gateway.follower import Follower
from producers.gateway.history import History
from producers.gateway.memory import Memory
from schemas import codec
from schemas.registry import newest, versions
from schemas.topics import Topics
from tests.harness import WAIT_SECONDS, Stack, connected_producer, write


VOTER = b"v" * 16
EVENTS = [schema for event in ("VoteCast", "VoteWithdrawn") for schema in versions(event)]


def act(event: str, proposal: str = "p1", version: int = 2, **fields: Any) -> bytes:
    """Write an act of the voter."""
    chosen = {"choice": "agree"} if event == "VoteCast" else {}
    return codec.encode_as(versions(event)[version - 1], **{
        "event_id": bytes(16), "voter": VOTER, "consultation": "town", "proposal": proposal,
        "trust": "trusted", "origin": "web", "salt": bytes(16), "occurred_at": 1, **chosen,
        **fields})


def accept(follower: Follower, consultation: str, *proposals: str) -> None:
    """Have a catalogue accept proposals."""
    for name in proposals:
        follower.known.apply("ProposalAccepted", {
            "event_id": bytes(16), "consultation": consultation, "proposal": name, "text": {},
            "author": None})


def heard(*values: bytes | None, memory: Memory | None = None) -> Memory:
    """Read records; return what is remembered then."""
    found, topics = memory or Memory(), Topics("scrutin", 1)
    follower = Follower("127.0.0.1:1", topics)
    accept(follower, "town", "p1", "p2", "p3")
    accept(follower, "shut", "p1")
    follower.known.apply("ConsultationClosed", {"consultation": "shut"})
    history = History("127.0.0.1:1", topics, found, follower, gateways=2)
    for value in values:
        history.take(value)
    return found


@pytest.mark.parametrize("version", [1, 2])
def test_votes_of_every_version_are_remembered_as_the_ledger_takes_them(version: int) -> None:
    """Cast, withdrawn, without a proof: as if this gateway had taken them itself."""
    memory = heard(
        act("VoteCast", "p1", version), act("VoteCast", "p2", version, trust="suspect"),
        act("VoteCast", "p3", version), act("VoteWithdrawn", "p3", version),
        act("VoteCast", "p1", version, choice="neutral", trust="suspect"))

    assert {each.version for each in EVENTS} == {1, 2}
    assert memory.history(VOTER) == ["p1", "p2", "p3"]
    assert [memory.choice(VOTER, name) for name in ("p1", "p2", "p3")] == ["agree", "agree", None]
    assert [memory.is_proven(VOTER, name) for name in ("p1", "p2", "p3")] == [True, False, False]


def test_what_this_gateway_is_writing_it_notes_itself_and_once() -> None:
    """Read in the log before its acknowledgement it would not be the voter's first any more."""
    memory = Memory()
    memory.under_way.add(b"m" * 16)
    heard(act("VoteCast", event_id=b"m" * 16), memory=memory)

    assert memory.choose(VOTER, "p1", "agree", trusted=True)
    memory.under_way.clear()
    heard(act("VoteCast", event_id=b"m" * 16), act("VoteCast", "p2"), memory=memory)
    assert not memory.choose(VOTER, "p1", "agree", trusted=True)
    assert not memory.choose(VOTER, "p2", "agree", trusted=True)


@pytest.mark.parametrize("gateways", [1, 2])
async def test_one_that_has_others_reads_on_and_one_alone_ends(
    shared_stack: Stack, gateways: int
) -> None:
    """Both know what was in the log when they began."""
    topics, memory = shared_stack.topics, Memory()
    async with connected_producer(shared_stack.kafka) as producer:
        await write(producer, topics.votes, 0, [act("VoteCast"), act("VoteCast", "p2")])
    follower = Follower(shared_stack.kafka, topics)
    accept(follower, "town", "p1", "p2")
    follower.ready.set()
    history = History(shared_stack.kafka, topics, memory, follower, gateways=gateways)
    follow = asyncio.create_task(history.follow())
    await asyncio.wait_for(history.ready.wait(), WAIT_SECONDS)
    if gateways == 1:
        await asyncio.wait_for(follow, WAIT_SECONDS)
    assert (follow.done(), set(memory.history(VOTER))) == (gateways == 1, {"p1", "p2"})
    follow.cancel()
    await asyncio.gather(follow, return_exceptions=True)


def test_who_voted_what_before_a_closing_is_read_no_more() -> None:
    """A gateway that starts after it knows nobody there."""
    closed = act("VoteCast", consultation="shut"), act("VoteWithdrawn", consultation="shut")
    assert not heard(*closed).remembers(VOTER)
    assert heard(*closed, act("VoteCast", "p2")).history(VOTER) == ["p2"]


def test_proposals_that_nobody_described_use_up_no_names(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write votes could else have every gateway remember nothing of new proposals."""
    monkeypatch.setattr(memory_file, "NAMES_REMEMBERED", 2)
    invented = [act("VoteCast", f"none{number}") for number in range(4)]
    found = heard(*invented, act("VoteCast", "p1"), act("VoteCast", "p2"))

    assert found.history(VOTER) == ["p1", "p2"]


@pytest.mark.parametrize("value", [
    None, b"", b"\0\0\0\0\1", b"{}", act("VoteCast")[:-4],
    newest("ConsultationClosed").header, b"\0\xff\xff\xff\xff"])
def test_what_is_no_vote_says_nothing(value: bytes | None) -> None:
    """No record, a torn one, of another event or of a later version: passed over."""
    assert not heard(value).remembers(VOTER)
