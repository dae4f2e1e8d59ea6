"""Proposals with the most votes in the last minute. Votes only: no share is known here. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas import codec
from views.flushes import Figure, Flushes


HOTTEST = 10
SAMPLES = 7
"""Looks kept: with one every ten seconds the first and the last are a minute apart."""
LOOK_SECONDS = 10.0
PIECE_PROPOSALS = 100
"""Proposals read before others get their turn: three milliseconds."""

Key = tuple[str, str]
"""Consultation and proposal."""


@dataclass(frozen=True)
class Hot:
    """A proposal, and its votes in the last minute."""

    consultation: str
    proposal: str
    votes: int
    text: dict[str, str]
    """By language; empty where the catalogue does not know the proposal."""


class Hottest:
    """Votes received by proposal, look by look."""

    def __init__(self, flushes: Flushes) -> None:
        self._flushes = flushes
        self._values: dict[Key, bytes] = {}
        self._looks: deque[dict[Key, int]] = deque(maxlen=SAMPLES)

    def look(self) -> Iterator[None]:
        """Read what moved since the last look, pausing after every piece."""
        received = dict(self._looks[-1]) if self._looks else {}
        read = 0
        for consultation in self._flushes.consultations():
            for name, value in list(self._flushes.figures(consultation).items()):
                key = (consultation, name.id)
                if name.kind != "proposal" or self._values.get(key) is value:
                    continue
                self._values[key] = value
                received[key] = codec.decode(value)[1]["entry"]["counts"]["received"]
                read += 1
                if read % PIECE_PROPOSALS == 0:
                    yield
        self._looks.append(received)

    def top(self) -> list[Hot]:
        """Return the hottest proposals, the most votes first."""
        if not self._looks:
            return []
        before, now = self._looks[0], self._looks[-1]
        grown = {key: votes - before.get(key, 0) for key, votes in now.items()}
        order = sorted(grown, key=lambda key: (-grown[key], key))[:HOTTEST]
        return [Hot(*key, grown[key], self._text(*key)) for key in order if grown[key] > 0]

    def _text(self, consultation: str, proposal: str) -> dict[str, str]:
        known = self._flushes.catalogue.consultations.get(consultation)
        found: dict[str, Any] = known.proposals.get(proposal, {}) if known else {}
        text: dict[str, str] = found.get("text", {})
        return text


def totals(flushes: Flushes, names: list[str]) -> dict[str, int]:
    """Sum some counts over all consultations; zero of what nothing was counted for."""
    sums = dict.fromkeys(names, 0)
    for consultation in flushes.consultations():
        value = flushes.figures(consultation).get(Figure("totals", ""))
        if value is not None:
            counts = codec.decode(value)[1]["counts"]
            for name in names:
                sums[name] += counts[name]
    return sums
