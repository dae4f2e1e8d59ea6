"""Which consultations are to be closed at which date.

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

    That it is announced before its date is not enough: where controls are signed and the catalogue
    is not endorsed, whoever may write to it could have a clerk sign a closing.
    """
    described = known.find("ConsultationDescribed", consultation) or {}
    if described.get("origin") == SIMULATION or known.find("ClosingCompleted", consultation):
        return None
    closes_at = described.get("closes_at")
    return None if closes_at is None else Date(closes_at, consultation)
