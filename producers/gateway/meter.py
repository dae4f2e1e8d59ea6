"""What a gateway measures of itself: answers by route and status, refusals, how long both take.

A vote costs a few dictionary lookups here and nothing more.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas import figures, problems
from schemas.figures import Sample


ANSWER_SECONDS = (.002, .005, .01, .02, .05, .1, .2, .5, 1.0, 2.0, 5.0)
"""Ends of the histogram's classes: a broker's acknowledgement takes milliseconds, the goal for 99
of 100 answers is 0.05 s, and after 5 s a vote is answered that nobody knows."""


class Meter:
    """Counts from the start of the process on."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()
        # Told from the start: Prometheus sees no growth of what begins above nothing.
        self._refusals: Counter[str] = Counter(dict.fromkeys(
            (kind.name for kind in problems.OWN_FAULTS), 0))
        self._ballots: Counter[tuple[str, str, str]] = Counter()
        self._classes = [0] * (len(ANSWER_SECONDS) + 1)
        self._seconds = 0.0

    def answered(self, route: str, status: int) -> None:
        """Note an answer; `route` is one of ours, never what somebody typed."""
        self._answers[route, status] += 1

    def took(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._classes[bisect_left(ANSWER_SECONDS, seconds)] += 1
        self._seconds += seconds

    def refused(self, reason: str) -> None:
        """Note a refusal by the name of its problem."""
        self._refusals[reason] += 1

    def balloted(self, consultation: str, partner: int, ballots: int, *, refused: int) -> None:
        """Note what became of the ballots of a partner's batch."""
        labels = consultation, str(partner)
        self._ballots[*labels, "refused"] += refused
        self._ballots[*labels, "recorded"] += ballots - refused

    def metered(self, otherwise: ASGIApp) -> ASGIApp:
        """Count what the pages answer."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.answered("pages", message["status"])
                await send(message)

            await otherwise(scope, receive, noting)

        return application

    def samples(self) -> Iterator[Sample]:
        """Yield everything as figures."""
        for (route, status), count in sorted(self._answers.items()):
            yield Sample(figures.GATEWAY_ANSWERS, count, (route, str(status)))
        for reason, count in sorted(self._refusals.items()):
            yield Sample(figures.GATEWAY_REFUSALS, count, (reason,))
        for partner, count in sorted(self._ballots.items()):
            yield Sample(figures.GATEWAY_BALLOTS, count, partner)
        ends = [*map(str, ANSWER_SECONDS), "+Inf"]
        for end, count in zip(ends, accumulate(self._classes), strict=True):
            yield Sample(figures.GATEWAY_SECONDS_CLASSES, count, (end,))
        yield Sample(figures.GATEWAY_SECONDS_COUNT, sum(self._classes))
        yield Sample(figures.GATEWAY_SECONDS_SUM, self._seconds)
