"""Waiting for other processes: bounded, and told from giving up."""

from itertools import count

import pytest

from deploy.machine.waiting import until


@pytest.mark.parametrize(("looks", "seconds", "holds"), [(3, 30.0, True), (10**9, 0.0, False)])
def test_a_wait_ends_with_its_condition_or_with_its_time(
    looks: int, seconds: float, holds: bool  # noqa: FBT001 -- a column of the table above
) -> None:
    """What comes true is seen at the next look; what does not is given up once the time is over."""
    asked = count(1)

    assert until(lambda: next(asked) >= looks, seconds=seconds, poll_seconds=0) is holds
