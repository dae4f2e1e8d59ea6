"""The closed lists of words, read from the schemas: one name for one thing everywhere."""

from typing import Any

from schemas.registry import current, newest


def _symbols(event: str, name: str) -> tuple[str, ...]:
    def search(schema: Any) -> tuple[str, ...] | None:
        if isinstance(schema, dict):
            if schema.get("name") == name and "symbols" in schema:
                return tuple(schema["symbols"])
            schema = list(schema.values())
        if isinstance(schema, list):
            return next(filter(None, map(search, schema)), None)
        return None

    found = search(newest(event).raw)
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
SHOWN = _symbols("VoteCast", "Shown")
ROUTES = _symbols("DecisionMade", "Route")
REFUSALS = _symbols("DecisionMade", "Refusal")
DECIDED = (
    *(outcome if reason == "none" else f"{outcome}_{reason}"
      for outcome in OUTCOMES for reason in REASONS),
    *(f"refused_{refusal}" for refusal in REFUSALS if refusal != "none"))
"""What results call what became of a record: the outcome, refusals with their reason."""
REFUSED = tuple(f"refused_{reason}" for reason in (*REASONS, *REFUSALS) if reason != "none")
"""Those of refusals."""
CHALLENGED = _symbols("NetworksSeen", "Challenged")
CONTROL_ROLES = _symbols("RulesAdopted", "ControlRole")

QUALIFICATIONS_PER_CHOICE = 3
"""QUALIFICATIONS lists those of agree, then of disagree, then of neutral."""

ANSWERS = {
    "gender": ("woman", "man", "other"),
    "age_band": ("15-17", "18-24", "25-34", "35-49", "50-64", "65+"),
    # One ISO 3166-2 code a region of France, in the order of their names.
    "region": (
        "FR-ARA", "FR-BFC", "FR-BRE", "FR-CVL", "FR-20R", "FR-GES", "FR-971", "FR-973", "FR-HDF",
        "FR-IDF", "FR-974", "FR-972", "FR-976", "FR-NOR", "FR-NAQ", "FR-OCC", "FR-PDL", "FR-PAC"),
}
"""What participants may say about themselves, by field of ParticipantDescribed.

The schema takes any short text, so that these lists can grow; what is not in them is neither taken
nor published, for anybody could write it.
"""

EVERY_COUNT = tuple(
    field["name"]
    for field in newest("ProposalTallied").fields
    if field["name"] not in ("consultation", "proposal", "source_offset")
)
"""Names of the absolute counts of a proposal, in schema order: later versions add at the end."""

COUNTS = EVERY_COUNT[:len(current("ProposalTallied").fields) - 3]
"""Names of those of version 1, which all rules have."""
