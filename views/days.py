"""Votes received by day, as the archive last told: the one figure that no flush carries. Pure.

The results topic holds counts as they stand, not when votes came in. The archive has every record
with its time; whoever composes the views asks it now and then and tells this module. Without an
archive pages say that days are not known, and show everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Told:
    """What the archive said of one consultation."""

    days: Mapping[date, int]
    """VoteCast records received, by day of the consultation's time zone, by the writer's clock."""
    told_at: datetime


class Days:
    """The newest answer of the archive on each consultation."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def tell(self, consultation: str, days: Mapping[date, int], told_at: datetime) -> None:
        """Take an answer; one that says the same as the last changes nothing."""
        known = self._told.get(consultation)
        if known is None or known.days != days:
            self._told[consultation] = Told(dict(days), told_at)

    def of(self, consultation: str) -> Told | None:
        """Return what is known; None where the archive has not said anything."""
        return self._told.get(consultation)
