"""The ladder by network and proposal: who passes in any minute, and when it comes down. Pure."""

import itertools
import secrets

from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import ladder
from producers.gateway.cells import TRIES
from producers.gateway.ladder import (
    FRESH_DEVICES,
    LADDER_BYTES,
    PASSES_PER_MINUTE,
    QUIET_SECONDS,
    RAISED_MOST,
    SOLVED_MOST,
    Ladder,
    target_of,
)
from producers.gateway.rates import part
from producers.gateway.recent import Recent, Until
from tests.producers.gateway.doors import HERE, THERE


P1, P2 = target_of("town", "p1"), target_of("town", "p2")
GAPS = st.lists(st.floats(0, 400), min_size=1, max_size=200)


def new() -> bytes:
    """Name a device that was never here."""
    return secrets.token_bytes(16)


def test_a_crowd_at_other_places_lets_nobody_pass_uncounted() -> None:
    """Where the cells of those who were counted are all taken, each counts whenever it comes."""
    ladder, now = Ladder(places=1 << 6, networks=1 << 12), 1e9
    for number in range(1_000):
        ladder.ask(THERE, target_of("town", f"p{number}"), new(), now)
    passed = sum(not ladder.ask(HERE, P1, new(), now) for _ in range(400))

    assert passed <= FRESH_DEVICES


def small(gateways: int = 1) -> Ladder:
    """Make a ladder that takes little room, and has enough."""
    return Ladder(gateways=gateways, places=1 << 14, networks=1 << 12)


@given(GAPS, st.sampled_from((1, 2, 7)))
def test_all_of_the_window_is_counted_and_little_more(gaps: list[float], cells: int) -> None:
    """Never less than what came in it; never what is older by more than one part of it."""
    recent = Recent(1 << cells, seconds=600, parts=5)
    came = list(itertools.accumulate(gaps, initial=1e9))
    for place, now in enumerate(came):
        counted = recent.add(b"name", now)

        assert counted == recent.count(b"name", now)
        assert sum(now - each < 600 for each in came[:place + 1]) <= counted
        assert counted <= sum(now - each <= 600 + 120 for each in came[:place + 1])


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 2_000)), max_size=300))
def test_who_shares_a_cell_is_counted_for_more_never_for_less(
    acts: list[tuple[int, int]]
) -> None:
    """However many names come, in whatever order: the bounds grow stricter, and memory stays."""
    recent = Recent(8, seconds=600, parts=5)
    size, own = recent.size_bytes, dict[int, list[float]]()
    now = 1e9
    for name, gap in acts:
        now += gap / 100
        own.setdefault(name, []).append(now)
        counted = recent.add(b"%d" % name, now)

        if len(own) <= TRIES:
            assert counted >= sum(now - each < 600 for each in own[name])
    assert recent.size_bytes == size


def test_a_clock_that_was_set_back_frees_nobody_for_long() -> None:
    """By a part of the window: nothing is lost. By more: it begins anew, and counts again."""
    recent = Recent(8, seconds=600, parts=5)
    for _ in range(20):
        recent.add(b"name", 1e9)

    assert recent.add(b"name", 1e9 - 100) == 21
    assert recent.add(b"name", 1e9 - 5_000) == 1
    assert recent.add(b"name", 1e9 - 5_000) == 2


@given(GAPS, st.integers(1, 3))
def test_of_any_ten_minutes_so_many_pass_until_there_is_a_step(
    gaps: list[float], gateways: int
) -> None:
    """Whoever they are and however they come, spread over gateways as they like."""
    ladders = [small(gateways) for _ in range(gateways)]
    passed: list[float] = []
    for place, now in enumerate(itertools.accumulate(gaps, initial=1e9)):
        if not ladders[place % gateways].ask(HERE, P1, new(), now):
            passed.append(now)
    most = gateways * part(FRESH_DEVICES, gateways)

    assert all(sum(0 <= now - each < 600 for each in passed) <= most for now in passed)


def test_a_place_is_a_network_and_a_proposal() -> None:
    """Neighbours on other networks, proposals and consultations notice nothing."""
    steps = small()
    for _ in range(1_000):
        steps.ask(HERE, P1, new(), 1e9)

    assert steps.ask(HERE, P1, new(), 1e9) == 1
    for network, target in ((THERE, P1), (HERE, P2), (HERE, target_of("city", "p1"))):
        assert not steps.ask(network, target, new(), 1e9)


def test_a_device_counts_once_in_a_window() -> None:
    """However often it comes: it alone raises nothing, and keeps nothing raised for ever."""
    steps, one = small(), new()
    for moment in range(0, 3_600, 10):
        assert not steps.ask(HERE, P1, one, 1e9 + moment)
    for _ in range(FRESH_DEVICES + 1):
        steps.ask(HERE, P2, new(), 2e9)
    met = [steps.ask(HERE, P2, one, 2e9 + moment) for moment in range(0, 7_200, 10)]

    assert (met[0], met[-1]) == (1, 0)


def test_where_devices_find_no_room_they_are_not_counted_and_a_crowd_leaves_room() -> None:
    """More names than cells raise nothing; who comes past the bound of a place takes no cell."""
    full = Until(1, most_seconds=60)
    assert full.begin(b"name", 1e9 + 60, 1e9)
    assert not full.begin(b"name", 1e9 + 60, 1e9)
    assert not full.begin(b"other", 1e9 + 60, 1e9)
    assert full.begin(b"other", 1e9 + 120, 1e9 + 60)
    steps = Ladder(places=1 << 12, networks=1 << 6)
    for _ in range(20_000):
        steps.ask(HERE, P1, new(), 1e9)
    for _ in range(FRESH_DEVICES + 1):
        steps.ask(THERE, P1, new(), 1e9)

    assert (full.left(b"other", 1e9 + 100), steps.ask(THERE, P1, new(), 1e9)) == (20, 1)


def test_it_comes_down_a_step_each_half_hour_of_quiet() -> None:
    """Quiet is where nothing raised it; what raises it again starts the half hour anew."""
    steps, now = small(), 1e9
    for _ in range(FRESH_DEVICES + 1):
        steps.ask(HERE, P1, new(), now)
    for _ in range(SOLVED_MOST + 1):
        steps.solved(HERE, P1, now)

    assert steps.ask(HERE, P1, new(), now + QUIET_SECONDS - 1) == 2
    assert steps.ask(HERE, P1, new(), now + QUIET_SECONDS) == 1
    assert steps.ask(HERE, P1, new(), now + 2 * QUIET_SECONDS - 1) == 1
    assert steps.ask(HERE, P1, new(), now + 2 * QUIET_SECONDS) == 0
    for moment in range(0, 7_200, 5):
        steps.ask(HERE, P2, new(), now + moment)
    assert steps.ask(HERE, P2, new(), now + 7_200 + QUIET_SECONDS - 10) == 1


def test_many_solved_in_a_network_make_work_longer_where_they_are() -> None:
    """Past the bound, and there alone."""
    steps = small()
    for _ in range(SOLVED_MOST):
        steps.solved(HERE, P1, 1e9)
    assert steps.ask(HERE, P1, new(), 1e9) == 0
    steps.solved(HERE, P2, 1e9)

    assert [steps.ask(network, target, new(), 1e9) for network, target in (
        (HERE, P2), (HERE, P1), (THERE, P2))] == [2, 0, 0]
    for _ in range(2 * SOLVED_MOST):
        steps.solved(HERE, P2, 1e9)
    assert steps.ask(HERE, P2, new(), 1e9) == ladder.HIGHEST


@given(st.lists(st.floats(0, 3), min_size=1, max_size=400), st.integers(1, 3))
def test_of_any_minute_so_many_pass_by_waiting(gaps: list[float], gateways: int) -> None:
    """In all gateways together; the others are told how long to wait, and never for ever."""
    ladders = [small(gateways) for _ in range(gateways)]
    passed: list[float] = []
    for place, now in enumerate(itertools.accumulate(gaps, initial=1e9)):
        seconds = ladders[place % gateways].passes(HERE, P1, new(), now)
        assert seconds == 0 or 20 <= seconds <= ladder.WAIT_MOST_SECONDS
        if not seconds:
            passed.append(now)
    most = gateways * part(PASSES_PER_MINUTE, gateways)

    assert all(sum(0 <= now - each < 60 for each in passed) <= most for now in passed)


def test_a_voter_passes_once_and_who_is_told_to_wait_is_told_the_same_until_then() -> None:
    """However often it asks: it takes nobody's turn, and makes nobody's wait longer."""
    steps, one = small(), new()
    assert [steps.passes(HERE, P1, one, 1e9 + moment) for moment in range(59)] == [0] * 59
    rest = [steps.passes(HERE, P1, new(), 1e9 + 59) for _ in range(PASSES_PER_MINUTE - 1)]
    asks = new()
    told = [steps.passes(HERE, P1, asks, 1e9 + 59 + moment) for moment in range(20)]

    assert rest == [0] * (PASSES_PER_MINUTE - 1)
    assert told == list(range(20, 0, -1))
    assert steps.passes(HERE, P1, new(), 1e9 + 59) == 20
    assert steps.waits(HERE, P2, asks, 1e9 + 59) == steps.waits(HERE, P1, asks, 1e9 + 79) == 0


def test_what_the_patrol_raises_holds_until_it_says() -> None:
    """For a network by its name of the day, a proposal or all of them; the highest that holds."""
    steps = small()
    steps.raise_named(b"net", P1, 2, 5_000, 1_000)
    steps.raise_named(b"net", P1, 1, 9_000, 1_000)
    steps.raise_named(b"net", b"", 1, 3_000, 1_000)
    steps.raise_named(b"old", P1, 3, 1_000, 1_000)

    assert [steps.named(b"net", P1, at) for at in (1_000, 4_999, 8_999, 9_000)] == [2, 2, 2, 0]
    assert [steps.named(b"net", P2, at) for at in (1_000, 2_999, 3_000)] == [1, 1, 0]
    assert (steps.named(b"other", P1, 1_000), steps.named(b"old", P1, 999)) == (0, 0)
    assert steps.raised == 2


def test_its_memory_is_fixed() -> None:
    """Whoever comes; what the patrol raises has a bound of its own, and makes room as it ends."""
    steps = Ladder()
    assert steps.size_bytes == LADDER_BYTES
    for number in range(200):
        steps.ask(number.to_bytes(4, "big"), P1, new(), 1e9)
        steps.raise_named(number.to_bytes(4, "big"), P1, 1, 2_000, 1_000)
    for number in range(RAISED_MOST):
        steps.raise_named(number.to_bytes(5, "big"), P1, 1, 9_000, 1_000)

    assert (steps.size_bytes, steps.raised) == (LADDER_BYTES, RAISED_MOST)
    steps.raise_named(b"late", P1, 1, 9_000, 2_000)
    assert steps.named(b"late", P1, 2_000) == 1
