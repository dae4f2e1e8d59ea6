"""The closed lists of words, read from the schemas: one name for one thing everywhere."""

from typing import Any

from schemas.registry import current


def _symbols(event: str, name: str) -> tuple[str, ...]:
    def search(schema: Any) -> tuple[str, ...] | None:
        if isinstance(schema, dict):
            if schema.get("name") == name and "symbols" in schema:
                return tuple(schema["symbols"])
            schema = list(schema.values())
        if isinstance(schema, list):
            return next(filter(None, map(search, schema)), None)
        return None

    found = search(current(event).raw)
    if found is None:
        raise KeyError(f"{event} has no enum {name}")
    return found


CHOICES = _symbols("VoteCast", "Choice")
TRUSTS = _symbols("VoteCast", "Trust")
ORIGINS = _symbols("VoteCast", "Origin")
QUALIFICATIONS = _symbols("QualificationAdded", "Qualification")
KINDS = _symbols("DecisionMade", "Kind")
OUTCOMES = _symbols("DecisionMade", "Outcome")
REASONS = _symbols("DecisionMade", "Reason")
SET_ASIDE = _symbols("DecisionMade", "SetAside")

QUALIFICATIONS_PER_CHOICE = 3
"""QUALIFICATIONS lists those of agree, then of disagree, then of neutral."""

COUNTS = tuple(
    field["name"]
    for field in current("ProposalTallied").fields
    if field["name"] not in ("consultation", "proposal", "source_offset")
)
"""Names of the absolute counts of a proposal, in schema order."""
