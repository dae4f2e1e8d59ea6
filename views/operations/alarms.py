"""What an operator must look at, worst first.

The thresholds are those of deploy/prometheus/scrutin.rules.yml: page and Prometheus alarm alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas import figures
from views.operations.gateways import waiting
from views.operations.watch import Process, Watch


LAG_PAGE_SECONDS = 10.0
"""Votes that long in the ballot box and not on the pages: people on television would see it."""
LAG_ARCHIVE_SECONDS = 60.0
"""The archive gathers for half a second; a minute is more than a restart takes."""
RESTART_SECONDS = 600.0
"""A restart is worth a word for ten minutes."""
DEAD_LETTER_RATIO = 0.01
"""Undecodable records among those of the last minute: more is a bad release, not chance..."""
DEAD_LETTERS_MIN = 10
"""... if there are so many: one in a quiet minute is a probe."""

UNSIGNED_SECONDS = 600.0
"""A control that no key of the log has signed is worth a word for ten minutes, be it only one."""
PATROL_BEHIND_RECORDS = 100_000
"""Votes that are not judged: a second's work."""
GATEWAY_FULL_SHARE = 0.8
"""Of the events that may wait in a gateway: beyond it refuses within half a second."""
CLOCK_APART_SECONDS = 5.0
"""A clock that is kept in step is a hundredth of a second off; nobody's vote is lost by more."""
TURNED_AWAY_RATIO = 0.01
"""Answers of the last minute that said we cannot: more is an outage, not a restart..."""
TURNED_AWAY_MIN = 10
"""... if there are so many."""


@dataclass(frozen=True)
class Alarm:
    """Something that needs an operator."""

    kind: str
    subject: str = ""
    number: float = 0.0
    severe: bool = True
    """Whether it cannot wait until tomorrow."""


def alarms(watch: Watch) -> list[Alarm]:
    """Return all alarms, the severe ones first."""
    found = [
        *_silent(watch), *_behind(watch), *_gateways(watch), *_archive(watch),
        *_unreadable(watch), *_unsigned(watch), *_patrol(watch),
        *(Alarm("recount", verdict.consultation) for verdict in watch.recounts
          if not verdict.held),
        *_restarted(watch),
    ]
    return sorted(found, key=lambda alarm: not alarm.severe)


def _silent(watch: Watch) -> Iterator[Alarm]:
    for process in (watch.broker, *watch.processes.values()):
        if process.answers is False:
            yield Alarm("silent", process.name, watch.looked_at - process.since)
        elif process.answers and process.ready is False:
            yield Alarm("not_ready", process.name)


def _behind(watch: Watch) -> Iterator[Alarm]:
    for hop, most, severe in (("gateway_page", LAG_PAGE_SECONDS, True),
                              ("gateway_archive", LAG_ARCHIVE_SECONDS, False)):
        lag = watch.ruler.worst(hop, watch.clock)
        if lag.seconds is not None and lag.seconds > most:
            yield Alarm(f"behind_{hop}", number=lag.seconds, severe=severe)


def _gateways(watch: Watch) -> Iterator[Alarm]:
    readings = {name: each.reading for name, each in watch.processes.items() if each.answers}
    for name, records, most, _ in waiting(readings):
        if records > GATEWAY_FULL_SHARE * most:
            yield Alarm("gateway_full", name, records)
    for name, reading in readings.items():
        ahead = reading.one(figures.GATEWAY_CLOCK_AHEAD.name)
        if ahead is not None and abs(ahead) > CLOCK_APART_SECONDS:
            yield Alarm("clock_apart", name, abs(ahead), severe=False)
        if reading.one(figures.GATEWAY_CLOCK_MEASURED.name) == 0:
            yield Alarm("clock_unmeasured", name, severe=False)
    faults, answers = watch.gateways.faults_last_minute(watch.clock)
    if faults > max(TURNED_AWAY_MIN, TURNED_AWAY_RATIO * answers):
        yield Alarm("turned_away", number=faults)


def _archive(watch: Watch) -> Iterator[Alarm]:
    for process in watch.processes.values():
        said = process.reading
        missing = sum(said.labelled(figures.ARCHIVE_MISSING).values())
        rows = sum(said.labelled(figures.ARCHIVE_ROWS).values())
        offsets = sum(said.labelled(figures.ARCHIVE_OFFSETS).values())
        stopped = said.one(figures.ARCHIVE_STOPPED.name) or 0
        for kind, number in (("hole", missing), ("twice", rows - offsets), ("stopped", stopped)):
            if number:
                yield Alarm(kind, process.name, number)


def _patrol(watch: Watch) -> Iterator[Alarm]:
    for process in watch.processes.values():
        behind, owed, differing = (process.reading.one(figure.name) or 0 for figure in (
            figures.PATROL_BEHIND, figures.PATROL_OWED, figures.PATROL_DIFFERING))
        if behind > PATROL_BEHIND_RECORDS:
            yield Alarm("patrol_behind", process.name, behind, severe=False)
        if owed:
            yield Alarm("patrol_owes", process.name, owed)
        if differing:
            yield Alarm("patrol_differs", process.name, differing, severe=False)


def _unreadable(watch: Watch) -> Iterator[Alarm]:
    letters, arrived = watch.last_minute("dead_letters"), watch.last_minute("arrived")
    if letters and arrived and letters >= max(DEAD_LETTERS_MIN, DEAD_LETTER_RATIO * arrived):
        yield Alarm("dead_letters", number=letters)


def _unsigned(watch: Watch) -> Iterator[Alarm]:
    controls = watch.grown("refused_unsigned", UNSIGNED_SECONDS)
    if controls:
        yield Alarm("unsigned", number=controls)


def _restarted(watch: Watch) -> Iterator[Alarm]:
    for process in watch.processes.values():
        if _lately(process, watch.looked_at):
            yield Alarm("restarted", process.name, process.restarts, severe=False)


def _lately(process: Process, now: float) -> bool:
    return process.restarted_at is not None and now - process.restarted_at < RESTART_SECONDS
