"""What gateways counted at the door, as the archive last told. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from processors.guard.published import instant, shown_count


FORMAT = "scrutin-guard-door/1"
COUNTED = ("raised", "asked", "solved", "waited", "left")

Block = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What the archive said of one consultation."""

    counts: dict[str, list[Block]]
    """As `sinks.door` gives it: by minute and by day."""
    told_at: datetime


class Door:
    """The newest answer of the archive on each consultation."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def tell(self, consultation: str, counts: dict[str, list[Block]], told_at: datetime) -> None:
        """Take an answer; one that says the same as the last changes nothing."""
        known = self._told.get(consultation)
        if known is None or known.counts != counts:
            self._told[consultation] = Told(counts, told_at)

    def of(self, consultation: str) -> Told | None:
        """Return what is known; None where the archive has not said anything, or has nothing."""
        found = self._told.get(consultation)
        return found if found and found.counts["days"] else None


def document(consultation: str, told: Told) -> Block:
    """Say it: in all, by day and by minute; small counts of a day or a minute are withheld."""
    return {
        "format": FORMAT, "consultation": consultation,
        "told_at": told.told_at.isoformat(timespec="seconds"), "totals": totals(told),
        **{name: [_shown(row) for row in rows] for name, rows in told.counts.items()}}


def totals(told: Told) -> Block:
    """Add the days up."""
    days = told.counts["days"]
    reasons = sorted({reason for row in days for reason in row["refusals"]})
    return {**{name: sum(row[name] for row in days) for name in COUNTED},
            "refusals": {reason: sum(row["refusals"].get(reason, 0) for row in days)
                         for reason in reasons}}


def _shown(row: Block) -> Block:
    return {"begins": instant(row["begins"]),
            **{name: shown_count(row[name]) for name in COUNTED},
            "refusals": {reason: shown_count(count) for reason, count in row["refusals"].items()}}
