"""Count the votes of consultations by day: what the results page shows of participation in time.

Theory of operation: a log never changes, so what is counted of a block of it stays. The archive
keeps the counts of each full block by quarter of an hour, of which the days of every time zone are
made up; a question adds them up, and counts only the offsets behind the last block itself.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks import gauge


KEEP_BLOCK = """
INSERT INTO vote_quarters
SELECT topic, partition, {first:UInt64}, consultation,
    toInt64(floor(toUnixTimestamp64Milli(occurred_at) / 900000)) AS quarter,
    countIf(kind = 'vote_cast')
FROM votes_log
WHERE topic = {topic:String} AND partition = {partition:UInt32}
    AND offset >= {first:UInt64} AND offset < {end:UInt64}
GROUP BY topic, partition, consultation, quarter
"""
"""Has a block's votes by quarter of an hour kept."""
_KEPT_BLOCKS = """
SELECT partition, groupUniqArray(first) FROM vote_quarters WHERE topic = {topic:String}
GROUP BY partition
"""
_OF_BLOCKS = """
SELECT toString(toDate(toTimeZone(fromUnixTimestamp64Milli(quarter * 900000), {zone:String}))),
    sum(votes)
FROM vote_quarters FINAL
WHERE topic = {topic:String} AND consultation = {consultation:String} AND (%s)
GROUP BY 1
"""
_BEHIND = """
SELECT toString(toDate(toTimeZone(occurred_at, {zone:String}))), count() FROM votes
WHERE topic = {topic:String} AND (%s) AND consultation = {consultation:String}
    AND kind = 'vote_cast'
GROUP BY 1
"""


def votes_by_day(
    client: Client, votes_topic: str, consultation: str, time_zone: str
) -> dict[date, int]:
    """Count VoteCast records by day of a time zone; their sum is the votes received.

    Of zones whose days begin between two quarters of an hour (there is none since 1972) a vote can
    lie on the neighbouring day.
    """
    asked = {"topic": votes_topic, "consultation": consultation, "zone": time_zone}
    ends = {partition: end for partition, firsts in kept_blocks(client, votes_topic).items()
            if (end := _end_of(firsts))}
    rows: list[Any] = []
    if ends:
        known = within({partition: (0, end) for partition, end in ends.items()}, "first")
        rows += client.query(_OF_BLOCKS % known, parameters=asked).result_rows
    rows += client.query(_BEHIND % _behind(ends), parameters=asked).result_rows
    days: dict[date, int] = {}
    for day, votes in sorted(rows):
        days[date.fromisoformat(day)] = days.get(date.fromisoformat(day), 0) + int(votes)
    return {day: votes for day, votes in days.items() if votes}


def kept_blocks(client: Client, votes_topic: str) -> dict[int, list[int]]:
    """Return the first offsets of the blocks that are counted already, by partition."""
    return {int(partition): sorted(map(int, firsts)) for partition, firsts in client.query(
        _KEPT_BLOCKS, parameters={"topic": votes_topic}).result_rows}


def _end_of(firsts: Iterable[int]) -> int:
    """Return the offset behind the blocks that are counted without a hole from the first one on."""
    end = 0
    for first in firsts:
        if first != end:
            break
        end += gauge.BLOCK_OFFSETS
    return end


def within(stretches: Mapping[int, tuple[int, int]], column: str = "offset") -> str:
    """Write a condition for stretches of partitions, each up to an end; for the primary key.

    Compared with arrays of bounds, ClickHouse would read every row.
    """
    return " OR ".join(f"(partition = {partition} AND {column} >= {first} AND {column} < {end})"
                       for partition, (first, end) in stretches.items())


def _behind(ends: Mapping[int, int]) -> str:
    """Write a condition for all offsets behind some, of every partition."""
    if not ends:
        return "1"
    others = ", ".join(map(str, ends))
    return " OR ".join([*(f"(partition = {partition} AND offset >= {end})"
                          for partition, end in ends.items()), f"partition NOT IN ({others})"])
