"""Ask the archive what came in on each day, and at the door, and tell the pages."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import structlog
from clickhouse_connect.driver.client import Client

from scrutin import addresses
from scrutin.archive_client import archive_client
from scrutin.settings import Settings
from sinks.days import votes_by_day
from sinks.door import door_counts
from views.audience import Audience
from views.days import Days
from views.flushes import Flushes
from views.guard.door import Door


ASK_SECONDS = 15.0
"""The archive is asked at most so often where somebody looks at pages..."""
UNSEEN_SECONDS = 60.0
"""... and so often where nobody does: a question takes it longer than all votes between two..."""

REST_FACTOR = 20
"""... and after an answer is left in peace for so many times as long as the answer took."""

BEHIND_SECONDS = 40.0
"""It is asked on for so long after the last vote: where few come in, the archive gathers them for
half a minute."""

ASK_ANYWAY_SECONDS = 600.0
"""It is asked again after so long even if no vote came in: it may have been far behind."""

POLL_SECONDS = 1.0
"""Pause between two looks at whether there is something to ask."""

ANSWER_SECONDS = 60.0
"""Longest wait for an answer: a hundred million votes are counted in less."""


async def ask_archive(
    settings: Settings, flushes: Flushes, days: Days, audience: Audience,
    door: Door | None = None,
) -> None:
    """Tell `days` and `door` what the archive says while votes come in; until cancelled.

    Seldom while there is no `audience`.

    Pages are complete without it: an archive that is away is asked again, and the log says so.
    Where no archive is known nobody is asked.
    """
    try:
        addresses.clickhouse_url(settings)
    except addresses.StackNotRunning:
        return
    with contextlib.closing(_Archive(settings, days, door)) as archive:
        await _ask(archive, flushes, audience)


def rest_after(took_seconds: float, *, seen: bool) -> float:
    """Return how long the archive is left in peace from a question on whose answer took so long.

    `seen`: somebody looks at pages.
    """
    return max(ASK_SECONDS if seen else UNSEEN_SECONDS, REST_FACTOR * took_seconds)


async def _ask(archive: "_Archive", flushes: Flushes, audience: Audience) -> None:
    logger = structlog.get_logger("views")
    last = settled = None
    asked_at, moved_at, took = -ASK_ANYWAY_SECONDS, 0.0, 0.0
    while True:
        await asyncio.sleep(POLL_SECONDS)
        vector = flushes.applied.vector if flushes.applied else None
        since = time.monotonic() - asked_at
        rest = rest_after(took, seen=audience.here)
        if vector is None or since < rest or (vector == settled and since < ASK_ANYWAY_SECONDS):
            continue
        asked_at = time.monotonic()
        if vector != last:
            last, moved_at = vector, asked_at
        try:
            await asyncio.to_thread(archive.tell, _zones(flushes))
        except Exception as error:  # noqa: BLE001 -- pages go on without days, whatever it was
            logger.warning("the archive does not tell votes by day", reason=str(error)[:300])
        else:
            settled = vector if asked_at - moved_at >= BEHIND_SECONDS else None
        took = time.monotonic() - asked_at


class _Archive:
    """The archive as it is asked: over one connection for as long as it answers. Blocking."""

    def __init__(self, settings: Settings, days: Days, door: Door | None) -> None:
        self._settings, self._days, self._door = settings, days, door
        self._client: Client | None = None

    def tell(self, zones: dict[str, str]) -> None:
        """Tell days, and the door's counts, of each consultation given with its time zone."""
        if self._client is None:
            self._client = archive_client(self._settings, seconds=ANSWER_SECONDS)
        topics = addresses.topics(self._settings)
        try:
            for consultation, zone in zones.items():
                found = votes_by_day(self._client, topics.votes, consultation, zone)
                self._days.tell(consultation, found, datetime.now(UTC))
                if self._door is not None:
                    counted = door_counts(self._client, topics.sequences, consultation)
                    self._door.tell(consultation, counted, datetime.now(UTC))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _zones(flushes: Flushes) -> dict[str, str]:
    """Return the time zone of each consultation that is described."""
    return {
        name: known.described["time_zone"]
        for name, known in flushes.catalogue.consultations.items() if known.described
    }
