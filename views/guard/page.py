"""The guard's page for people: what was set aside, by what, and what was found. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from processors.guard import published
from processors.guard.published import Said
from processors.results.results_document import shares_hidden
from schemas.moments import moment, zone_of
from views import paging
from views.guard import door
from views.guard.document import Told, recount_shown
from views.pages.results_page import moments
from views.shown import Shown


PAGE_ROWS = 25
"""Findings of a page."""
RECOUNT_ROWS = 10
"""Entries shown of a recount; the CSV has those that it lists."""
DAY_ROWS = 200
"""Rows of the table by day and rule; the CSV has all."""

Block = dict[str, Any]


class NoSuchPage(Exception):
    """There are fewer pages of findings."""


def asked(query: Mapping[str, str]) -> int:
    """Read the number of the page. Raises paging.BadPage."""
    return max(1, paging.number(query.get("page", "1")))


def page(
    shown: Shown, told: Told, published_at: int | None, *, phase: str, number: int
) -> Block:
    """Arrange everything for the template; the last findings come first. Raises NoSuchPage."""
    frame = shown.frame
    pages = max(1, -(-len(told.findings) // PAGE_ROWS))
    if number > pages:
        raise NoSuchPage
    hidden, now = shares_hidden(frame), told.now(published_at)
    zone = zone_of(frame["consultation"].get("time_zone"))
    hours = {} if hidden or told.recount is None else told.recount["noticed"]["hours"]
    end = len(told.findings) - PAGE_ROWS * (number - 1)
    listed = told.findings[max(0, end - PAGE_ROWS):end][::-1]
    return {
        "document": frame, "consultation": frame["consultation"], "embargoed": hidden,
        "phase": phase, "moments": moments(frame["consultation"], published_at),
        "totals": published.totals(frame["totals"]), "rules": told.rules,
        "changes": [{**change, "at": datetime.fromisoformat(change["at"]).astimezone(zone)}
                    for change in told.changes],
        "days": [{**row, "day": date.fromisoformat(row["day"])} for row in told.days[:DAY_ROWS]],
        "days_left": len(told.days[DAY_ROWS:]),
        "unanswered": sum(published.is_unanswered(said, now, told.acts) for said in told.findings),
        "findings": [_finding(published.described(said, now, told.acts, hidden=hidden), said, zone)
                     | {"entry": None if hidden else shown.entries.get(said.last.proposal),
                        "hours": hours.get(said.last.finding.hex())} for said in listed],
        "recount": recounted(told.recount, zone, shown, hidden=hidden),
        "reinstated": told.recount and told.recount["noticed"]["reinstated_voters"],
        "door": told.at_the_door and {
            **door.totals(told.at_the_door), "told_at": told.at_the_door.told_at.astimezone(zone)},
        "count": len(told.findings), "gone": told.gone, "judgement": told.judgement,
        "judged_at": moment(told.judged_at, zone) if told.judgement else None,
        "least_shown": published.LEAST_SHOWN, "number": number, "pages": pages,
    }


def _finding(found: Block, said: Said, zone: ZoneInfo) -> Block:
    """Put dates of the consultation's time zone into what is said of a finding."""
    return {**found, "day": published.day_of(said.last.day),
            "judged_at": moment(said.judged_at, zone), "acts": [
                {**act, "at": datetime.fromisoformat(act["at"]).astimezone(zone)}
                for act in found["acts"]]}


def recounted(
    found: Block | None, zone: ZoneInfo, shown: Shown, *, hidden: bool,
) -> Block | None:
    """Arrange the last batch of recounts: of each supposition the entries that move most."""
    found = recount_shown(found, hidden=hidden)
    if found is None:
        return None
    known = {"proposal": shown.entries,
             "idea": {idea["id"]: idea for idea in shown.frame["ideas"]}}
    return {
        "at": datetime.fromisoformat(found["recounted_at"]).astimezone(zone),
        "totals": [("", found["counted"]),
                   *((each["without"], each["totals"]) for each in found["suppositions"])],
        "seconds": found["noticed"]["median_seconds_to_find"],
        "suppositions": [{
            **each, "rows": [{**entry, "known": known[entry["of"]].get(entry["id"])}
                             for entry in (each["entries"] or ())[:RECOUNT_ROWS]]}
            for each in found["suppositions"]]}
