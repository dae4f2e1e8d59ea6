"""What the door did, by consultation and minute, for the log. No I/O, no clock.

Theory of operation: what is asked of voters, and what is refused, belongs in the open as much as
what is counted. So once a minute a gateway writes what it has done in the minute before, where it
has done anything: numbers, without a network or a device. Several gateways write each their own;
their sums are the whole. A process that dies loses its last minute.

A challenge is *left* that was neither solved nor waited out within eleven minutes, by then its
work and its leave have ended. Who is told to wait longer than that, and does, is counted twice.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from producers.gateway.identity import Clock
from producers.gateway.outlet import NotWritten
from schemas import figures
from schemas.figures import Sample


LEFT_MINUTES = 11
"""So many minutes after it was given a challenge that nobody answered is left."""
WAITING_MOST = 1_000
"""Minutes of consultations that wait for a broker, at most; what is beyond them is lost."""
REASONS_MOST = 64
"""Reasons of a refusal that are told apart, as the event's schema has it: there are fewer."""
KINDS = ("raised", "asked", "solved", "waited", "left")
MINUTE_SECONDS = 60
_REFUSED = "refused "

_Place = tuple[int, str]
"""A minute since 1970 and a consultation; empty: none that there is."""

Post = Callable[[dict[str, Any]], None]
"""Writes the fields of one event; raises NotWritten."""


class DoorCounts:
    """Counts of the minutes that are not written yet."""

    def __init__(self) -> None:
        self._counts: dict[_Place, Counter[str]] = {}
        self._open: Counter[_Place] = Counter()
        """Challenges that nobody has answered, by the minute in which they were given."""
        self._totals: Counter[str] = Counter()

    def raised(self, consultation: str, now: float, number: int) -> None:
        """Count that places were taken a step up, now (seconds since 1970)."""
        if number:
            self._add(consultation, now, "raised", number)

    def asked(self, consultation: str, now: float) -> None:
        """Count a challenge that is given."""
        self._add(consultation, now, "asked")
        self._open[int(now // MINUTE_SECONDS), consultation] += 1

    def passed(self, consultation: str, now: float, kind: str, given_at: int) -> None:
        """Count a challenge that was `solved` or `waited` out, and when it was given."""
        self._add(consultation, now, kind)
        given = (given_at // MINUTE_SECONDS, consultation)
        if self._open[given] > 1:
            self._open[given] -= 1
        else:
            del self._open[given]

    def refused(self, consultation: str, now: float, reason: str) -> None:
        """Count a refusal, or what made a vote suspect, by its reason."""
        self._add(consultation, now, _REFUSED + reason)

    def due(self, now: float) -> Iterator[dict[str, Any]]:
        """Yield the fields of each finished minute and forget it."""
        this = int(now // MINUTE_SECONDS)
        for (minute, consultation), number in list(self._open.items()):
            if minute + LEFT_MINUTES < this:
                del self._open[minute, consultation]
                self._add(consultation, (this - 1) * MINUTE_SECONDS, "left", number)
        for place in sorted(place for place in self._counts if place[0] < this):
            counts = self._counts.pop(place)
            yield {
                "consultation": place[1], "minute": place[0] * MINUTE_SECONDS * 1_000,
                **{kind: counts[kind] for kind in KINDS},
                "refusals": [{"reason": name.removeprefix(_REFUSED), "count": count}
                             for name, count in sorted(counts.items())
                             if name.startswith(_REFUSED)][:REASONS_MOST]}

    async def run(self, post: Post, clock: Clock) -> None:
        """Write each minute once it is over; for ever."""
        while True:
            await asyncio.sleep(MINUTE_SECONDS - clock() % MINUTE_SECONDS)
            for fields in self.due(clock()):
                with contextlib.suppress(NotWritten):
                    post(fields)

    def samples(self) -> Iterator[Sample]:
        """Yield what the door did since the start as figures."""
        for kind in KINDS:
            yield Sample(figures.GATEWAY_CHALLENGES, self._totals[kind], (kind,))

    def _add(self, consultation: str, now: float, kind: str, number: int = 1) -> None:
        place = (int(now // MINUTE_SECONDS), consultation)
        counts = self._counts.get(place)
        if counts is None:
            if len(self._counts) >= WAITING_MOST:
                return
            counts = self._counts[place] = Counter()
        counts[kind] += number
        self._totals[kind] += number
