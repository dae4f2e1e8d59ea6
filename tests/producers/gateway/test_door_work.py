"""Work at the door: it counts once, for its vote, in its time, and checking it is cheap."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altcha
import pytest

from producers.gateway import work
from producers.gateway.door import Door
from tests.producers.gateway.doors import HERE, Device, begin, crowd, door, solved


@pytest.fixture(autouse=True)
def light_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let work be quick; how much there is of it has a test of its own."""
    monkeypatch.setattr(work, "COST", 1)
    monkeypatch.setattr(work, "COUNTERS", ((0, 0), (1, 3), (1, 3), (1, 3)))


async def worked(folder: Path) -> tuple[Door, float, Device, str]:
    """Have a crowd come, and one more device do what the door asks of it: door, time, it, proof."""
    at, now = door(folder), begin()
    await crowd(at, now)
    device = Device()
    await device.votes(at, now)
    assert device.work is not None
    return at, now, device, solved(device.work)


async def test_a_solution_passes_again_for_its_vote_and_counts_once(tmp_path: Path) -> None:
    """For ten minutes: its vote may be lost before it is in the log. However it is spelt."""
    at, now, device, solution = await worked(tmp_path)
    again = json.loads(base64.b64decode(solution))
    again["solution"]["counter"] += 1
    again["more"] = 1
    forms = [solution, base64.b64encode(json.dumps(again).encode()).decode()]
    assert not await device.is_challenged(at, now, solution=forms[0])
    again_at = [await Device(id=device.id).votes(at, now + later, solution=form)
                for form in forms for later in (1, 600)]
    late = await Device(id=device.id).votes(at, now + 601, solution=solution)
    whose = await Device().votes(at, now + 1, solution=solution)

    assert [(each.said, each.challenge) for each in again_at] == [("solved", None)] * 4
    assert late.challenge is not None
    assert whose.challenge is not None
    assert (late.challenge.problem, whose.challenge.problem) == ("expired", "other")
    assert sum(each["solved"] for each in at.counts.due(now + 1_200)) == 1


@pytest.mark.parametrize("gateways", [2, 3])
async def test_a_solution_is_good_at_every_gateway(tmp_path: Path, gateways: int) -> None:
    """Whichever gave the challenge; it is the same vote at each, so the ledger counts it once."""
    at, now = [door(tmp_path, gateways=gateways) for _ in range(gateways)], begin()
    for each in at:
        await crowd(each, now)
    device = Device()
    await device.votes(at[0], now)
    assert device.work is not None
    solution = solved(device.work)
    done = [await Device(id=device.id).votes(each, now, solution=solution)
            for each in (*at[1:], *at)]

    assert {(each.said, each.challenge) for each in done} == {("solved", None)}
    assert (await Device().votes(at[1], now, solution=solution)).said == "asked"


def _broken(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def made(solution: str) -> str:
        payload = json.loads(base64.b64decode(solution))
        change(payload)
        return base64.b64encode(json.dumps(payload).encode()).decode()
    return made


ALTERATIONS: dict[str, Callable[[str], str]] = {
    "key": _broken(lambda p: p["solution"].update(derivedKey="00" * 32)),
    "no key": _broken(lambda p: p["solution"].pop("derivedKey")),
    "number as key": _broken(lambda p: p["solution"].update(derivedKey=7)),
    "prefix": _broken(lambda p: p["challenge"]["parameters"].update(keyPrefix="")),
    "cost": _broken(lambda p: p["challenge"]["parameters"].update(cost=2)),
    "later": _broken(lambda p: p["challenge"]["parameters"].update(
        expiresAt=p["challenge"]["parameters"]["expiresAt"] + 1)),
    "no end": _broken(lambda p: p["challenge"]["parameters"].pop("expiresAt")),
    "end as text": _broken(lambda p: p["challenge"]["parameters"].update(expiresAt="9" * 10)),
    "unsigned key": _broken(lambda p: p["challenge"]["parameters"].pop("keySignature")),
    "signature": _broken(lambda p: p["challenge"].update(signature="00" * 32)),
    "no signature": _broken(lambda p: p["challenge"].pop("signature")),
    "signature as number": _broken(lambda p: p["challenge"].update(signature=1)),
    "list": lambda _: base64.b64encode(b"[1]").decode(),
    "lists": lambda _: base64.b64encode(b'{"challenge":[1],"solution":[1]}').decode(),
    "deep": lambda _: base64.b64encode(b"[" * 1_000).decode(),
    "no base64": lambda _: "%%%",
    "not ASCII": lambda _: "é",
    "empty": lambda _: "e30=",
    "too long": lambda solution: solution + " " * (1_501 - len(solution)),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
async def test_an_altered_solution_does_not_do(tmp_path: Path, alteration: str) -> None:
    """And takes nothing from the real one."""
    at, now, device, solution = await worked(tmp_path)
    done = await Device(id=device.id).votes(
        at, now, solution=ALTERATIONS[alteration](solution))

    assert done.challenge is not None
    assert done.challenge.problem == "altered"
    assert not await device.is_challenged(at, now, solution=solution)


async def test_a_solution_comes_too_late_after_ten_minutes(tmp_path: Path) -> None:
    """Not a second more: work done in stock is of no use."""
    at, now, device, solution = await worked(tmp_path)
    late = await device.votes(at, now + 601, solution=solution)

    assert late.challenge is not None
    assert late.challenge.problem == "expired"
    assert not await device.is_challenged(at, now + 600, solution=solution)


async def test_work_is_checked_without_doing_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for right solutions nor for wrong ones: nobody can keep a gateway busy with them."""
    at, now, device, solution = await worked(tmp_path)
    derived: list[object] = []
    monkeypatch.setattr(altcha.v2, "_select_derive_key", lambda *_: derived.append)
    monkeypatch.setattr(work.Work, "challenge", lambda *_, **__: None)
    for alteration in ALTERATIONS.values():
        await Device(id=device.id).votes(at, now, solution=alteration(solution))

    assert not await device.is_challenged(at, now, solution=solution)
    assert derived == []


async def test_challenges_are_made_so_many_in_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those after them name the wait alone: making them costs more than a vote."""
    monkeypatch.setattr(work, "MADE_PER_SECOND", 10)
    at, now = door(tmp_path), begin()
    done = await crowd(at, now, devices=60)
    later = await crowd(at, now + 1, devices=1)

    asked = [each.challenge for each in (*done, *later) if each.challenge is not None]
    assert len(asked) == 31
    assert [each.work is not None for each in asked] == [True] * 5 + [False] * 25 + [True]
    assert all(each.leave for each in asked)


async def test_a_network_takes_only_a_part_of_the_challenges_of_a_second(tmp_path: Path) -> None:
    """Whatever one sends, others are still given work; all networks together have the bound."""
    at, now = door(tmp_path), int(begin())

    def made(network: bytes, number: int) -> int:
        return sum(at._work.challenge(
            bytes(16), "town", "p1", network=network, step=1, now=now) is not None
            for _ in range(number))

    of_one = made(HERE, 2 * work.MADE_PER_SECOND)
    of_others = [made(bytes([number]), 10) for number in range(100)]

    assert (of_one, of_others[0]) == (work.MADE_PER_SECOND // 2, 10)
    assert of_one + sum(of_others) == work.MADE_PER_SECOND
    assert len(at._work._made) <= work.MADE_PER_SECOND


@pytest.mark.parametrize("step", [1, 2, 3])
def test_work_is_as_long_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Two million iterations at the first step and eight above, give or take a quarter.

    The longest names of all fit into a solution as well.
    """
    monkeypatch.undo()
    numbers: list[int] = []
    create = altcha.create_challenge

    def noting(*given: Any, **named: Any) -> altcha.Challenge:
        numbers.append(named["counter"] * given[1])
        return create(*given, **named)

    monkeypatch.setattr(altcha, "create_challenge", noting)
    at, now = door(tmp_path, gateways=2), int(begin())
    names = "\u20ac" * 21
    made = at._work.challenge(bytes(16), names, names, network=HERE, step=step, now=now)
    assert made is not None
    payload = altcha.Payload(
        altcha.Challenge.from_dict(made), altcha.Solution(10_000, "00" * 32, 12_345.678))

    middle = {1: 2_000_000, 2: 8_000_000, 3: 8_000_000}[step]
    assert 0.75 * middle <= numbers[0] <= 1.25 * middle
    assert made["parameters"]["expiresAt"] == now + 600
    assert len(payload.to_base64()) <= work.SOLUTION_CHARACTERS


async def test_solved_challenges_are_remembered_in_bounds() -> None:
    """Until they end; more than it can remember it does not take, and so takes none twice."""
    spent = work.Spent(most=3)
    taken = [await spent.take(bytes([number]), 1_000) for number in (1, 2, 3, 1, 4)]
    later = [await spent.take(bytes([number]), 1_661) for number in (4, 1, 4)]

    assert taken == ["solved"] * 3 + ["replayed", "busy"]
    assert later == ["solved", "solved", "replayed"]
    assert len(spent) == 2
