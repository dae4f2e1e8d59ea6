"""The live stream: whole snapshots, paced, resumable, bounded."""

import asyncio
import itertools
import json
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from processors.results.results_document import AsOf
from schemas import words
from schemas.topics import FLUSH_KEY
from tests.memory import traced
from tests.views import campaign
from views import live
from views.api import application
from views.documents import Documents
from views.flushes import Flushes
from views.live import (
    CLIENTS_MAX,
    CROWD_CLIENTS,
    NAME_CHARACTERS,
    PROPOSALS_MAX,
    SNAPSHOTS_PER_SECOND,
    Live,
    LiveStream,
    named,
)
from views.pages import rendering


NAME = "c"
STREAM = f"/v1/consultations/{campaign.CONSULTATION}/live"
WAIT_SECONDS = 10.0
SNAPSHOT_BYTES = 8_192
FEW_BYTES = 1 << 19


class Reader:
    """The other end of a stream: takes what is sent, or does not."""

    def __init__(
        self, live: Live, proposals: tuple[str, ...], last_id: str | None, *, once: bool = False
    ) -> None:
        self.events: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()
        self._gone = asyncio.Event()
        stream = LiveStream(live, NAME, proposals, last_id, once=once)
        self.task = asyncio.create_task(stream({}, self._receive, self._send))

    async def next(self) -> tuple[str, dict[str, Any]]:
        return await asyncio.wait_for(self.events.get(), WAIT_SECONDS)

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, WAIT_SECONDS)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.takes.wait()
        lines = message.get("body", b"").decode().splitlines()
        if lines and lines[0].startswith("id: "):
            content = json.loads(lines[1].removeprefix("data: "))
            await self.events.put((lines[0].removeprefix("id: "), content))


class Stage:
    """A state that moves, and the streams that follow it."""

    def __init__(self) -> None:
        self.flushes = Flushes()
        self.live = Live(self.flushes, Documents(self.flushes))
        self.readers: list[Reader] = []
        self.offset = 0
        self.publish(1)

    def publish(self, votes: int, proposals: tuple[str, ...] = ("a", "b")) -> None:
        """Publish the state in which each proposal has so many votes."""
        for proposal in proposals:
            self.flushes.receive_result(*campaign.proposal_record(NAME, proposal, votes))
        self.offset += 1
        self.flushes.receive_result(FLUSH_KEY, campaign.marker(AsOf((self.offset,), -1, -1)))

    def join(
        self, proposals: tuple[str, ...] = ("a",), last_id: str | None = None, *,
        once: bool = False,
    ) -> Reader:
        self.readers.append(Reader(self.live, proposals, last_id, once=once))
        return self.readers[-1]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.live.close()
    for reader in made.readers:
        reader.takes.set()
        await asyncio.wait_for(reader.task, WAIT_SECONDS)
    assert made.live.clients == 0


def votes_of(event: tuple[str, dict[str, Any]]) -> dict[str, int]:
    """Votes by proposal in a snapshot."""
    return {name: entry["counted"]["votes"] for name, entry in event[1]["proposals"].items()}


async def test_a_stream_that_is_to_end_ends_with_its_snapshot(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once for who has none, with the next change for who comes again, or with a silence."""
    first = stage.join(once=True)
    seen = await first.next()
    await asyncio.wait_for(first.task, WAIT_SECONDS)
    second = stage.join(last_id=seen[0], once=True)
    stage.publish(2)
    assert votes_of(await second.next()) == {"a": 2}
    await asyncio.wait_for(second.task, WAIT_SECONDS)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    third = stage.join(last_id=stage.live.snapshot(NAME, ("a",))[0], once=True)
    await asyncio.wait_for(third.task, WAIT_SECONDS)

    assert third.events.empty()


async def test_a_stream_begins_with_the_present_and_follows_changes(stage: Stage) -> None:
    """The first snapshot is whole; the next one is the next state, of the named proposals only."""
    reader = stage.join()
    assert votes_of(await reader.next()) == {"a": 1}
    stage.publish(2)
    identifier, _ = event = await reader.next()
    assert votes_of(event) == {"a": 2}
    assert identifier == "2--1--1"


async def test_who_comes_back_misses_nothing_and_gets_nothing_twice(stage: Stage) -> None:
    """With the id of the present the stream waits for a change; with an older one it catches up."""
    first = stage.join()
    identifier, _ = await first.next()
    await first.leave()
    back = stage.join(last_id=identifier)
    stage.publish(5)
    assert votes_of(await back.next()) == {"a": 5}
    late = stage.join(last_id=identifier)
    assert votes_of(await late.next()) == {"a": 5}


async def test_who_comes_from_a_process_that_is_ahead_is_sent_nothing_older(stage: Stage) -> None:
    """Two processes show one log: the stream begins once this one has come as far."""
    reader, other = stage.join(last_id="3--1--1"), stage.join()
    await other.next()
    stage.publish(2)
    await other.next()
    stage.publish(3)
    assert (await reader.next())[0] == "3--1--1"
    stage.publish(4)
    assert votes_of(await reader.next()) == {"a": 4}


async def test_a_slow_client_is_sent_the_latest_state_alone(stage: Stage) -> None:
    """A hundred changes while a client takes nothing cost it one snapshot afterwards."""
    reader = stage.join()
    await reader.next()
    reader.takes.clear()
    other = stage.join()
    await other.next()
    for votes in range(2, 102):
        stage.publish(votes)
    assert votes_of(await other.next())["a"] > 1
    reader.takes.set()
    seen: list[int] = []
    while not seen or seen[-1] != 101:
        seen.append(votes_of(await reader.next())["a"])
    assert len(seen) <= 2


async def test_changes_in_a_burst_share_a_snapshot(stage: Stage) -> None:
    """More changes than the pace allows reach the client as fewer, the last of them always."""
    reader = stage.join()
    await reader.next()
    changes = SNAPSHOTS_PER_SECOND * 20
    for votes in range(2, 2 + changes):
        stage.publish(votes)
        await asyncio.sleep(0)
    seen: list[int] = []
    while not seen or seen[-1] != 1 + changes:
        seen.append(votes_of(await reader.next())["a"])
    assert len(seen) < changes / 2
    assert seen == sorted(seen)


class Pace:
    """Rests of the streams, that last until the test ends them."""

    def __init__(self) -> None:
        self.rests: asyncio.Queue[float] = asyncio.Queue()
        self._end = asyncio.Event()

    async def rest(self, seconds: float) -> None:
        self._end.clear()
        self.rests.put_nowait(seconds)
        await self._end.wait()

    async def begun(self) -> float:
        """Wait until the streams rest; return how long they mean to, in seconds."""
        return await asyncio.wait_for(self.rests.get(), WAIT_SECONDS)

    def end(self) -> None:
        self._end.set()


@pytest.mark.parametrize(("clients", "rest_seconds"), [
    (1, 1 / 20), (CROWD_CLIENTS, 1 / 20), (CROWD_CLIENTS + 1, 1 / 2)])
async def test_the_first_change_is_sent_at_once_and_the_next_after_a_rest(
    clients: int, rest_seconds: float
) -> None:
    """After a pause nothing waits; then 20 snapshots a second, 2 above 200 clients."""
    stage, pace = Stage(), Pace()
    live = Live(stage.flushes, Documents(stage.flushes), rest=pace.rest)
    marks = [live.enter() for _ in range(clients)]
    for votes in (2, 3):
        stage.publish(votes)
        assert await pace.begun() == rest_seconds
        # Marked before the rest, all of them, and not a second time while it lasts.
        assert all(mark.is_set() for mark in marks)
        for mark in marks:
            mark.clear()
        stage.publish(10 * votes)
        stage.publish(100 * votes)
        await asyncio.sleep(0)
        assert not any(mark.is_set() for mark in marks)
        pace.end()
        # What came during the rest is one snapshot, and another rest.
        assert await pace.begun() == rest_seconds
        assert all(mark.is_set() for mark in marks)
        for mark in marks:
            mark.clear()
        pace.end()
        await asyncio.sleep(0)
    for mark in marks:
        live.leave(mark)
    assert CROWD_CLIENTS == 200


async def test_a_change_elsewhere_sends_nothing(stage: Stage) -> None:
    """A state that looks the same to a client is not sent again."""
    reader = stage.join()
    await reader.next()
    stage.publish(9, proposals=("b",))
    stage.publish(3, proposals=("a",))
    assert votes_of(await reader.next()) == {"a": 3}


async def test_the_largest_snapshot_stays_within_its_bound(stage: Stage) -> None:
    """PROPOSALS_MAX proposals with the longest identifiers and counts fit into 8 KB."""
    names = tuple(f"{number:02}".ljust(63, "x") for number in range(PROPOSALS_MAX))
    stage.publish(2_000_000_000, proposals=names)
    identifier, content = stage.live.snapshot(NAME, names)
    assert len(json.loads(content)["proposals"]) == PROPOSALS_MAX
    assert len(identifier) + len(content) <= SNAPSHOT_BYTES


async def test_who_asks_for_the_same_shares_the_bytes(stage: Stage) -> None:
    """A crowd on one page costs one snapshot a change."""
    first = stage.live.snapshot(NAME, ("a",))[1]
    assert stage.live.snapshot(NAME, ("a",))[1] is first
    stage.publish(2)
    assert stage.live.snapshot(NAME, ("a",))[1] != first


async def test_a_process_that_stops_ends_its_streams(stage: Stage) -> None:
    """Nobody waits for a browser to leave."""
    reader = stage.join()
    await reader.next()
    stage.live.close()
    await asyncio.wait_for(reader.task, WAIT_SECONDS)
    assert stage.live.clients == 0


@dataclass
class Given:
    """A source whose state is given."""

    flushes: Flushes
    ready: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def given() -> Given:
    made = Given(campaign.flushes(20, closed=False))
    made.ready.set()
    return made


def test_refusals_say_what_to_do(given: Given) -> None:
    """Unknown consultations and too many names are problems, not silent streams."""
    client = TestClient(application(given))
    assert client.get("/v1/consultations/nobody/live").status_code == 404
    names = ",".join(f"p-{number}" for number in range(PROPOSALS_MAX + 1))
    answer = client.get(f"{STREAM}?proposals={names}", headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/too-many-named"
    assert str(PROPOSALS_MAX) in answer.json()["detail"]
    assert client.head(STREAM).headers["content-type"].startswith("text/event-stream")


async def test_the_number_of_streams_is_bounded(given: Given) -> None:
    """The stream after the last place is asked to come back; a place given back is free again."""
    live = Live(given.flushes, Documents(given.flushes))
    marks = [live.enter() for _ in range(CLIENTS_MAX)]
    answer = await asyncio.to_thread(TestClient(application(given, None, live)).get, STREAM)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    for mark in marks:
        live.leave(mark)
    assert not live.full


def test_the_script_keeps_to_the_bounds_of_streams_and_eyes() -> None:
    """It names as many proposals as a stream takes, paints four times a second, speaks once a
    minute."""
    script = rendering.static("live.js").decode()
    bounds = {name: int(text.replace("_", "")) for name, text in re.findall(
        r"const (\w+) = (?:calm \? [\d_]+ : )?([\d_]+);", script)}
    assert bounds["FOLLOWED_MOST"] == PROPOSALS_MAX
    assert bounds["REPAINT_MILLISECONDS"] >= 250
    assert bounds["SPOKEN_MILLISECONDS"] >= 60_000
    assert "prefers-reduced-motion: reduce" in script


async def test_a_snapshot_holds_what_a_card_shows(stage: Stage) -> None:
    """Choices and qualifications of a proposal come together, so that they never disagree."""
    content = json.loads(stage.live.snapshot(NAME, ("a",))[1])
    counted = content["proposals"]["a"]["counted"]
    assert set(counted) == {"votes", *words.CHOICES, "qualifications"}
    assert set(counted["qualifications"]) == set(words.QUALIFICATIONS)


async def test_a_stream_ends_whenever_its_reader_is_gone(stage: Stage) -> None:
    """Who is gone while something is sent to him leaves no stream behind that is sent for ever."""
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def taken(_message: Message) -> None:
        pass

    stream = asyncio.create_task(LiveStream(stage.live, NAME, ("a",), None)({}, gone, taken))
    done, _ = await asyncio.wait([stream], timeout=WAIT_SECONDS)
    stage.live.close()
    await stream

    assert done == {stream}


def test_snapshots_that_are_kept_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many choices of proposals are asked for before the next flush."""
    monkeypatch.setattr(live, "MADE_BYTES", FEW_BYTES)
    stage = Stage()
    names = tuple(f"p{number}" for number in range(60))
    stage.publish(1, names)
    stage.live.snapshot(NAME, names)  # Decodes each figure, once.
    with traced() as memory:
        for choice in itertools.islice(itertools.combinations(names, 12), 1_000):
            asked = named(",".join(choice))
            assert len(json.loads(stage.live.snapshot(NAME, asked)[1])["proposals"]) == 12

    assert memory.size_bytes <= FEW_BYTES


def test_whoever_asks_for_what_is_not_there_shares_what_others_ask_for() -> None:
    """Made-up names make no snapshot of their own; a proposal that appears later is shown then."""
    stage = Stage()
    _, plain = stage.live.snapshot(NAME, ("a",))
    made = [stage.live.snapshot(NAME, ("a", f"x{number}"))[1] for number in range(100)]
    assert all(each is plain for each in made)
    stage.publish(3, ("x7",))

    assert set(json.loads(stage.live.snapshot(NAME, ("a", "x7"))[1])["proposals"]) == {"a", "x7"}


def test_a_stream_holds_no_name_longer_than_a_proposal_has() -> None:
    """Whatever its query is made of: it holds a thousand characters at most."""
    query = ",".join(["b", "a", "b", "", *(f"{number}" + "x" * 900 for number in range(15))])

    assert named(query) == ("a", "b")
    assert named("x" * NAME_CHARACTERS) == ("x" * NAME_CHARACTERS,)
    assert PROPOSALS_MAX * NAME_CHARACTERS <= 1_024
