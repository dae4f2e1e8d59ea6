"""Attacks as a benchmark, three seeds of a small day: naive ones are set aside, crowds are not."""

from itertools import pairwise

import pytest

from benchmarks.attacks import page
from benchmarks.attacks.crowds import CROWDS
from benchmarks.attacks.door import IGNORES, WAITS, Passed, at_the_door
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
from benchmarks.attacks.suites import REPORTED_ON, SUITES, Kept
from benchmarks.attacks.world import World


SCALE = 0.01
LOOKED_AT_AGAIN = 1.26
"""A quarter more, and those of one cut."""
FRAMED = "framing, 900 robots"


@pytest.fixture(scope="module", params=[1, 2, 3])
def day(request: pytest.FixtureRequest) -> Day:
    """Judge and count a day with the crowds, the naive suite, and three attacks more."""
    return day_of(request.param, SCALE, {
        **NAIVE, FRAMED: FRAMING[FRAMED], "forged": forged_proofs, "replays": replays})


@pytest.mark.parametrize("attack", list(NAIVE))
def test_naive_attacks_are_set_aside_soon(day: Day, attack: str) -> None:
    """Nearly all of it at the close; the first soon after it could be known.

    That is two judgements, or when the group has grown by a quarter: sooner nobody looks again.
    """
    found = day.attacks[attack]

    assert found.set_aside >= GOAL_SET_ASIDE * found.cast
    assert found.set_aside + found.reported + found.neither + found.not_taken == found.cast
    assert found.judgements is not None
    assert found.grown is not None
    assert found.judgements <= GOAL_JUDGEMENTS or found.grown <= LOOKED_AT_AGAIN
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

    assert len(ignoring) == len(waiting) == 2
    assert all(0 < one.counted <= LET_PASS_MOST for one in ignoring)
    assert all(0 < one.most_a_minute <= PASSES_PER_MINUTE for one in waiting)
    assert door["A1, works"].dollars > 50 * door[f"{IGNORES} what it is asked"].dollars


def test_the_page_is_what_was_measured() -> None:
    """Written from what is kept, on seeds that no number was fixed on."""
    kept = Kept()
    text = (page.TEMPLATE.parents[2] / "docs" / "attacks.md").read_text("utf-8")

    assert text == page.page(kept)
    assert all(kept.seeds(suite) for suite in SUITES if not SUITES[suite].telling)
    assert all(seed in REPORTED_ON for suite in SUITES for seed in kept.seeds(suite))
