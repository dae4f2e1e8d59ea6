"""Which consultations are to be closed at which date.

A date that was simulated is none: such a campaign is over before it is written, and closes itself.
"""

from collections.abc import Iterator
from typing import NamedTuple

from producers.known_catalogue import KnownCatalogue


SIMULATION = "simulation"
"""Origin of what the simulator writes."""


class Date(NamedTuple):
    """When a consultation closes."""

    closes_at: int
    """In milliseconds since 1970; exclusive."""
    consultation: str


def dates(known: KnownCatalogue) -> list[Date]:
    """Return the dates of consultations that are not closed in every partition, the first first."""
    return sorted(_dates(known))


def _dates(known: KnownCatalogue) -> Iterator[Date]:
    for consultation in known.consultations():
        described = known.find("ConsultationDescribed", consultation) or {}
        closes_at = described.get("closes_at")
        if (closes_at is not None and described.get("origin") != SIMULATION
                and known.find("ClosingCompleted", consultation) is None):
            yield Date(closes_at, consultation)
