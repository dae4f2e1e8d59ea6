"""When a lane inserts what it gathered: few inserts of a trickle, no wait after anything else."""

from schemas.topics import Topics
from sinks.lane import (
    GATHER_SECONDS,
    GATHER_SECONDS_MAX,
    INSERTS_PER_SECOND,
    TRICKLE_FIRST_SECONDS,
    TRICKLE_ROWS,
    TRICKLE_SECONDS,
    Lane,
    gather_seconds_of,
)
from sinks.logs import archived_logs


def test_a_trickle_that_lasts_is_inserted_ever_more_seldom() -> None:
    """Twice as long after each small insert, up to the bound."""
    lane, now, waits = _lane(), 100.0, []
    for _ in range(7):
        lane._trickle(3, now)
        waits.append(lane._trickle_until - now)
        now = lane._trickle_until + 0.1

    assert waits == [TRICKLE_FIRST_SECONDS, 3, 6, 12, 24, TRICKLE_SECONDS, TRICKLE_SECONDS]


def test_after_much_or_after_silence_nothing_waits_for_long() -> None:
    """Whoever waits for the archive after a campaign, or votes once, waits for no trickle."""
    lane = _lane()
    for now in (0.0, 2.0, 6.0):
        lane._trickle(3, now)
    lane._trickle(TRICKLE_ROWS, 14.0)
    after_much = lane._trickle_until - 14.0
    for now in (14.5, 16.5, 20.5):
        lane._trickle(3, now)
    silence_ends = lane._trickle_until + 1_000.0
    lane._trickle(3, silence_ends)

    assert after_much == 0
    assert lane._trickle_until - silence_ends == TRICKLE_FIRST_SECONDS > GATHER_SECONDS


async def test_many_lanes_ask_clickhouse_no_more_often_than_few() -> None:
    """Each gathers the longer the more there are, within a bound; few wait as they did."""
    assert [gather_seconds_of(lanes) for lanes in (1, 16, 69, 10_000)] == [
        GATHER_SECONDS, GATHER_SECONDS, 69 / INSERTS_PER_SECOND, GATHER_SECONDS_MAX]
    longer = Lane(archived_logs(Topics("town", 1))[0], 0, gather_seconds=7.0)
    longer._values += [b"x"] * TRICKLE_ROWS
    assert longer._gather_seconds() == 7.0


def _lane() -> Lane:
    return Lane(archived_logs(Topics("town", 1))[0], 0)
