"""Instants and time zones of events, whatever the log holds: none makes a reader fail.

Writers refuse a zone that nobody knows and a time before the year 1. A log may hold both all the
same, and whoever reads it for people shows the nearest that can be shown.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=2)
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
"""Between these an instant can be written in every time zone, and the day before and after too."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = ((each - _EPOCH) // timedelta(milliseconds=1) for each in (EARLIEST, LATEST))


def zone_of(name: str | None) -> ZoneInfo:
    """Return the time zone of a name; UTC where there is none of that name."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment(milliseconds: float, zone: ZoneInfo) -> datetime:
    """Return an instant (milliseconds since 1970) in a time zone, or the nearest with a date."""
    return (_EPOCH + timedelta(milliseconds=min(max(milliseconds, _FIRST), _LAST))).astimezone(zone)
