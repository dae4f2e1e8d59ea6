"""The door by a driven clock: what passes of crowds of machines, and who is never asked."""

import asyncio
import heapq
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from producers.gateway import door_marks, work
from producers.gateway.ballots import Act
from producers.gateway.door import Door
from producers.gateway.door_marks import Mark
from producers.gateway.ladder import OTHERS_FIRST, PASSES_PER_MINUTE, SERVED_DEVICES
from producers.gateway.memory import Memory
from schemas import codec
from schemas.words import SHOWN
from tests.producers.gateway.doors import HERE, THERE, Device, begin, crowd, door, keeper, solved


ATTACK_MOST = 50
"""Trusted votes of a minute by devices of one network that are new for each vote, at most."""


@pytest.fixture(autouse=True)
def light_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let work be quick; how much there is of it has a test of its own."""
    monkeypatch.setattr(work, "COST", 1)
    monkeypatch.setattr(work, "COUNTERS", ((0, 0), (1, 3), (1, 3), (1, 3)))


def doors(folder: Path, gateways: int) -> list[Door]:
    return [door(folder, gateways=gateways) for _ in range(gateways)]


@pytest.mark.parametrize("gateways", [1, 2, 3])
@pytest.mark.parametrize("days_old", [0, 1])
async def test_of_the_attack_of_a_minute_few_votes_count(
    tmp_path: Path, gateways: int, days_old: int
) -> None:
    """A new device for each vote, or a stock of devices from yesterday: one network, one proposal.
    """
    at, now = doors(tmp_path, gateways), begin()
    stock = [Device() for _ in range(1_200)]
    if days_old:  # Yesterday each asked for something else, and had its cookie.
        for number, device in enumerate(stock):
            await device.votes(at[number % gateways], now - 86_400 + number, f"other{number}")

    trusted = 0
    for number, device in enumerate(stock):
        trusted += not await device.is_challenged(at[number % gateways], now + number / 20)
    assert 0 < trusted <= ATTACK_MOST


@pytest.mark.parametrize("gateways", [1, 2])
async def test_of_scripts_that_wait_so_many_pass_in_any_minute(
    tmp_path: Path, gateways: int
) -> None:
    """Each comes back when it is told, at any gateway; with a mark of waiting elsewhere, too."""
    at, begun = doors(tmp_path, gateways), begin()
    passed = await _waiting(at, begun, [Device() for _ in range(600)], "p1", seconds=600)
    marked = [Device() for _ in range(900)]
    for device in marked:
        device.mark = Mark(door_marks.WAITED, int(begun) - 100)
    passed_later = await _waiting(at, begun, marked, "p2", seconds=300)

    for moments in (passed, passed_later):
        assert len(moments) > 100
        assert max(_of_a_minute(moments)) <= PASSES_PER_MINUTE


async def _waiting(
    at: Sequence[Door], begun: float, devices: list[Device], proposal: str, *, seconds: float
) -> list[float]:
    """Let devices vote, and come back when they are told; return when votes were trusted."""
    queue = [(begun + number / 20, number) for number in range(len(devices))]
    passed = []
    while queue and queue[0][0] < begun + seconds:
        now, number = heapq.heappop(queue)
        device = devices[number]
        gateway = at[secrets.randbelow(len(at))]
        if await device.is_challenged(gateway, now, proposal, leave=device.leave):
            heapq.heappush(queue, (max(device.back_at, now + 1), number))
        else:
            passed.append(now)
    return passed


@pytest.mark.parametrize("brings", ["old leave", "no leave", "mark"])
async def test_who_asks_all_the_time_gets_ahead_of_nobody(tmp_path: Path, brings: str) -> None:
    """By the first leave, without one or by a mark: the wait that was told holds until its end."""
    at, now = door(tmp_path), begin()
    await crowd(at, now - 61)
    mark = Mark(door_marks.WAITED, int(now) - 100)
    others = [Device(mark=mark) for _ in range(PASSES_PER_MINUTE + 30)]
    one = Device(mark=mark if brings == "mark" else door_marks.UNMARKED)
    await one.votes(at, now - 30) if brings != "mark" else None
    leave = one.leave
    for each in others:
        await each.votes(at, now)
    await one.votes(at, now, leave=leave)
    back_at, came = one.back_at, now
    for came in range(int(now) + 1, int(back_at)):
        assert await one.is_challenged(at, came, leave=leave if brings == "old leave" else None)
        assert one.back_at == max(back_at, came + 20 * (brings != "old leave"))

    assert back_at == now + 31


async def test_what_one_gateway_asked_for_another_takes_and_for_nobody_else(
    tmp_path: Path
) -> None:
    """A wait begun at one ends at the other, work given by one is checked by the other; brought to
    both it is the same vote's still.
    """
    (one, other), now = doors(tmp_path, 2), begin()
    for at in (one, other):
        await crowd(at, now - 61)
    waits, works, thief = Device(), Device(), Device()
    for device in (waits, works):
        await device.votes(one, now)
    assert works.work is not None
    solution = solved(works.work)
    early = await waits.is_challenged(other, now + 19, leave=waits.leave)
    late = [await waits.is_challenged(at, now + 20, leave=waits.leave) for at in (other, one)]
    worked = [await works.is_challenged(at, now + 1, solution=solution) for at in (other, one)]
    stolen = [await thief.is_challenged(at, now + 20, **brought) for at in (one, other)
              for brought in ({"leave": waits.leave}, {"solution": solution})]

    assert (early, late, worked) == (True, [False, False], [False, False])
    assert all(stolen)
    assert (waits.mark.how, works.mark.how) == (door_marks.WAITED, door_marks.SOLVED)


def _of_a_minute(moments: list[float]) -> list[int]:
    return [sum(0 <= now - each < 60 for each in moments) for now in moments]


async def test_nobody_who_is_known_is_asked(tmp_path: Path) -> None:
    """By work done, a vote of yesterday on what was drawn, or a vote that counts already."""
    memory = Memory()
    at, now = door(tmp_path, memory=memory), begin()
    voted = Device()
    memory.choose(voted.id, "p1", "agree", trusted=True)
    await crowd(at, now, devices=100)
    for mark in (Mark(door_marks.SOLVED, int(now) - 86_300), Mark(door_marks.SERVED, int(now))):
        assert not await Device(mark=mark).is_challenged(at, now)
    assert not await voted.is_challenged(at, now)

    early = Mark(door_marks.SERVED, int(now) + 1)
    assert await Device(mark=early).is_challenged(at, now)
    memory.choose(voted.id, "p1", None, trusted=True)
    assert await voted.is_challenged(at, now)


@pytest.mark.parametrize("gateways", [1, 2])
async def test_of_a_stock_that_voted_on_what_was_drawn_so_many_pass(
    tmp_path: Path, gateways: int
) -> None:
    """Then they take turns with who waits, or work; elsewhere, and by work, they are known as ever.
    """
    at, now = doors(tmp_path, gateways), begin()
    stock = [Device(mark=Mark(door_marks.SERVED, int(now) - 100)) for _ in range(600)]
    passed = [not await one.is_challenged(at[number % gateways], now + number / 10)
              for number, one in enumerate(stock)]
    asked = stock[-1]

    assert sum(passed[:SERVED_DEVICES]) == SERVED_DEVICES
    assert sum(passed) <= SERVED_DEVICES + 2 * PASSES_PER_MINUTE
    assert not await asked.is_challenged(at[0], now + 61, "p2")
    assert not await Device().is_challenged(at[0], now + 61)
    assert asked.work is not None
    last = at[(len(stock) - 1) % gateways]
    assert not await asked.is_challenged(last, now + 62, solution=solved(asked.work))
    assert asked.mark.how == door_marks.SOLVED


async def test_neighbours_notice_nothing(tmp_path: Path) -> None:
    """On another network, or for another proposal or consultation."""
    at, now = door(tmp_path), begin()
    done = await crowd(at, now, devices=200)

    assert sum(each.challenge is None for each in done) == 30
    assert not await Device(THERE).is_challenged(at, now)
    assert not await Device().is_challenged(at, now, "p2")
    assert not await Device().is_challenged(at, now, of="city")


async def test_one_device_that_casts_and_takes_back_raises_nothing(tmp_path: Path) -> None:
    """However often: its neighbours are asked for nothing."""
    memory = Memory()
    at, now = door(tmp_path, memory=memory), begin()
    one = Device()
    for moment in range(100):
        assert not await one.is_challenged(at, now + moment)
        memory.choose(one.id, "p1", "agree", trusted=True)
        memory.choose(one.id, "p1", None, trusted=True)

    assert not await Device().is_challenged(at, now + 100)


async def test_a_network_that_sends_too_much_without_a_cookie_is_raised_as_a_whole(
    tmp_path: Path,
) -> None:
    """For each proposal, and on no other network; nobody of it is refused."""
    at, now = door(tmp_path), begin()
    at.crowded("town", HERE, now)

    assert await Device().is_challenged(at, now)
    assert await Device().is_challenged(at, now, "p2", of="city")
    assert not await Device(THERE).is_challenged(at, now)
    assert not await Device().is_challenged(at, now + 1_800)


async def test_work_done_makes_a_vote_trusted_and_its_device_known(tmp_path: Path) -> None:
    """For good, on every proposal: nobody is asked twice."""
    at, now = door(tmp_path), begin()
    await crowd(at, now)
    device = Device()
    assert await device.is_challenged(at, now)
    assert device.work is not None
    done = await device.votes(at, now + 2, solution=solved(device.work))

    assert (done.said, done.challenge, done.mark) == (
        "solved", None, Mark(door_marks.SOLVED, int(now) + 2))
    await crowd(at, now + 3, "p2")
    assert not await device.is_challenged(at, now + 3, "p2")


async def test_a_wait_makes_a_vote_trusted_and_not_before_its_end(tmp_path: Path) -> None:
    """Of twenty seconds; too early says how long yet, and too late begins anew."""
    at, now = door(tmp_path), begin()
    await crowd(at, now - 61)
    device = Device()
    first = await device.votes(at, now)
    leave = device.leave
    early = await device.votes(at, now + 19, leave=leave)
    late = await Device(id=device.id).votes(at, now + 621, leave=leave)
    done = await device.votes(at, now + 20, leave=leave)

    assert first.challenge is not None
    assert (first.challenge.wait_seconds, first.challenge.problem) == (20, None)
    assert early.challenge is not None
    assert (early.challenge.leave, early.challenge.wait_seconds, early.challenge.problem) == (
        leave, 1, "early")
    assert late.challenge is not None
    assert (late.challenge.problem, late.challenge.wait_seconds) == ("expired", 20)
    assert (done.said, done.challenge, done.mark) == (
        "waited", None, Mark(door_marks.WAITED, int(now) + 20))


@pytest.mark.parametrize("other", [
    {"proposal": "p2"}, {"of": "city"}, {"device": True}], ids=str)
@pytest.mark.parametrize("way", ["solution", "leave"])
async def test_what_is_for_one_vote_is_for_no_other(
    tmp_path: Path, other: dict[str, Any], way: str
) -> None:
    """Neither of another voter, nor on another proposal, nor in another consultation."""
    at, now = door(tmp_path), begin()
    of, proposal = other.get("of", "town"), other.get("proposal", "p1")
    await crowd(at, now)
    for _ in range(31):
        await Device().votes(at, now, proposal, of=of)
    device = Device()
    await device.votes(at, now)
    assert device.work is not None
    brought: dict[str, Any] = {
        "solution": solved(device.work)} if way == "solution" else {"leave": device.leave}
    whose = Device() if other.get("device") else Device(id=device.id)
    done = await whose.votes(at, now + 61, proposal, of=of, **brought)

    assert done.challenge is not None
    assert done.challenge.problem == {"solution": "other", "leave": "altered"}[way]
    assert not await device.is_challenged(at, now + 61, **brought)


async def test_at_the_highest_step_other_proposals_come_first(tmp_path: Path) -> None:
    """Work done before them does not do, and is not lost; nor do votes unproven or taken back."""
    memory = Memory()
    at, now = door(tmp_path, memory=memory), begin()
    at.raise_challenge(b"net", "town", "p1", 3, int(now * 1_000) + 60_000, int(now * 1_000))
    device = Device()
    first = await device.votes(at, now, name=b"net")
    assert device.work is not None
    assert first.challenge is not None
    assert (first.challenge.step, first.challenge.others_first) == (3, OTHERS_FIRST)
    solution = solved(device.work)
    for number in range(1, 9):
        memory.choose(device.id, f"p{number}", "agree", trusted=False)
    memory.choose(device.id, "p2", "agree", trusted=True)
    memory.choose(device.id, "p4", "agree", trusted=True)
    memory.choose(device.id, "p4", None, trusted=True)
    second = await device.votes(at, now + 1, solution=solution, name=b"net")
    memory.choose(device.id, "p3", "agree", trusted=True)

    assert second.challenge is not None
    assert (second.challenge.problem, second.challenge.others_first) == ("others_first", 1)
    assert not await device.is_challenged(at, now + 2, solution=solution, name=b"net")


@pytest.mark.parametrize("others_most", [0, 1])
async def test_no_more_other_proposals_come_first_than_there_are(
    tmp_path: Path, others_most: int
) -> None:
    """Else nobody new in a network would be counted where there is one question, or two."""
    memory = Memory()
    at, now = door(tmp_path, memory=memory), begin()
    at.raise_challenge(b"net", "town", "p1", 3, int(now * 1_000) + 60_000, int(now * 1_000))
    device = Device()
    first = await device.votes(at, now, name=b"net", others_most=others_most)
    assert device.work is not None
    assert first.challenge is not None
    assert (first.challenge.step, first.challenge.others_first) == (3, others_most)
    for number in range(others_most):
        memory.choose(device.id, f"other{number}", "agree", trusted=True)
    assert not await device.is_challenged(
        at, now + 1, solution=solved(device.work), name=b"net", others_most=others_most)


@pytest.mark.parametrize("how", [0, door_marks.WAITED, *door_marks.LASTING])
async def test_a_vote_on_what_was_drawn_makes_known_whoever_is_not_known_for_good(
    tmp_path: Path, how: int
) -> None:
    """From a day after it: also who has only waited, or brought a mark that we cannot read."""
    at, now = door(tmp_path), int(begin())
    voter = Device(mark=Mark(how, now - 5)).voter("town")
    done = await keeper(at).meet(voter, Act("VoteCast", "p1", "agree"), now * 1_000,
                                 trusted=True, shown=SHOWN.index("served"))

    given = {0: True, door_marks.WAITED: True}.get(how, False)
    assert done.mark == (Mark(door_marks.SERVED, now + 86_400) if given else None)
    assert done.challenge is None


async def test_a_wait_takes_no_mark_that_is_to_come_of_age(tmp_path: Path) -> None:
    """Who waits within the day after a drawn vote is known at its end."""
    at, now = door(tmp_path), begin()
    await crowd(at, now - 61)
    mark = Mark(door_marks.SERVED, int(now) + 80_000)
    device = Device(mark=mark)
    await device.votes(at, now)
    done = await device.votes(at, now + 20, leave=device.leave)

    assert (done.said, device.mark) == ("waited", mark)


def test_marks_are_of_one_device_and_by_any_key_of_ours(tmp_path: Path) -> None:
    """Neither another's nor an altered one makes anybody known."""
    keys = door(tmp_path)._keys
    mark = Mark(door_marks.SOLVED, 1_700_000_000)
    text = door_marks.mark_text(keys.device, HERE * 5 + b"x", mark)
    keys.add("device", bytes(range(32)), 1)
    keys.look()

    assert len(text) == door_marks.MARK_CHARACTERS
    assert door_marks.mark_of(keys.device, HERE * 5 + b"x", text) == mark
    for device, said in ((HERE * 5 + b"y", text), (HERE * 5 + b"x", "B" + text[1:]),
                         (HERE * 5 + b"x", text[:-1]), (HERE * 5 + b"x", "")):
        assert door_marks.mark_of(keys.device, device, said) == door_marks.UNMARKED


def test_what_the_door_did_is_written_by_minute_and_consultation(tmp_path: Path) -> None:
    """Numbers alone; a challenge that nobody answered is left after eleven minutes."""

    async def scene() -> list[dict[str, Any]]:
        at, now = door(tmp_path), begin() // 60 * 60
        await crowd(at, now, devices=33)
        solver, waiter = Device(), Device()
        await solver.votes(at, now)
        await waiter.votes(at, now)
        assert solver.work is not None
        assert list(at.counts.due(now + 59)) == []
        await solver.votes(at, now + 61, solution=solved(solver.work))
        await waiter.votes(at, now + 61, leave=waiter.leave)
        await Device().votes(at, now + 61, leave="x" * 35)
        at.counts.refused("", now + 62, "unknown-consultation")
        written = list(at.counts.due(now + 120))
        assert list(at.counts.due(now + 719)) == []
        return [*written, *at.counts.due(now + 720), *at.counts.due(now + 7_800)]

    written = asyncio.run(scene())
    for each in written:  # The schema takes it.
        said = codec.encode("DoorCounted", event_id=bytes(16), occurred_at=1, **each)
        assert codec.decode(said)[1]["minute"] == each["minute"]
    kinds = ("consultation", "raised", "asked", "solved", "waited", "left")
    assert [tuple(each[kind] for kind in kinds) for each in written] == [
        ("town", 1, 5, 0, 0, 0), ("", 0, 0, 0, 0, 0), ("town", 0, 1, 1, 1, 0),
        ("town", 0, 0, 0, 0, 3), ("town", 0, 0, 0, 0, 1)]
    assert [each["refusals"] for each in written[1:3]] == [
        [{"reason": "unknown-consultation", "count": 1}],
        [{"reason": "leave-altered", "count": 1}]]
