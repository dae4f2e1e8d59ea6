"""What the operators' page shows, from what was seen. Numbers only: the template speaks."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas import figures, problems
from schemas.words import REFUSED
from views.operations.alarms import alarms
from views.operations.gateways import waiting
from views.operations.hottest import Hot
from views.operations.ruler import HOPS, Lag
from views.operations.watch import Process, Watch


ZONE = ZoneInfo("Europe/Paris")
"""Operators read the clock on their wall."""
PARTITIONS_SHOWN = 16
"""Rows of the table of partitions, the worst ones: nobody reads a thousand."""
OLD_SECONDS = 10.0
"""A look that is older says so: the collector stands still."""
CHART_SECONDS = 5.0
"""A point of the chart is the mean of so long."""
CHART_WIDTH, CHART_HEIGHT = 600.0, 100.0
ROUTES_SHOWN = 8
"""Rows of the table of answers, the most frequent ones."""
REFUSALS = {kind.name: kind.title for kind in (
    *problems.GATEWAY, problems.UNKNOWN_CONSULTATION, problems.NOT_FOUND,
    problems.METHOD_NOT_ALLOWED, problems.INTERNAL)}
"""What a gateway can refuse, in words."""
PLACES = ("gateway_ledger", "gateway_page", "gateway_archive")
"""Hops shown by partition: from the ballot box to each place."""


def page(watch: Watch, hottest: list[Hot], now: float) -> dict[str, Any]:
    """Arrange everything for the template, at a moment in seconds since 1970."""
    age_seconds = now - watch.looked_at
    return {
        "old_seconds": age_seconds if age_seconds > OLD_SECONDS else None,
        "alarms": alarms(watch),
        "looked_at": moment(watch.looked_at) if watch.looked_at else None,
        "rates": {name: watch.per_second(name)
                  for name in ("arrived", "received", "counted", "set_aside")},
        "last": watch.looks[-1] if watch.looks else None,
        "set_aside": watch.set_aside,
        "chart": chart(watch),
        "hops": list(_hops(watch)),
        "gateways": _gateways(watch),
        "page_delay_seconds": watch.page_delay_seconds,
        "partitions": partitions(watch),
        "hidden_partitions": max(len(watch.ruler.partitions()) - PARTITIONS_SHOWN, 0),
        "processes": [_process(each, watch.looked_at)
                      for each in (watch.broker, *watch.processes.values())],
        "refusals": list(_refusals(watch)),
        "dead_letters": (watch.end_of(watch.topics.dead_letters),
                         watch.last_minute("dead_letters")),
        "archive": archive(watch),
        "measured_at": _measured_at(watch),
        "recounts": [(found, moment(found.at)) for found in watch.recounts],
        "hottest": hottest,
    }


def _gateways(watch: Watch) -> dict[str, Any] | None:
    """Return what the gateways do together, and what waits in each; None before one answered."""
    gateways, clock = watch.gateways, watch.clock
    if not gateways.any:
        return None
    readings = {name: each.reading for name, each in watch.processes.items() if each.answers}
    return {
        "receipts": gateways.per_second(
            figures.GATEWAY_ACKNOWLEDGED, clock, watch.topics.votes),
        "answers": gateways.per_second(figures.GATEWAY_ANSWERS, clock),
        "half_seconds": gateways.percentile_seconds(0.5, clock),
        "most_seconds": gateways.percentile_seconds(0.99, clock),
        "waiting": list(waiting(readings)),
        "refusals": sorted(
            ((REFUSALS[name], count) for (name,), count
             in gateways.last_minute(figures.GATEWAY_REFUSALS, clock).items()
             if name in REFUSALS), key=lambda row: -row[1]),
        "routes": sorted(
            ((route, status, count) for (route, status), count
             in gateways.last_minute(figures.GATEWAY_ANSWERS, clock).items()),
            key=lambda row: (-row[2], row))[:ROUTES_SHOWN],
        "cut": [name for name, reading in readings.items()
                if reading.one(figures.GATEWAY_CONNECTED.name) == 0],
    }


def _hops(watch: Watch) -> Iterator[tuple[str, Lag]]:
    """Yield each hop with what waits there over all partitions, and first what is not in any."""
    inside = list(waiting({name: each.reading for name, each in watch.processes.items()
                           if each.answers}))
    yield "gateway_log", Lag(
        sum(records for _, records, _, _ in inside),
        max(seconds for _, _, _, seconds in inside)) if inside else Lag()
    for name in HOPS:
        yield name, watch.ruler.worst(name, watch.clock)


def moment(seconds: float) -> datetime:
    """Return an instant on the operators' clock."""
    return datetime.fromtimestamp(seconds, ZONE)


def _process(process: Process, now: float) -> dict[str, Any]:
    state = _state(process)
    works = state not in {"unasked", "silent", "not_ready"}
    since = process.started if works and process.started else process.since
    return {
        "name": process.name,
        "state": state,
        # Nobody says since when a process that answers is not ready.
        "seconds": now - since if since and state != "not_ready" else None,
        "memory_bytes": process.reading.one(figures.PROCESS_MEMORY),
        "restarts": process.restarts if process.started else None,
    }


def _state(process: Process) -> str:
    """Name the state of a process; of one of several also whether it is the one that works."""
    if process.answers is None:
        return "unasked"
    if not process.answers:
        return "silent"
    if process.ready is False:
        return "not_ready"
    leads = process.reading.one(figures.LEADS.name)
    return "ready" if leads is None else "leads" if leads else "stands_by"


def partitions(watch: Watch) -> list[dict[str, Any]]:
    """Return the partitions that are most behind, in their order."""
    rows: list[dict[str, Any]] = [
        {"number": number, "end": watch.ruler.offset("votes", number),
         "lags": [watch.ruler.lag(hop, number, watch.clock) for hop in PLACES]}
        for number in watch.ruler.partitions()
    ]
    rows.sort(key=lambda row: -max(lag.messages or 0 for lag in row["lags"]))
    return sorted(rows[:PARTITIONS_SHOWN], key=lambda row: row["number"])


def _refusals(watch: Watch) -> Iterator[tuple[str, int, int | None]]:
    """Yield each refusal with its records, in all and in the last minute."""
    last = watch.looks[-1] if watch.looks else None
    for name in ("late", *REFUSED):
        yield name, last.number(name) if last else 0, watch.last_minute(name)


def archive(watch: Watch) -> list[dict[str, Any]]:
    """Return the archive's gauge, topic by topic: count() = uniqExact(offset) = the place."""
    rows: dict[str, dict[str, Any]] = {}
    names = {"next": figures.ARCHIVE_NEXT, "rows": figures.ARCHIVE_ROWS,
             "offsets": figures.ARCHIVE_OFFSETS, "missing": figures.ARCHIVE_MISSING}
    for process in watch.processes.values():
        for name, figure in names.items():
            for (topic, _), value in process.reading.labelled(figure).items():
                row = rows.setdefault(topic, dict.fromkeys(names))
                row[name] = int(value) + (row[name] or 0)
    return [
        {"topic": topic, "end": max(watch.end_of(topic), row["next"] or 0), **row,
         "twice": None if row["rows"] is None else row["rows"] - row["offsets"]}
        for topic, row in rows.items()
    ]


def _measured_at(watch: Watch) -> datetime | None:
    said = [process.reading.one(figures.ARCHIVE_MEASURED.name)
            for process in watch.processes.values()]
    known = [seconds for seconds in said if seconds is not None]
    return moment(max(known)) if known else None


def chart(watch: Watch) -> dict[str, Any] | None:
    """Draw arrivals and counted votes a second over the looks we have; None before two points."""
    points = list(_points(watch))
    if len(points) < 2:
        return None
    first, last = points[0][0], points[-1][0]
    top = max(max(arrived, counted) for _, arrived, counted in points) or 1.0
    xs = [CHART_WIDTH * (at - first) / (last - first) for at, _, _ in points]
    arrived, counted = (
        " ".join(f"{x:.1f},{CHART_HEIGHT * (1 - max(point[which], 0.0) / top):.1f}"
                 for x, point in zip(xs, points, strict=True)) for which in (1, 2))
    return {
        "arrived": f"0,{CHART_HEIGHT:.0f} {arrived} {CHART_WIDTH:.0f},{CHART_HEIGHT:.0f}",
        "counted": counted, "top": top, "seconds": last - first,
    }


def _points(watch: Watch) -> Iterator[tuple[float, float, float]]:
    """Yield time, arrivals and counted votes a second, over stretches of CHART_SECONDS."""
    before = None
    for look in watch.looks:
        if before is None:
            before = look
        elif look.at - before.at >= CHART_SECONDS:
            seconds = look.at - before.at
            yield (look.at, (look.arrived - before.arrived) / seconds,
                   (look.counted - before.counted) / seconds)
            before = look
