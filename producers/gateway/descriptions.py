"""Descriptions on their way to the log: held until nothing says which is of whom. No I/O, no clock.

Theory of operation: a vote bears its instant for ever. A description that bore one too, or that
lay in the log where it came, would be joined to its voter's votes by time alone. So it bears its
day, and waits here, under its participant's pseudonym, until those of BATCH_PEOPLE participants of
one consultation and day are together. Then they are written one behind the other, in an order that
is drawn: what is known of the moment is that of the batch, and which of its records is whose is
a guess of one in twenty. What is left at the end of a day is written as it is. Several gateways
hold batches of their own, which lie in the log one behind the other, each whole.

Nothing is kept on disk, for what lies there bears a time too: a gateway that stops loses what it
holds. So a description may be lost, and whoever gave it may give it again.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from producers.gateway.identity import Clock
from producers.gateway.outlet import Full, NotWritten


BATCH_PEOPLE = 20
"""A batch has the descriptions of so many people, or more..."""
CONSULTATION_PEOPLE = 400
"""... but no more: what a consultation's day may hold while no broker takes events."""
PEOPLE_MOST = 65_536
"""Descriptions held of all consultations and days together: ten megabytes."""
LOOK_SECONDS = 60.0
"""At most so long after its end a day's rest is written, and what no broker took tried again."""
DAY_MILLISECONDS = 86_400_000

Post = Callable[[int, Sequence[bytes]], None]
"""Writes values of one day's begin (ms), all or none of them; raises NotWritten."""


def _shuffle(values: list[bytes]) -> None:
    secrets.SystemRandom().shuffle(values)


class Descriptions:
    """What participants told and the log does not have yet."""

    def __init__(self, post: Post, shuffle: Callable[[list[bytes]], Any] = _shuffle) -> None:
        self._post = post
        self._shuffle = shuffle
        self._held: dict[tuple[int, str], dict[bytes, bytes]] = {}
        """Values by day and consultation, then by participant: the last one of each."""
        self._people = 0

    def take(self, day: int, consultation: str, participant: bytes, value: bytes) -> None:
        """Hold a description of a day since 1970; raise Full where no more may be held."""
        of_day = self._held.setdefault((day, consultation), {})
        if participant not in of_day:
            if len(of_day) == CONSULTATION_PEOPLE or self._people == PEOPLE_MOST:
                raise Full
            self._people += 1
        of_day[participant] = value
        if len(of_day) >= BATCH_PEOPLE:
            self._write(day, consultation)

    def look(self, today: int) -> None:
        """Write what is left of days that are over, and batches that no broker took before."""
        for (day, consultation), of_day in list(self._held.items()):
            if day < today or len(of_day) >= BATCH_PEOPLE:
                self._write(day, consultation)

    async def run(self, clock: Clock) -> None:
        """Look again and again, by a clock of seconds since 1970; for ever."""
        while True:
            self.look(int(clock() * 1_000) // DAY_MILLISECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    def _write(self, day: int, consultation: str) -> None:
        values = list(self._held[day, consultation].values())
        self._shuffle(values)
        with contextlib.suppress(NotWritten):  # They wait on, together.
            self._post(day * DAY_MILLISECONDS, values)
            self._people -= len(values)
            del self._held[day, consultation]
