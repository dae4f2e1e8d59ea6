"""What a consultation is about: the fold of the catalogue topic. Pure.

A later description of the same thing replaces the earlier one, but for words and dates that people
voted on: how these change, `schemas.corrections` says, and every change is kept. Ideas are a
mapping of proposals, so regrouping moves no vote, and any past mapping is the fold of a shorter
prefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas import corrections
from schemas.codes import ISSUED, Issues, add_issue
from schemas.corrections import Authority, Change, Older
from schemas.endorsements import Counted, Endorsements
from schemas.partners import DESCRIBED


Fields = dict[str, Any]


@dataclass(frozen=True)
class Correction:
    """One change of the words of a proposal."""

    at: int
    """When it happened, in milliseconds since 1970."""
    catalogue: int
    """Offset of its record."""
    reason: str | None
    """None: a description that came again said otherwise."""
    before: corrections.Texts
    after: corrections.Texts
    before_digest: str
    after_digest: str
    votes: int | None
    """VoteCast records on the proposal up to `offsets`; None where nobody counted them."""
    offsets: tuple[int, ...]
    """Votes offsets held, by partition, when nobody could be shown the new words yet."""
    after_closing: bool


@dataclass(frozen=True)
class Redescription:
    """Changes of the words or dates of a consultation, a theme or an idea."""

    at: int
    catalogue: int
    subject: str
    """consultation, theme or idea."""
    name: str
    changes: tuple[Change, ...]
    reason: str | None
    votes: int | None
    """VoteCast records in the consultation, as those of a correction."""
    offsets: tuple[int, ...]
    after_closing: bool


@dataclass(frozen=True)
class Retirement:
    """Why a proposal is not voted on any more."""

    at: int
    catalogue: int
    reason: str
    hidden: bool
    """Whether words and author are shown no longer."""
    records: Mapping[int, bytes] = field(default_factory=dict)
    """Where they are hidden: by offset the digest of each record that holds words, as
    `schemas.withheld` has it. Empty: nobody said so, before version 2."""


@dataclass
class Consultation:
    """One consultation as the catalogue describes it; dicts keep the order of first mention."""

    id: str
    described: Fields | None = None
    """Fields of the last ConsultationDescribed, corrected."""
    themes: dict[str, Fields] = field(default_factory=dict)
    ideas: dict[str, Fields] = field(default_factory=dict)
    proposals: dict[str, Fields] = field(default_factory=dict)
    """As they may be shown: of those whose words are hidden nothing but the digest."""
    hidden: dict[str, Fields] = field(default_factory=dict)
    """What the catalogue says of proposals whose words are hidden: for a restoration alone."""
    retired: dict[str, Retirement] = field(default_factory=dict)
    corrections: dict[str, tuple[Correction, ...]] = field(default_factory=dict)
    """Every change of words, by proposal."""
    redescriptions: tuple[Redescription, ...] = ()
    """Every other change of what people voted on."""
    older: Older = field(default_factory=Older, compare=False)
    """What corrections have gone beyond."""
    partners: dict[int, Fields] = field(default_factory=dict)
    """The newest PartnerDescribed of each partner, by number."""
    codes: Issues = field(default_factory=dict)
    """What codes were issued; with any, only who has one votes."""
    mapping: dict[str, str] = field(default_factory=dict)
    """Proposal to idea, of the proposals that are grouped."""
    groupings_after_closing: int = 0
    """Proposals that were given another idea after the closing was announced."""
    corrections_after_closing: int = 0
    """Changes of words and dates after it..."""
    retirements_after_closing: int = 0
    """... and retirements and restorations."""
    closing: Fields | None = None
    """The announced ConsultationClosed, if any."""
    completed: Fields | None = None
    """The ClosingCompleted, once the closing lies in every partition."""

    def said_of(self, proposal: str) -> Fields | None:
        """Return what the catalogue says of a proposal, hidden or not."""
        return self.hidden.get(proposal) or self.proposals.get(proposal)

    def say_of(self, proposal: str, fields: Fields) -> None:
        """Say it, and show of it what may be shown."""
        found = self.retired.get(proposal)
        if found is not None and found.hidden:
            self.hidden[proposal], fields = fields, {**fields, **corrections.NO_WORDS}
        else:
            self.hidden.pop(proposal, None)
        self.proposals[proposal] = fields


class Catalogue:
    """All consultations; fold it with `apply`, record by record, in the order of the log."""

    def __init__(self) -> None:
        self.offset = -1
        """Last catalogue offset folded."""
        self.consultations: dict[str, Consultation] = {}
        self._authority = Authority()
        self._endorsements = Endorsements(self._authority)
        self.counted: Counted | None = None
        """What the last record folded made count: itself, or one before that it endorses."""

    @property
    def unendorsed(self) -> int:
        """Records so far that count for nothing, as long as nobody endorses them."""
        return self._endorsements.unendorsed

    def apply(
        self, event: str, fields: Fields, offset: int, value: bytes | None = None,
        digest: bytes | None = None,
    ) -> str | None:
        """Fold one event; return the consultation it touched. One folded before is skipped.

        `value` is the record itself: what must be signed or endorsed has no effect without it; of
        one whose words are withheld `digest` stands for it.
        """
        if offset <= self.offset:
            return None
        self.offset = offset
        self.counted = self._endorsements.take(event, fields, offset, value, digest)
        return self.counted and self._count(self.counted)

    def _count(self, found: Counted) -> str | None:
        """Fold one event that counts."""
        event, fields, offset, value = found
        if event == corrections.ANNOUNCED:
            self._authority.announce(fields, value)
        if event not in corrections.KEPT and event not in _FOLDS:
            return None  # Nothing, or of another room: it says nothing of a consultation.
        name: str = fields["consultation"]
        consultation = self.consultations.setdefault(name, Consultation(name))
        if event in corrections.KEPT:
            self._describe(consultation, event, fields, offset)
        elif event not in corrections.SIGNED or self._authority.takes(event, fields, value):
            _FOLDS[event](consultation, fields, offset)
        return name

    def _describe(
        self, consultation: Consultation, event: str, fields: Fields, offset: int
    ) -> None:
        """Fold a description: what people voted on moves only where the log has no keys."""
        subject = _SUBJECT_OF[event]
        name = _name_of(subject, fields)
        known = _described(consultation, subject, name)
        if consultation.older.holds((event, name), fields):
            return
        consultation.older.replace((event, name), known, fields)
        if known and self._authority.keys:
            fields = corrections.without_changes(event, known, fields)
        if subject == "proposal":
            digest = fields.get(corrections.TEXT_DIGEST) or corrections.digest_of(fields["text"])
            _reword(consultation, {**fields, corrections.TEXT_DIGEST: digest}, offset)
            return
        _describe(consultation, subject, fields)
        if known and (changes := corrections.kept_changes(event, known, fields)):
            _note(consultation, Redescription(
                fields["occurred_at"], offset, subject, name, tuple(changes), None, None, (),
                consultation.closing is not None))


_DESCRIBED = {**corrections.SUBJECTS, "proposal": ("ProposalAccepted", "proposal")}
_SUBJECT_OF = {event: subject for subject, (event, _) in _DESCRIBED.items()}


def _name_of(subject: str, fields: Fields) -> str:
    named_by = _DESCRIBED[subject][1]
    return str(fields[named_by]) if named_by else ""


def _described(consultation: Consultation, subject: str, name: str) -> Fields | None:
    """Return the newest description of something."""
    if subject == "proposal":
        return consultation.said_of(name)
    if subject == "consultation":
        return consultation.described
    return (consultation.themes if subject == "theme" else consultation.ideas).get(name)


def _describe(consultation: Consultation, subject: str, fields: Fields) -> None:
    if subject == "consultation":
        consultation.described = fields
    elif subject == "theme":
        consultation.themes[fields["theme"]] = fields
    else:
        consultation.ideas[fields["idea"]] = fields


def _note(consultation: Consultation, found: Redescription) -> None:
    consultation.redescriptions += (found,)
    consultation.corrections_after_closing += found.after_closing


def _reword(
    consultation: Consultation, fields: Fields, offset: int, correction: Fields | None = None
) -> None:
    """Say of a proposal what a description or a correction says, and keep a change of words."""
    name = fields["proposal"]
    known = consultation.said_of(name)
    before, after = (known and known[corrections.TEXT_DIGEST]), fields[corrections.TEXT_DIGEST]
    consultation.say_of(name, fields)
    if known is None or before == after:
        return
    closed = consultation.closing is not None
    by: Fields = correction or {**fields, "reason": None, "votes": None, "offsets": ()}
    consultation.corrections[name] = (*consultation.corrections.get(name, ()), Correction(
        by["occurred_at"], offset, by["reason"], known["text"], fields["text"],
        known[corrections.TEXT_DIGEST], after, by["votes"], tuple(by["offsets"]), closed))
    consultation.corrections_after_closing += closed


def _corrected(consultation: Consultation, fields: Fields, offset: int) -> None:
    """Fold a ProposalCorrected."""
    known = consultation.said_of(fields["proposal"])
    made = known and corrections.applied("ProposalAccepted", known, fields)
    if known and made:
        consultation.older.replace(
            ("ProposalAccepted", fields["proposal"]), known, made, corrected=True)
        _reword(consultation, made, offset, fields)


def _redescribed(consultation: Consultation, fields: Fields, offset: int) -> None:
    """Fold a DescriptionCorrected."""
    event, name = corrections.described_by(fields)
    subject = fields["subject"]
    known = _described(consultation, subject, name)
    made = known and corrections.applied(event, known, fields)
    if known and made:
        consultation.older.replace((event, name), known, made, corrected=True)
        _describe(consultation, subject, made)
        _note(consultation, Redescription(
            fields["occurred_at"], offset, subject, name,
            tuple(corrections.changes_in(fields)), fields["reason"], fields["votes"],
            tuple(fields["offsets"]), consultation.closing is not None))


def _retired(consultation: Consultation, fields: Fields, offset: int) -> None:
    name = fields["proposal"]
    known, before = consultation.said_of(name), consultation.retired.get(name)
    found = Retirement(
        fields["occurred_at"], before.catalogue if before else offset, fields["reason"],
        fields["text_hidden"],
        {each["offset"]: each["digest"] for each in fields.get("hidden", ())})
    if known is None or before == found:  # Unknown, or delivered again.
        return
    consultation.retired[name] = found
    consultation.retirements_after_closing += consultation.closing is not None
    consultation.say_of(name, known)


def _restored(consultation: Consultation, fields: Fields, _offset: int) -> None:
    known = consultation.said_of(fields["proposal"])
    if known is None or consultation.retired.pop(fields["proposal"], None) is None:
        return
    consultation.retirements_after_closing += consultation.closing is not None
    consultation.say_of(fields["proposal"], known)


def _grouped(consultation: Consultation, fields: Fields, _offset: int) -> None:
    moved = consultation.mapping.get(fields["proposal"]) != fields["idea"]
    consultation.groupings_after_closing += moved and consultation.closing is not None
    if fields["idea"] is None:
        consultation.mapping.pop(fields["proposal"], None)
    else:
        consultation.mapping[fields["proposal"]] = fields["idea"]


def _partner(consultation: Consultation, fields: Fields, _offset: int) -> None:
    consultation.partners[fields["partner"]] = fields


def _codes(consultation: Consultation, fields: Fields, _offset: int) -> None:
    add_issue(consultation.codes, fields)


def _closing(consultation: Consultation, fields: Fields, _offset: int) -> None:
    consultation.closing = consultation.closing or fields


def _completed(consultation: Consultation, fields: Fields, _offset: int) -> None:
    consultation.completed = consultation.completed or fields


_FOLDS = {
    "ProposalCorrected": _corrected,
    "DescriptionCorrected": _redescribed,
    "ProposalRetired": _retired,
    "ProposalRestored": _restored,
    "ProposalGrouped": _grouped,
    DESCRIBED: _partner,
    ISSUED: _codes,
    "ConsultationClosed": _closing,
    "ClosingCompleted": _completed,
}
