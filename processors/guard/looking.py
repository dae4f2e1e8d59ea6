"""The second key: whether a group bears a mark of a machine, and who of it does. Pure.

Theory of operation: what marks ask for is counted as voters come (`counts`), so a look costs what
is new, however large the group. Of version 2 on, each judgement in which anything of a group moved
asks which marks it bears. One that it no longer bears binds nobody more; for one that it did not
bear the first key is asked anew, and all its voters are gone through. Version 1 asked when the
group had grown by a quarter, and what it bore then held until it had grown so again.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from processors.guard import marks
from processors.guard.chances import tail
from processors.guard.counts import Counts
from processors.guard.day import Day
from processors.guard.findings import Found, Group, Numbers
from processors.guard.flags import USUAL, USUAL_OF_ITEM
from processors.guard.marks import Mark
from processors.guard.parameters import CROWD, FIRST_VERSION, SPREAD, Rule


READ_BALLOTS_AFTER_MS = 120_000
"""A ballot is read so long after its first vote: then most people have cast what they will."""
BALLOTS_LEAST = {CROWD: marks.NETWORK_BALLOTS_LEAST, SPREAD: marks.STRATUM_BALLOTS_LEAST}
FirstKey = Callable[[], tuple[int, Numbers]]
"""Gives the score of a group, and its figures."""


def look(
    day: Day, group: Group, rule: Rule, item: int, now: int, first_key: FirstKey
) -> Iterator[Found]:
    """Look at a group: for both keys where it is due, else for who bears the marks it bears."""
    came, counts = _take_up(day, group, now)
    size, holds = len(group.members), False
    grown = group.grown(size)
    borne = None if rule.version == FIRST_VERSION else _marks(day, group, counts, rule, item)
    if borne is None:
        due = (group.ripe(counts.read.total, BALLOTS_LEAST[rule.rule])
               or group.answered(len(group.had_time)))
    else:
        due = not {mark.kind for mark in borne} <= {mark.kind for mark in group.marks}
        group.marks = borne
    if grown or due:
        group.looked = size if grown else group.looked
        group.looked_mature, group.looked_answered = counts.read.total, len(group.had_time)
        score, group.numbers = first_key()
        holds = score >= rule.parameters["score"]
        if borne is None:
            borne = _marks(day, group, counts, rule, item)
        group.marks = borne if holds else ()
        came = [row for row in group.members if row not in group.bearing] if group.marks else []
    for mark in group.marks:
        if mark.kind == marks.NO_HANDS:
            group.bearing |= group.had_time - day.work.passed
        else:
            group.bearing.update(_bearers(day, counts, mark, came, now))
    yield from _said(day, group, rule, item, grown=grown and holds)


def _said(day: Day, group: Group, rule: Rule, item: int, *, grown: bool) -> Iterator[Found]:
    """Say who newly bears a mark, or else who newly belongs to a group that has grown."""
    rows = group.newly_bearing(rule)
    kinds = tuple(sorted({mark.kind for mark in group.marks})) or group.kinds
    numbers = group.numbers + tuple(one for mark in group.marks for one in mark.numbers)
    if rows:
        group.kinds = kinds
    elif grown and not group.marks:
        rows, kinds = set(group.members) - group.told - group.bearing, ()
        group.told |= rows
    if rows:
        voters = tuple(sorted(day.voters[row] for row in rows))
        yield Found(group, rule, item, tuple(sorted(numbers)), kinds, voters)


# What is counted


def _take_up(day: Day, group: Group, now: int) -> tuple[list[int], Counts]:
    """Count what moved since the last look; return who came or can be read now, and the counts."""
    counts, read = group.counts, now - READ_BALLOTS_AFTER_MS
    if counts is None:
        counts = group.counts = Counts()
        _count(day, counts, group.members)
        immature = set(group.immature)
        _read(day, counts, (row for row in group.members if row not in immature))
    elif group.recast:
        _recast(day, counts, group)
    group.recast.clear()
    came = group.fresh
    ripe = group.ripen(day.times, read)
    _count(day, counts, came)
    _read(day, counts, (row for row in ripe if day.times[row] <= read))
    group.read_until = read
    if day.work.asked_at:
        group.asked.update(row for row in came if row in day.work.asked_at)
    had_time = {row for row in group.asked if day.work.has_had_time(row, now)}
    group.asked -= had_time
    group.had_time |= had_time
    group.answering = bool(group.asked)
    return ripe, counts


def _recast(day: Day, counts: Counts, group: Group) -> None:
    """Count ballots anew that were counted before; those who just came are not counted yet."""
    came = set(group.fresh)
    for row, before in group.recast.items():
        if row in came:
            continue
        after = day.ballot_bytes(row)
        if day.times[row] <= group.read_until:
            counts.read.recast(before, after)
        if day.flags[row] & USUAL_OF_ITEM:
            counts.usual.recast(before, after)


def _count(day: Day, counts: Counts, rows: list[int]) -> None:
    if not rows:
        return
    counts.came([day.times[row] for row in rows])
    for row in rows:
        flags, pace = day.flags[row], day.pause(row)
        counts.paces[pace] += 1
        counts.usual_paces[pace] += bool(flags & USUAL)
        if flags & USUAL_OF_ITEM:
            counts.usual.add(day.ballot_bytes(row))


def _read(day: Day, counts: Counts, rows: Iterable[int]) -> None:
    for row in rows:
        counts.read.add(day.ballot_bytes(row))


# Marks


def _marks(day: Day, group: Group, counts: Counts, rule: Rule, item: int) -> tuple[Mark, ...]:
    """Return the marks that a group bears, by what is counted."""
    found = (marks.even_gaps(*counts.gaps()), _ballot_mark(day, counts, rule, item),
             _pace_mark(day, counts), _hands_mark(day, group))
    return tuple(mark for mark in found if mark is not None)


def _hands_mark(day: Day, group: Group) -> Mark | None:
    own, work = group.had_time, day.work
    if len(own) < marks.HANDS_LEAST:
        return None
    solved = len(own & work.passed)
    return marks.no_hands(
        len(own), solved, len(work.had_time) - len(own), len(work.passed) - solved)


def _ballot_mark(day: Day, counts: Counts, rule: Rule, item: int) -> Mark | None:
    size = counts.read.total
    if size < BALLOTS_LEAST[rule.rule]:
        return None
    ballot = counts.read.commonest
    held = counts.read.held(ballot)
    floor = marks.NETWORK_FLOOR if rule.rule == CROWD else marks.STRATUM_FLOOR
    if tail(held, size, floor) < marks.BALLOT_SCORE_LEAST:
        return None  # Whatever others do, the bound is no lower.
    usual = day.watched.usual[item]
    of_item = usual.held(ballot) - counts.usual.held(ballot), usual.total - counts.usual.total
    bound = marks.ballot_bound(of_item, (day.single, day.asked), floor)
    return marks.one_ballot(tuple(array("i", ballot)), held, size, bound)


def _pace_mark(day: Day, counts: Counts) -> Mark | None:
    if len(counts.times) < marks.PACE_LEAST:
        return None
    others = (all_rows - own for all_rows, own in zip(day.paces, counts.usual_paces, strict=True))
    return marks.one_pace(dict(enumerate(counts.paces)), dict(enumerate(others)))


def _bearers(
    day: Day, counts: Counts, mark: Mark, rows: list[int], now: int
) -> Iterator[int]:
    """Return those of some members who bear a mark."""
    if mark.kind == marks.METRONOME:
        times = counts.times
        for row in rows:
            at = bisect_left(times, day.times[row])
            near = times[max(0, at - 1):at] + times[at + 1:at + 2]
            if any(abs(day.times[row] - other) <= mark.limit for other in near):
                yield row
    elif mark.kind == marks.ONE_PACE:
        yield from (row for row in rows if day.pause(row) in mark.buckets)
    else:
        read = now - READ_BALLOTS_AFTER_MS
        yield from (row for row in rows
                    if day.times[row] <= read and day.ballot(row) == mark.ballot)
