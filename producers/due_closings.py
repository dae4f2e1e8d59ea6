"""Which consultations are to be closed at which date, and whose closing is to be finished.

A date that was simulated is none: such a campaign is over before it is written, and closes itself.
"""

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
    return sorted(filter(None, (date_of(known, name) for name in known.consultations())))


def date_of(known: KnownCatalogue, consultation: str) -> Date | None:
    """Return when a consultation closes; None where nobody has said so, or it is done.

    What was announced is to be finished at once: its date may have been put off at the same moment.
    """
    described = known.find("ConsultationDescribed", consultation) or {}
    if described.get("origin") == SIMULATION or known.find("ClosingCompleted", consultation):
        return None
    announced = known.find("ConsultationClosed", consultation) is not None
    closes_at = 0 if announced else described.get("closes_at")
    return None if closes_at is None else Date(closes_at, consultation)
