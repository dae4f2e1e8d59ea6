"""What a consultation is about: the fold of the catalogue topic. Pure.

A later description of the same thing replaces the earlier one; ideas are a mapping of proposals,
so regrouping moves no vote, and any past mapping is the fold of a shorter prefix.
"""

from dataclasses import dataclass, field
from typing import Any


Fields = dict[str, Any]


@dataclass
class Consultation:
    """One consultation as the catalogue describes it; dicts keep the order of first mention."""

    id: str
    described: Fields | None = None
    """Fields of the last ConsultationDescribed."""
    themes: dict[str, Fields] = field(default_factory=dict)
    ideas: dict[str, Fields] = field(default_factory=dict)
    proposals: dict[str, Fields] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    """Proposal to idea, of the proposals that are grouped."""
    groupings_after_closing: int = 0
    """Proposals that were given another idea after the closing was announced."""
    closing: Fields | None = None
    """The announced ConsultationClosed, if any."""
    completed: Fields | None = None
    """The ClosingCompleted, once the closing lies in every partition."""


class Catalogue:
    """All consultations; fold it with `apply`, record by record, in the order of the log."""

    def __init__(self) -> None:
        self.offset = -1
        """Last catalogue offset folded."""
        self.consultations: dict[str, Consultation] = {}

    def apply(self, event: str, fields: Fields, offset: int) -> str | None:
        """Fold one event; return the consultation it touched. One folded before is skipped."""
        if offset <= self.offset:
            return None
        self.offset = offset
        fold = _FOLDS.get(event)
        if fold is None:
            return None  # Nothing, or of another room: it says nothing of a consultation.
        name: str = fields["consultation"]
        fold(self.consultations.setdefault(name, Consultation(name)), fields)
        return name


def _described(consultation: Consultation, fields: Fields) -> None:
    consultation.described = fields


def _theme(consultation: Consultation, fields: Fields) -> None:
    consultation.themes[fields["theme"]] = fields


def _idea(consultation: Consultation, fields: Fields) -> None:
    consultation.ideas[fields["idea"]] = fields


def _accepted(consultation: Consultation, fields: Fields) -> None:
    consultation.proposals[fields["proposal"]] = fields


def _grouped(consultation: Consultation, fields: Fields) -> None:
    moved = consultation.mapping.get(fields["proposal"]) != fields["idea"]
    consultation.groupings_after_closing += moved and consultation.closing is not None
    if fields["idea"] is None:
        consultation.mapping.pop(fields["proposal"], None)
    else:
        consultation.mapping[fields["proposal"]] = fields["idea"]


def _closing(consultation: Consultation, fields: Fields) -> None:
    consultation.closing = consultation.closing or fields


def _completed(consultation: Consultation, fields: Fields) -> None:
    consultation.completed = consultation.completed or fields


_FOLDS = {
    "ConsultationDescribed": _described,
    "ThemeDescribed": _theme,
    "IdeaDescribed": _idea,
    "ProposalAccepted": _accepted,
    "ProposalGrouped": _grouped,
    "ConsultationClosed": _closing,
    "ClosingCompleted": _completed,
}
