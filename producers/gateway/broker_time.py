"""The time by which a gateway acts: the broker's, for its own clock may be wrong. Pure.

Theory of operation: Kafka refuses a record whose time lies an hour ahead of its own clock, gateways
read each other's view proofs, and a closing is an instant. So gateways stamp by one clock, that of
the broker. A record that the broker stamped between two moments of ours says what its clock showed
then, to the width of these moments; what fits into all that was measured is kept, else it
moves no farther than the measure proves it wrong. So a clock that is right is not moved at all.
Between measures a clock counts on that nobody sets: if the machine's is set, no record shows it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from producers.gateway.identity import Clock
from schemas import figures
from schemas.figures import Sample


STALE_SECONDS = 180.0
"""A measure that is older is none for the figures: two were missed."""
_BROKER_UNIT_SECONDS = 0.001
"""The broker cuts its stamps to milliseconds."""


class Measure(NamedTuple):
    """What the broker's clock showed between two moments."""

    sent_at: float
    """On a steady clock, in seconds, as `answered_at` is."""
    broker: float
    """Seconds since 1970."""
    answered_at: float


class BrokerTime:
    """What time it is for the broker; by the machine's own clock until that was measured."""

    def __init__(self, wall: Clock, steady: Clock) -> None:
        self._wall, self._steady = wall, steady
        self._since: float | None = None
        """The broker's time less the steady clock's."""
        self._learnt_at = -STALE_SECONDS
        self.settled = False
        """Whether it was measured, or cannot be: before that nothing is to be stamped."""

    def now(self) -> float:
        """Return the seconds since 1970."""
        since = self._since
        return self._wall() if since is None else since + self._steady()

    def milliseconds(self) -> int:
        """Return the milliseconds since 1970."""
        return int(self.now() * 1_000)

    def learn(self, measure: Measure) -> None:
        """Follow the broker's clock as far as a measure says that it must be followed."""
        least = measure.broker - measure.answered_at
        most = measure.broker + _BROKER_UNIT_SECONDS - measure.sent_at
        self._since = min(max(self.now() - self._steady(), least), most)
        self._learnt_at = measure.answered_at

    @property
    def measured(self) -> bool:
        """Whether the broker's clock was measured lately."""
        return self._since is not None and self._steady() - self._learnt_at < STALE_SECONDS

    @property
    def ahead_seconds(self) -> float:
        """By how much the machine's clock is ahead of the broker's; below 0: behind it."""
        return self._wall() - self.now()

    def samples(self) -> Iterator[Sample]:
        """Yield as figures whether the clock is measured, and how wrong it is."""
        yield Sample(figures.GATEWAY_CLOCK_MEASURED, self.measured)
        yield Sample(figures.GATEWAY_CLOCK_AHEAD, self.ahead_seconds)
