"""What all gateways did together in the last minute. Pure: what they say of themselves comes in.

Theory of operation: gateways count from their start on. Each look adds by how much every count of
every gateway has grown to totals of our own, which a restart or a gateway more or less does not
set back; rates and percentiles are differences of these totals.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping

from schemas import figures, problems
from schemas.figures import Figure, Reading
from views.operations.ruler import STALE_SECONDS


MINUTE_SECONDS = 60.0
MINUTE_LOOKS = 61
"""A minute's looks at one a second, both ends."""
RATE_SECONDS = 10.0
"""Rates are taken over so long: shorter they flicker, longer they are late."""
OWN_FAULTS = tuple(kind.name for kind in problems.OWN_FAULTS)

Count = tuple[str, ...]
"""A figure's name and its labels."""
_COUNTS = (figures.GATEWAY_ACKNOWLEDGED, figures.GATEWAY_ANSWERS, figures.GATEWAY_REFUSALS,
           figures.GATEWAY_SECONDS_CLASSES)


class Gateways:
    """Totals of all gateways, look by look, and what waits in them now."""

    def __init__(self) -> None:
        self._said: dict[str, dict[Count, float]] = {}
        """Counts of each gateway when it last answered."""
        self._totals: Counter[Count] = Counter()
        self._looks: deque[tuple[float, Counter[Count]]] = deque(maxlen=MINUTE_LOOKS)

    def see(self, readings: Mapping[str, Reading], at: float) -> None:
        """Note what those of the processes say that are gateways and answered."""
        for name, reading in readings.items():
            said = {(figure.name, *labels): value for figure in _COUNTS
                    for labels, value in reading.labelled(figure).items()}
            before = self._said.get(name)
            if said and before is not None:
                # A count that fell began anew with its process.
                self._totals.update({
                    count: value - before.get(count, 0.0) if value >= before.get(count, 0.0)
                    else value for count, value in said.items()})
            if said:
                self._said[name] = said
        self._looks.append((at, self._totals.copy()))

    @property
    def any(self) -> bool:
        """Whether a gateway has answered yet."""
        return bool(self._said)

    def per_second(self, figure: Figure, clock: float, *labels: str) -> float | None:
        """Return how fast a figure grows, over all labels that begin so; None before two looks."""
        grown, seconds = self._growth(RATE_SECONDS, clock)
        wanted = (figure.name, *labels)
        return sum(number for count, number in grown.items()
                   if count[:len(wanted)] == wanted) / seconds if seconds else None

    def last_minute(self, figure: Figure, clock: float) -> dict[tuple[str, ...], int]:
        """Return by how much a figure grew in the last minute, by its labels; only what grew."""
        grown, _ = self._growth(MINUTE_SECONDS, clock)
        return {count[1:]: round(number) for count, number in grown.items()
                if count[0] == figure.name and number}

    def faults_last_minute(self, clock: float) -> tuple[int, int]:
        """Return how many answers of the last minute said that we cannot, and how many all were."""
        refused = self.last_minute(figures.GATEWAY_REFUSALS, clock)
        answers = self.last_minute(figures.GATEWAY_ANSWERS, clock)
        return sum(refused.get((name,), 0) for name in OWN_FAULTS), sum(answers.values())

    def percentile_seconds(self, share: float, clock: float) -> float | None:
        """Return within what time a share of the last minute's answers came, by their classes."""
        grown, _ = self._growth(MINUTE_SECONDS, clock)
        classes = sorted((float(count[1]), number) for count, number in grown.items()
                         if count[0] == figures.GATEWAY_SECONDS_CLASSES.name)
        if not classes or not classes[-1][1]:
            return None
        wanted = share * classes[-1][1]
        start, below = 0.0, 0.0
        for end, count in classes[:-1]:
            if count >= wanted:
                return start + (end - start) * (wanted - below) / (count - below)
            start, below = end, count
        return start  # In the last class, which has no end: at least so long.

    def _growth(self, seconds: float, clock: float) -> tuple[dict[Count, float], float]:
        """Return the growth up to the last look, and over how long; nothing if that is old."""
        if not self._looks or clock - self._looks[-1][0] > STALE_SECONDS:
            return {}, 0.0
        at, last = self._looks[-1]
        since, first = next(look for look in self._looks if at - look[0] <= seconds)
        return {count: number - first[count] for count, number in last.items()}, at - since


def waiting(readings: Mapping[str, Reading]) -> Iterator[tuple[str, int, int, float]]:
    """Yield what waits in each gateway: its name, records, their bound, the oldest wait."""
    for name, reading in readings.items():
        records = reading.one(figures.GATEWAY_WAITING.name)
        most = reading.one(figures.GATEWAY_WAITING_MOST.name)
        if records is not None and most:
            yield (name, int(records), int(most),
                   reading.one(figures.GATEWAY_WAIT.name) or 0.0)
