"""What the results page shows, from the results document alone. Pure.

Every share becomes a `Measure`, which carries its count and its base: a template cannot show a
percentage without them.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from processors.results.results_document import shares_hidden
from processors.results.scores import percent
from schemas import words
from schemas.moments import moment, zone_of
from views import draw_costs
from views.days import Told
from views.embargo import by_choice
from views.pages import changes
from views.pages.calendar import calendar
from views.pages.highlights import Highlights, OfProposals, highlights
from views.pages.regions import REGIONS


PERCENT_VOTES = 30
"""Under so many counted votes a page shows counts, never percentages: they would mislead."""


@dataclass(frozen=True)
class Measure:
    """A share, never without its count and base."""

    name: str
    count: int
    base: int
    percent: int | None
    """Whole percentage, half up; None where the base is too small to show one."""
    low: float | None = None
    high: float | None = None


def measure(name: str, count: int, base: int, interval: list[float] | None = None) -> Measure:
    """Make a measure; interval only where a percentage is shown."""
    if base < PERCENT_VOTES:
        return Measure(name, count, base, None)
    low, high = interval or (None, None)
    return Measure(name, count, base, percent(count, base), low, high)


def measures(entry: Mapping[str, Any]) -> dict[str, Measure]:
    """Make the measures of an entry: each choice and each qualification."""
    counted = entry["counted"]
    intervals = entry["intervals"]
    counts = {name: counted[name] for name in words.CHOICES} | counted["qualifications"]
    return {
        name: measure(name, count, counted["votes"], intervals.get(name))
        for name, count in counts.items()
    }


def page(
    document: Mapping[str, Any], published_at: int | None, *, phase: str | None = None,
    told: Told | None = None, address: str = "", costs: dict[str, Any] | None = None,
    kept: OfProposals | None = None,
) -> dict[str, Any]:
    """Arrange the document for the template.

    `kept` is what is said of single proposals; with it the document needs none.
    `phase` as `phase_of` gives it, `told` what the archive said of days, `address` where people
    reach the pages, for links that are shared, `costs` what was measured of the draw.
    """
    embargoed = shares_hidden(document)
    zone = zone_of(document["consultation"].get("time_zone"))
    return {
        "document": document,
        "embargoed": embargoed,
        "drawn": None,
        **({} if embargoed else _lists(document, kept.highlights if kept and kept.highlights
                                        else highlights(document["proposals"]))),
        "consultation": document["consultation"],
        "totals": document["totals"],
        "phase": phase or document["state"],
        "log_records": sum(offset + 1 for offset in document["as_of"]["votes"]),
        "moments": moments(document["consultation"], published_at),
        "stages": [_stage(stage) for stage in document["consultation"].get("stages") or ()],
        "target": _target(document),
        "participation": _participation(document["participation"]),
        "calendar": told and calendar(told.days),
        "after_closing": _after_closing(document["consultation"], told),
        "told_at": told and told.told_at.astimezone(zone),
        "fates": fates(document["totals"]),
        "by_rule": _by_rule(document["totals"]),
        "proposal_count": kept.count if kept else len(document["proposals"]),
        "changes": changes.page(document, kept.changed if kept else document["proposals"]),
        "percent_votes": PERCENT_VOTES,
        "address": address, "embeddable": False,
        "base": "",
        "draw_costs": draw_costs.shown(costs),
    }


def phase_of(state: str, consultation: Mapping[str, Any], now: datetime) -> str:
    """Name what the banner says: upcoming, open, overdue, closed or final.

    The log says whether voting is open; the clock only tells whether it should be.
    """
    opens, closes = (consultation.get(name) for name in ("opens_at", "closes_at"))
    if state == "open" and opens and now < datetime.fromisoformat(opens):
        return "upcoming"
    if state == "open" and closes and now >= datetime.fromisoformat(closes):
        return "overdue"
    return state


def _lists(document: Mapping[str, Any], kept: Highlights) -> dict[str, Any]:
    """Return the lists that are made from how people voted."""
    ideas = {idea["id"]: idea for idea in document["ideas"]}
    return {
        "themes": _themes(document, ideas),
        "ranked_ideas": sum(1 for idea in ideas.values() if idea["rank"]),
        "ranked_proposals": kept.ranked,
        "glance": kept.glance,
        "controversial": [row(entry) for entry in kept.controversial],
        "uncertain": [row(entry) for entry in kept.uncertain],
        "approved": [row(entry) for entry in kept.approved],
        "drawn": _drawn(document, kept),
    }


def fates(entry: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Say what became of the votes received: name and count, adding up to `received`."""
    return [
        *(by_choice(entry["counted"]) or {"counted": entry["counted"]["votes"]}).items(),
        *((f"set_aside_{reason}", count) for reason, count in entry["set_aside"].items()),
        *((name, entry[name]) for name in
          ("superseded", "withdrawn", "unchanged", "repeated", "proven", "late")),
        *((f"refused_{reason}", count) for reason, count in entry["refused"].items()),
    ]


def _by_rule(totals: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the votes set aside by each rule of the guard, then those by an operator, as rule 0.
    """
    found = totals.get("set_aside_by_rule")
    if not found:
        return []
    rest = totals["set_aside"]["suspended"] - sum(found.values())
    return [*((int(rule), count) for rule, count in found.items()), *([(0, rest)] if rest else [])]


def _drawn(document: Mapping[str, Any], kept: Highlights) -> dict[str, Any] | None:
    """Return what is told of drawn votes; None where rules 2 are not in force."""
    if "drawn" not in document["totals"]:
        return None
    return {
        "totals": row(document["totals"]),
        "ideas": [row(idea) for idea in document["ideas"]],
        "apart": [row(entry) for entry in kept.apart], "number_apart": kept.number_apart,
        "ranked_ideas": sum(1 for idea in document["ideas"] if idea["drawn_rank"]),
        "ranked_proposals": kept.drawn_ranked,
    }


def row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its measures."""
    drawn = entry.get("drawn")
    return {"entry": entry, "measures": measures(entry), **changes.marked(entry),
            "drawn": drawn and measures({"counted": drawn, "intervals": drawn["intervals"]})}


def _themes(document: Mapping[str, Any], ideas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return themes and their ideas in catalogue order, then the ideas without a theme."""
    themes = [
        {"id": theme["id"], "title": theme["title"],
         "rows": [row(ideas[name]) for name in theme["ideas"] if name in ideas]}
        for theme in document["themes"]
    ]
    held = {name for theme in document["themes"] for name in theme["ideas"]}
    rest = [row(idea) for name, idea in ideas.items() if name not in held]
    if rest:
        themes.append({"id": "", "title": None, "rows": rest})
    return [theme for theme in themes if theme["rows"]]


def _target(document: Mapping[str, Any]) -> dict[str, Any] | None:
    goal = document["consultation"].get("votes_target")
    if not goal or goal < 0:
        return None
    votes = document["totals"]["counted"]["votes"]
    reach = max(goal, votes)
    return {"votes": votes, "goal": goal, "percent": percent(votes, goal),
            "filled": 100 * votes / reach, "mark": 100 * goal / reach}


def _participation(participation: Mapping[str, Any]) -> dict[str, Any]:
    descriptions = participation["descriptions"]
    tables = {
        name: [
            {"value": cell["value"],
             "measure": None if cell["count"] is None
             else measure(cell["value"], cell["count"], descriptions)}
            for cell in sorted(participation[name], key=lambda cell: _in_order(cell["value"]))
        ]
        for name in ("gender", "age_band", "region")
    }
    return {
        "base": participation["base"],
        "descriptions": descriptions,
        "not_stated": measure("not_stated", participation["not_stated"], participation["base"]),
        "tables": {name: cells for name, cells in tables.items() if cells},
        "all_withheld": [name for name, cells in tables.items()
                         if cells and not any(cell["measure"] for cell in cells)],
        "withheld": any(not cell["measure"] for cells in tables.values() for cell in cells),
        "in_stretches": "unpublished" in participation,
        "unpublished": participation.get("unpublished"),
    }


def _in_order(value: str) -> tuple[bool, str]:
    """Sort answers by name, accents aside, and what belongs to no other answer last."""
    name = unicodedata.normalize("NFKD", REGIONS.get(value, value))
    return value == "other", "".join(c for c in name if not unicodedata.combining(c)).lower()


def moments(consultation: Mapping[str, Any], published_at: int | None) -> dict[str, Any]:
    """Return instants in the consultation's time zone."""
    zone = zone_of(consultation.get("time_zone"))
    opens, closes = consultation.get("opens_at"), consultation.get("closes_at")
    return {
        "zone": str(zone),
        "opens": datetime.fromisoformat(opens).astimezone(zone) if opens else None,
        "closes": datetime.fromisoformat(closes).astimezone(zone) if closes else None,
        "published": None if published_at is None
        else moment(published_at, zone),
    }


def last_day(closing: datetime) -> date | None:
    """Name the last day of a closing at midnight, which ends the day before."""
    midnight = (closing.hour, closing.minute, closing.second) == (0, 0, 0)
    return (closing - timedelta(seconds=1)).date() if midnight else None


def _after_closing(consultation: Mapping[str, Any], told: Told | None) -> int:
    """Count the votes received on days that lie wholly after the closing."""
    closes = moments(consultation, None)["closes"]
    if not told or not closes:
        return 0
    last = last_day(closes) or closes.date()
    return sum(votes for day, votes in told.days.items() if day > last)


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": stage["name"], "begins": _day_or_month(stage["begins"]),
            "ends": _day_or_month(stage["ends"]) if stage["ends"] else None}


def _day_or_month(text: str) -> dict[str, Any]:
    """Read YYYY-MM-DD or YYYY-MM; anything else is shown as it stands."""
    try:
        if len(text) == len("2022-03"):
            return {"text": text, "date": date.fromisoformat(f"{text}-01"), "exact": False}
        return {"text": text, "date": date.fromisoformat(text), "exact": True}
    except ValueError:
        return {"text": text, "date": None, "exact": False}
