"""When the voters of each finding voted, and how soon they were found: from the archive.

Theory of operation: a judgement names its voters, and the archive has both. So nothing is kept in
memory but sums by finding and hour. Records that are no judgement of their number are left out by
their offsets, as `processors.guard.recorded` passes over them.
"""

from collections import defaultdict
from statistics import median_low
from typing import Any

from processors.guard.parameters import NAMES
from processors.guard.published import Findings, shown_count
from sinks.recount.controls import reinstated_by
from sinks.recount.faults import ArchiveUnreadable
from sinks.recount.reading import Reading


FINDINGS_MOST = 2_000
"""Findings whose hours are told: the last ones."""
STRAYS_MOST = 10_000
"""Of more records that are no judgement nobody makes a list."""
HOURS = 24

Block = dict[str, Any]


def noticed(consultation: str, reading: Reading) -> Block:
    """Say of each finding the votes of its voters by hour, and how long it took to find them.

    Raises ArchiveUnreadable.
    """
    findings, strays = _followed(reading)
    told = {said.last.finding.hex(): said for said in findings.of(consultation)}
    hours = defaultdict[str, dict[int, int]](dict)
    first = dict[str, int]()
    for finding, hour, votes, began_at in reading.query(
            "noticed", consultation=consultation, strays=strays, patrol=reading.topics.patrol):
        if finding in told:
            hours[finding][int(hour)] = int(votes)
            first[finding] = min(int(began_at), first.get(finding, int(began_at)))
    taken = defaultdict[str, list[int]](list)
    for finding, at in first.items():
        said = told[finding]
        taken[NAMES[said.last.rule]].append(max(0, said.judged_at - at) // 1_000)
    last = [name for name in told if name in hours][-FINDINGS_MOST:]
    return {
        "judgement": findings.judgement,
        "reinstated_voters": shown_count(reinstated_by(reading.query(
            "suspensions", of_decisions=True, consultation=consultation))),
        "median_seconds_to_find": {rule: median_low(seconds) for rule, seconds in taken.items()},
        "hours": {name: [shown_count(hours[name].get(hour, 0)) for hour in range(HOURS)]
                  for name in last}}


def _followed(reading: Reading) -> tuple[Findings, list[int]]:
    """Fold the archived judgements; return them, and the offsets of all other records."""
    findings, strays = Findings(), []
    for offset, value in reading.judgements():
        if not findings.take(value):
            strays.append(offset)
        if len(strays) > STRAYS_MOST:
            raise ArchiveUnreadable(
                f"more than {STRAYS_MOST:,} records of {reading.topics.patrol} are none that a "
                "patrol wrote: see who can write to that topic.")
    return findings, strays
