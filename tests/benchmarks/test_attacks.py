"""Attacks as a benchmark, three seeds of a small day: naive ones are set aside, crowds are not."""

from itertools import pairwise

import pytest

from benchmarks.attacks import page
from benchmarks.attacks.crowds import CROWDS
from benchmarks.attacks.door import IGNORES, WAITS, Passed, at_the_door, people_at_the_door
from benchmarks.attacks.framing import FRAMING
from benchmarks.attacks.informed import forged_proofs, replays
from benchmarks.attacks.naive import NAIVE, drip, even
from benchmarks.attacks.outcomes import BESIDE, EVERYBODY, Day, day_of
from benchmarks.attacks.page import (
    GOAL_HARMED,
    GOAL_JUDGEMENTS,
    GOAL_SET_ASIDE,
    LET_PASS_MOST,
    PASSES_PER_MINUTE,
)
from benchmarks.attacks.suites import FIXED_ON, REPORTED_ON, SUITES, Kept
from benchmarks.attacks.world import World


SCALE = 0.01
FRAMED = "framing, 900 robots"


@pytest.fixture(scope="module", params=[1, 2, 3])
def day(request: pytest.FixtureRequest) -> Day:
    """Judge and count a day with the crowds, the naive suite, and three attacks more."""
    return day_of(request.param, SCALE, {
        **NAIVE, FRAMED: FRAMING[FRAMED], "forged": forged_proofs, "replays": replays})


@pytest.mark.parametrize("attack", list(NAIVE))
def test_naive_attacks_are_set_aside_soon(day: Day, attack: str) -> None:
    """Nearly all of it at the close; the first within two judgements after it could be known."""
    found = day.attacks[attack]

    assert found.set_aside >= GOAL_SET_ASIDE * found.cast
    assert found.set_aside + found.reported + found.neither + found.not_taken == found.cast
    assert found.judgements is not None
    assert found.judgements <= GOAL_JUDGEMENTS
    assert found.counted_most < found.cast


@pytest.mark.parametrize("crowd", [EVERYBODY, *CROWDS])
def test_honest_crowds_are_not_set_aside(day: Day, crowd: str) -> None:
    """While all that goes on; the two blind spots are not among them."""
    assert day.crowds[crowd].set_aside <= GOAL_HARMED * day.crowds[crowd].voters


def test_framing_costs_what_an_attack_costs(day: Day) -> None:
    """An honest vote falls only for a vote of a robot that falls, too: two requests at least."""
    robots, pupils = day.attacks[FRAMED], day.crowds[BESIDE + FRAMED]

    assert 2 * pupils.set_aside <= robots.requests
    assert pupils.set_aside <= robots.set_aside


def test_what_the_ledger_does_not_take_is_no_finding(day: Day) -> None:
    """Votes with forged proofs are unproven; one vote sent again is one vote."""
    forged, replayed = day.attacks["forged"], day.attacks["replays"]

    assert (forged.not_taken, forged.set_aside) == (forged.cast, 0)
    assert (replayed.not_taken, replayed.counted_most) == (replayed.cast - 1, 1)


def test_a_seed_names_one_day() -> None:
    """The same attack from the same seed; another from another."""
    made = [drip(World(seed, 0, [1.0] * 50)) for seed in ("1", "1", "2")]

    assert made[0] == made[1]
    assert made[0] != made[2]
    assert all(later > earlier for earlier, later in pairwise(
        even(World("3", 0, [1.0]), 100, 1_000, 0.5, 0)))


@pytest.fixture(scope="module")
def door() -> dict[str, Passed]:
    """Have attacks meet the gateway's ladder."""
    return at_the_door(1)


def test_the_door_bounds_what_a_machine_behind_one_address_may_count(
        door: dict[str, Passed]) -> None:
    """By one gateway or two: some votes where it ignores what it is asked, some a minute if not."""
    ignoring = [one for name, one in door.items() if name.startswith(IGNORES)]
    waiting = [one for name, one in door.items() if name.startswith(WAITS)]

    assert (len(ignoring), len(waiting)) == (2, 4)
    assert all(0 < one.counted <= LET_PASS_MOST for one in ignoring)
    assert all(0 < one.most_a_minute <= PASSES_PER_MINUTE for one in waiting)
    assert door["A1, works"].dollars > 50 * door[f"{IGNORES} what it is asked"].dollars


def test_of_honest_people_those_are_asked_who_come_by_a_link_from_one_place() -> None:
    """They are let in by what they do, within seconds; nobody is asked for what was drawn."""
    found = people_at_the_door(1, SCALE)
    school = found["school that strips cookies, 400"]

    assert {name for name, one in found.items() if one.asked} >= {
        "lycée of 900, its own proposal", "amphitheatre of 300", "company of 600"}
    assert not found[EVERYBODY].asked
    assert not found["20 lycées of 900, what is drawn"].asked
    assert all(not one.never and one.most_seconds <= 60 for one in found.values()
               if one is not school)
    assert 0 < school.never == school.asked


def test_the_page_is_what_was_measured() -> None:
    """Written from what is kept, on seeds that no number was fixed on, and on those apart."""
    kept = Kept()
    text = (page.TEMPLATE.parents[2] / "docs" / "attacks.md").read_text("utf-8")

    assert text == page.page(kept)
    assert all(kept.seeds(suite) for suite in SUITES if not SUITES[suite].telling)
    assert not set(FIXED_ON) & set(REPORTED_ON)
    assert kept.seeds("naive", FIXED_ON)
