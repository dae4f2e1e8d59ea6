"""Waiting times: from when logs were how long, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from views.operations.ruler import HOPS, POINTS_MAX, STALE_SECONDS, Lag, Ruler, Timeline


def test_what_waits_has_waited_since_the_log_passed_it() -> None:
    """Between two looks the passing is interpolated; nothing waits at the end."""
    line = Timeline()
    for at, offset in ((0.0, 100), (10.0, 100), (11.0, 110)):
        line.see(offset, at)

    assert line.waiting_seconds(110, 15.0) == 0
    assert line.waiting_seconds(109, 15.0) == pytest.approx(4.0)
    assert line.waiting_seconds(100, 15.0) == pytest.approx(4.9)
    assert line.waiting_seconds(3, 15.0) == 15.0  # Passed before the first look.


@given(moves=st.lists(st.integers(0, 50), min_size=1, max_size=3 * POINTS_MAX),
       share=st.floats(0, 1))
def test_thinning_keeps_waits_between_true_bounds(moves: list[int], share: float) -> None:
    """However long a log is followed, memory is bounded and a wait errs by one stretch at most."""
    line, offset = Timeline(), 0
    passed: dict[int, float] = {}
    for at, move in enumerate(moves):
        passed |= {offset + step: float(at) for step in range(move)}
        offset += move
        line.see(offset, float(at))
    asked = int(share * offset)
    now = float(len(moves))
    stretch = max((found for found in line._stretches if found.offset > asked),
                  key=lambda found: -found.offset, default=None)

    assert len(line._stretches) <= POINTS_MAX
    waited = line.waiting_seconds(asked, now)
    if stretch is None:
        assert waited == 0
    else:
        assert stretch.before <= passed[asked] <= stretch.at
        assert now - stretch.at <= waited <= now - stretch.before


def test_a_hop_is_measured_between_its_two_places() -> None:
    """Records and seconds by hop; a place that goes back or was never seen invents nothing."""
    ruler = Ruler()
    for place, offset in (("votes", 10), ("ledger", 8), ("results", 8), ("votes", 9)):
        ruler.see(place, 0, offset, 1.0)
    ruler.see("votes", 1, 5, 1.0)
    ruler.see("ledger", 1, 5, 1.0)

    assert ruler.lag("gateway_ledger", 0, 3.0) == Lag(2, 2.0)
    assert ruler.lag("ledger_results", 0, 3.0) == Lag(0, 0.0)
    assert ruler.lag("gateway_page", 0, 3.0) == Lag()
    assert ruler.worst("gateway_ledger", 3.0) == Lag(2, 2.0)
    assert ruler.worst("gateway_archive", 3.0) == Lag()


def test_nobody_is_up_to_date_with_a_log_that_is_not_seen() -> None:
    """While the broker is silent, what waits is still told, and nothing is up to date."""
    ruler = Ruler()
    for place, offset in (("votes", 10), ("ledger", 10), ("page", 7)):
        ruler.see(place, 0, offset, 0.0)
    later = STALE_SECONDS + 1

    assert ruler.lag("gateway_ledger", 0, later) == Lag()
    assert ruler.lag("gateway_page", 0, later) == Lag(3, later)
    assert len(HOPS) == 6
