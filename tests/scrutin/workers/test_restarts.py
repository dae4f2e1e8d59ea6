"""Workers start again one by one, after pauses, and not for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED, EXIT_UNREADABLE
from scrutin.workers.restarts import (
    PAUSE_SECONDS,
    PAUSE_SECONDS_MOST,
    RESTARTS_MOST,
    STEADY_SECONDS,
    GivenUp,
    Restarts,
)


KILLED = -9


def running(workers: int, now: float = 0.0) -> Restarts:
    """Start workers, all of which take requests."""
    found = Restarts(workers)
    for each in found.due(now):
        found.takes(each, now)
    return found


def test_all_start_together_once() -> None:
    """And nobody has to be started after that."""
    restarts = Restarts(3)

    assert [*restarts.due(0.0)] == [1, 2, 3]
    assert [*restarts.due(1.0)] == []
    assert (restarts.taking, restarts.restarts, restarts.wait_seconds(1.0)) == (0, 0, None)


def test_of_those_that_end_together_one_starts_at_a_time() -> None:
    """The next one once the one before takes requests, or has ended itself."""
    restarts = running(3)
    for each in (1, 2, 3):
        restarts.ended(each, KILLED, 100.0)
    begun = [[*restarts.due(110.0)], [*restarts.due(120.0)]]
    restarts.takes(1, 130.0)
    begun.append([*restarts.due(130.0)])
    restarts.ended(2, KILLED, 140.0)
    begun.append([*restarts.due(140.0)])

    assert begun == [[1], [], [2], [3]]
    assert (restarts.taking, restarts.restarts) == (1, 3)


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(("take", "end")), st.floats(
    0.0, 100.0)), max_size=60))
def test_never_do_two_start_at_once_after_the_beginning(
    steps: list[tuple[int, str, float]]
) -> None:
    """Whatever happens when: at most one is on its way, and each is started, or waits, or runs."""
    restarts, now = running(4), 0.0
    up, starting = {1, 2, 3, 4}, set[int]()
    for worker, what, later in steps:
        now += later
        if what == "take" and worker in starting:
            restarts.takes(worker, now)
            up.add(worker)
        elif what == "end" and worker in up | starting:
            try:
                restarts.ended(worker, KILLED, now)
            except GivenUp:
                return
            up.discard(worker)
        else:
            continue
        starting.discard(worker)
        starting |= {*restarts.due(now)}
        assert len(starting) <= 1
        assert restarts.taking == len(up)


def test_pauses_double_up_to_a_bound_and_a_steady_worker_begins_anew() -> None:
    """Who took requests long enough has no row behind it."""
    restarts, now, pauses = running(2), 0.0, []
    for _ in range(RESTARTS_MOST):
        restarts.ended(1, KILLED, now)
        pauses.append(restarts.wait_seconds(now) or 0.0)
        now += pauses[-1]
        assert [*restarts.due(now)] == [1]
        restarts.takes(1, now)
    now += STEADY_SECONDS
    restarts.ended(1, KILLED, now)

    assert pauses == [min(PAUSE_SECONDS * 2 ** row, PAUSE_SECONDS_MOST)
                      for row in range(RESTARTS_MOST)]
    assert restarts.wait_seconds(now) == PAUSE_SECONDS


@pytest.mark.parametrize(("status", "ends"), [
    (KILLED, EXIT_STOPPED), (1, EXIT_STOPPED), (EXIT_MISSING, EXIT_MISSING)])
def test_who_ends_again_and_again_is_given_up_with_the_reason(status: int, ends: int) -> None:
    """After so many starts in a row; another one that ends once is none of them."""
    restarts, now = running(2), 0.0
    restarts.ended(2, KILLED, now)
    for _ in range(RESTARTS_MOST):
        restarts.ended(1, status, now)
        while 1 not in (begun := [*restarts.due(now := now + PAUSE_SECONDS_MOST)]):
            for other in begun:
                restarts.takes(other, now)
        restarts.takes(1, now)
    with pytest.raises(GivenUp, match=f"worker 1 ended {RESTARTS_MOST + 1} times") as given_up:
        restarts.ended(1, status, now)

    assert given_up.value.status == ends


def test_who_ends_in_order_before_it_takes_requests_is_given_up_too() -> None:
    """Nobody told it to: else it would be started again at once, for ever."""
    restarts, now, pauses = running(2), 0.0, []
    restarts.ended(1, 0, now)
    for _ in range(RESTARTS_MOST + 1):
        pauses.append(restarts.wait_seconds(now))
        now += PAUSE_SECONDS_MOST
        assert [*restarts.due(now)] == [1]
        if len(pauses) <= RESTARTS_MOST:
            restarts.ended(1, 0, now)
    with pytest.raises(GivenUp):
        restarts.ended(1, 0, now)

    assert pauses[:3] == [0.0, PAUSE_SECONDS, 2 * PAUSE_SECONDS]


@pytest.mark.parametrize("status", [EXIT_MISSING, EXIT_UNREADABLE])
def test_what_is_missing_at_the_first_start_is_said_at_once(status: int) -> None:
    """As by a process alone: an address that is taken does not become free by starting again."""
    restarts = Restarts(2)
    assert [*restarts.due(0.0)] == [1, 2]

    with pytest.raises(GivenUp) as given_up:
        restarts.ended(2, status, 1.0)

    assert given_up.value.status == status


def test_a_worker_that_was_told_to_stop_by_itself_begins_anew_at_once() -> None:
    """However often: an operator changes them one by one."""
    restarts, now = running(2), 0.0
    for _ in range(3 * RESTARTS_MOST):
        restarts.ended(1, 0, now)
        assert [*restarts.due(now)] == [1]
        restarts.takes(1, now)

    assert restarts.restarts == 3 * RESTARTS_MOST
