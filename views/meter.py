"""What the views measure of what they answer: how much of which kind, and how long it took.

Until an answer begins: what it takes after that is the visitor's network.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate, product

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas import figures
from schemas.figures import Sample


ANSWER_SECONDS = (.002, .005, .01, .02, .05, .1, .2, .5, 1.0, 2.0, 5.0)
"""Ends of the histogram's classes: a page that is kept takes milliseconds, one of thousands of
proposals that is made anew some hundred, what is made in threads waits for its turn."""
KINDS = {"v1": "v1", "log": "log", "static": "static", "ops": "operations",
         "metrics": "operations"}
"""Kinds of address by their first part; the others are pages."""
UNCOUNTED = frozenset(("/livez", "/readyz"))
"""Supervisors ask every second: they would hide whom nobody answers."""


FAULTS = (500, 503)
"""Statuses for which no visitor did anything wrong."""


def kind_of(path: str) -> str:
    """Tell the kind of an address, one of a few whatever was typed."""
    if path.endswith("/live"):
        return "live"
    return KINDS.get(path.split("/", 2)[1] if path.startswith("/") else "", "pages")


class Meter:
    """Counts from the start of the process on."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        # Told from the start: Prometheus sees no growth of what begins above nothing.
        self._answers: Counter[tuple[str, int]] = Counter(dict.fromkeys(
            product((*KINDS.values(), "live", "pages"), FAULTS), 0))
        self._classes = [0] * (len(ANSWER_SECONDS) + 1)
        self._seconds = 0.0

    def metered(self, answering: ASGIApp) -> ASGIApp:
        """Count what an application answers."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in UNCOUNTED:
                await answering(scope, receive, send)
                return
            kind, began = kind_of(scope["path"]), self._clock()

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._answered(kind, message["status"], self._clock() - began)
                await send(message)

            await answering(scope, receive, noting)

        return application

    def _answered(self, kind: str, status: int, seconds: float) -> None:
        self._answers[kind, status] += 1
        if kind != "live":
            self._classes[bisect_left(ANSWER_SECONDS, seconds)] += 1
            self._seconds += seconds

    def samples(self) -> Iterator[Sample]:
        """Yield everything as figures."""
        for (kind, status), count in sorted(self._answers.items()):
            yield Sample(figures.VIEWS_ANSWERS, count, (kind, str(status)))
        ends = [*map(str, ANSWER_SECONDS), "+Inf"]
        for end, count in zip(ends, accumulate(self._classes), strict=True):
            yield Sample(figures.VIEWS_SECONDS_CLASSES, count, (end,))
        yield Sample(figures.VIEWS_SECONDS_COUNT, sum(self._classes))
        yield Sample(figures.VIEWS_SECONDS_SUM, self._seconds)
