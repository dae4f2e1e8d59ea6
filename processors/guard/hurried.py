"""Rule 4: one voter who votes on more proposals in a minute than anybody reads. Pure."""

from collections.abc import Iterator

from processors.guard.day import Day
from processors.guard.findings import Found
from processors.guard.marks import HURRY
from processors.guard.parameters import HURRIED, Rule


def hurried(day: Day, rule: Rule, _now: int, _proposals: int) -> Iterator[Found]:
    """R4: look at each voter with many items who got another one.

    What counts is the first vote on each proposal; who changes a mind, or is delivered again, does
    not hurry.
    """
    for row in sorted(day.hasty):
        fastest = _fastest(day, row, rule.parameters["votes"])
        if fastest is None or fastest > 1_000 * rule.parameters["seconds"]:
            continue
        group = day.group_of(HURRIED, row)
        if group is None:
            break
        group.bearing.add(row)
        group.numbers = (("fastest_milliseconds", fastest), ("votes", rule.parameters["votes"]))
    day.hasty.clear()
    for row, group in sorted(day.groups.get(HURRIED, {}).items()):
        if group.newly_bearing(rule):
            yield Found(group, rule, -1, group.numbers, (HURRY,), (day.voters[row],))


def _fastest(day: Day, row: int, votes: int) -> int | None:
    """Return the shortest time within which so many proposals were voted on; None of fewer."""
    first: dict[int, int] = {}
    for time, item in day.moments(row):
        first[item >> 2] = min(time, first.get(item >> 2, time))
    times = sorted(first.values())
    return min((times[at + votes - 1] - times[at] for at in range(len(times) - votes + 1)),
               default=None)
