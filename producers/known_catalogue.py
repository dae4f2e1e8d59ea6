"""What the catalogue already says: the newest description of everything, for writers."""

from dataclasses import dataclass, field
from typing import Any

from producers.errors import InvalidInput, Missing
from producers.log_reader import LogReader
from schemas import codec, corrections, named_keys, partners
from schemas.codes import ISSUED, Issues, add_issue
from schemas.control_roles import PublicKey
from schemas.corrections import Authority
from schemas.endorsements import Counted, Endorsements
from schemas.finding_acts import Acts
from schemas.named_keys import KeyList
from schemas.registry import FIRST_RULES
from schemas.topics import Topics


_KEYS = {
    "ConsultationDescribed": None,
    "ThemeDescribed": "theme",
    "IdeaDescribed": "idea",
    "ProposalAccepted": "proposal",
    "ProposalGrouped": "proposal",
    partners.DESCRIBED: "partner",
    "ConsultationClosed": None,
    "ClosingCompleted": None,
    "ConsultationSealed": None,
}
"""Events of the catalogue, and the field that names what they describe within a consultation."""
_OF_THE_GUARD = corrections.ACTS | {corrections.RULE_CHANGED, corrections.REVIEW_ANSWERED}
UNKNOWN_WORDING = -1
"""Stands for the wording of a proposal whose offset nobody told."""


@dataclass
class KnownCatalogue:
    """The catalogue as last read; fold records with `apply`, in order."""

    latest: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    """Fields of the newest event by (event, consultation, what it describes)."""
    event_ids: set[bytes] = field(default_factory=set)
    keys: KeyList = field(default_factory=KeyList)
    """The service's public keys, as the log names them; their offsets are not known here."""
    rules: int = FIRST_RULES
    """Version of the rules that is announced: what follows them is written in its version."""
    announced_at: int = 0
    """When rules later than the first were announced first (ms)."""
    authority: Authority = field(default_factory=Authority)
    """Whose corrections count."""
    endorsements: Endorsements = field(init=False)
    """Which records count."""
    retired: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The ProposalRetired of each retired proposal, by consultation and proposal."""
    first_keys: frozenset[bytes] = frozenset()
    """Digests of the adoptions by which partitions without keys may take their first."""
    partners: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    """The newest PartnerDescribed of each partner, by consultation and number."""
    codes: dict[str, Issues] = field(default_factory=dict)
    """What codes were issued, by consultation: one that is here takes votes by codes alone."""
    retirements: int = 0
    """How many retirements and restorations there were."""
    wordings: dict[tuple[str, str], int] = field(default_factory=dict)
    """Offset of the record that gave its present text, by consultation and proposal."""
    acts: Acts = field(default_factory=Acts)
    """What people decided about findings of the guard."""
    answered: dict[bytes, frozenset[int]] = field(default_factory=dict)
    """Rules that set a single voter aside no more, by the id of what that voter asks."""

    def __post_init__(self) -> None:
        self.endorsements = Endorsements(self.authority)

    @property
    def edition(self) -> int:
        """How often keys of controls were adopted."""
        return self.authority.edition

    @property
    def control_keys(self) -> tuple[PublicKey, ...]:
        """Keys whose signatures every partition asks for; none: controls are unsigned."""
        return self.authority.keys
    older: corrections.Older = field(default_factory=corrections.Older)
    """What corrections have gone beyond."""
    rule_changes: dict[tuple[str | None, int], dict[str, Any]] = field(default_factory=dict)
    """The last change of a rule of the guard, by consultation (None: all) and rule."""

    def apply(
        self, event: str, fields: dict[str, Any], offset: int = UNKNOWN_WORDING,
        value: bytes | None = None,
    ) -> None:
        """Fold a record; its offset is asked for where wordings are, itself where it is signed.

        One without an offset is what a writer is about to write, which counts.
        """
        found = (Counted(event, fields, offset, value) if offset == UNKNOWN_WORDING
                 else self.endorsements.take(event, fields, offset, value))
        if found:
            self._count(found)

    def _count(self, found: Counted) -> None:
        """Fold a record that counts."""
        event, fields, offset, value = found
        if event in corrections.KEPT:
            self._describe(event, fields, offset)
        elif event in corrections.SIGNED:
            if self.authority.takes(event, fields, value):
                self._correct(event, fields, offset)
        elif event in _KEYS:
            self.latest[event, fields["consultation"], _subject(event, fields)] = fields
            if event == partners.DESCRIBED:
                self.partners.setdefault(fields["consultation"], {})[fields["partner"]] = fields
        elif event == ISSUED:
            add_issue(self.codes.setdefault(fields["consultation"], {}), fields)
        elif event == named_keys.EVENT:
            self.keys.apply(fields)
        elif event == corrections.ANNOUNCED:
            self._announce(fields, value)
        if "event_id" in fields:  # Else it is of another room, and says nothing here.
            self.event_ids.add(fields["event_id"])

    def wording(self, consultation: str, proposal: str) -> int:
        """Return the catalogue offset of the text of a proposal as it is now."""
        return self.wordings.get((consultation, proposal), UNKNOWN_WORDING)

    def find(self, event: str, consultation: str, subject: str = "") -> dict[str, Any] | None:
        """Return the newest event of a kind about something, or None."""
        return self.latest.get((event, consultation, subject))

    def newest_like(self, event: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Return the newest event that describes the same thing as one about to be written."""
        return self.find(event, fields["consultation"], _subject(event, fields))

    def subject(self, event: str, fields: dict[str, Any]) -> str:
        """Name what an event describes within its consultation; empty for the consultation."""
        return _subject(event, fields)

    def consultations(self) -> list[str]:
        """List the consultations described."""
        return [key[1] for key in self.latest if key[0] == "ConsultationDescribed"]

    def _announce(self, fields: dict[str, Any], value: bytes | None) -> None:
        """Fold an announcement. Rules and keys never go back: an earlier one came again."""
        # Digests give nobody anything: ledgers were told theirs, and decisions say which counted.
        # One that is not seen would hide keys that a partition has.
        self.first_keys |= frozenset(fields["first_keys"])
        if not self.authority.announce(fields, value):
            return
        if self.rules == FIRST_RULES:
            self.announced_at = fields["occurred_at"]
        self.rules = max(self.rules, fields["ledger_version"])

    def _describe(self, event: str, fields: dict[str, Any], offset: int) -> None:
        """Fold a description; where the log has keys it changes nothing people voted on."""
        key = event, fields["consultation"], _subject(event, fields)
        before = self.latest.get(key)
        if self.older.holds(key, fields):
            return
        self.older.replace(key, before, fields)
        if before and self.authority.keys:
            fields = corrections.without_changes(event, before, fields)
        self.latest[key] = fields
        # A record that changes the author alone gave no words.
        if event == "ProposalAccepted" and (before is None or before["text"] != fields["text"]):
            self.wordings[key[1:]] = offset

    def _correct(self, event: str, fields: dict[str, Any], offset: int) -> None:
        """Fold a correction, a retirement or a restoration, or what concerns the guard."""
        if event in _OF_THE_GUARD:
            self._guard(event, fields, offset)
            return
        if event == corrections.DESCRIPTION_CORRECTED:
            of, subject = corrections.described_by(fields)
        else:
            of, subject = "ProposalAccepted", fields["proposal"]
        place = fields["consultation"], subject
        known = self.find(of, *place)
        if known is None:
            return
        self.retirements += event in (corrections.RETIRED, corrections.RESTORED)
        if event == corrections.RETIRED:
            self.retired[place] = fields
        elif event == corrections.RESTORED:
            self.retired.pop(place, None)
        else:
            made = corrections.applied(of, known, fields)
            if made is not None:
                self.older.replace((of, *place), known, made, corrected=True)
                self.latest[of, *place] = made
                if of == "ProposalAccepted":
                    self.wordings[place] = offset

    def _guard(self, event: str, fields: dict[str, Any], offset: int) -> None:
        """Fold a change of a rule, an act on a finding, or the answer to a voter."""
        self.acts.take(event, fields, offset)
        if event == corrections.RULE_CHANGED:
            rule = fields["consultation"], fields["rule"]
            if fields["follows"] == self.rule_changed(*rule):
                self.rule_changes[rule] = fields
        elif event == corrections.REVIEW_ANSWERED:
            review = fields["review"]
            self.answered[review] = self.answered.get(review, frozenset()) | {*fields["rules"]}

    def rule_changed(self, consultation: str | None, rule: int) -> bytes:
        """Return the event id that the next change of a rule of the guard follows."""
        last = self.rule_changes.get((consultation, rule))
        return last["event_id"] if last else bytes(codec.ID_BYTES)

    def require_consultation(self, consultation: str | None) -> str:
        """Return the consultation meant: the named one, or the only one there is."""
        known = self.consultations()
        listed = ", ".join(known) or "none"
        if consultation is None:
            if len(known) == 1:
                return known[0]
            raise InvalidInput(f"which consultation? Known: {listed}. Add --consultation ID.")
        if consultation not in known:
            raise Missing(
                f"unknown consultation {consultation!r}; known: {listed}. Describe it first with "
                "`scrutin consultation apply FILE`."
            )
        return consultation


def _subject(event: str, fields: dict[str, Any]) -> str:
    key = _KEYS[event]
    return "" if key is None else str(fields[key])


async def read_catalogue(reader: LogReader, topics: Topics) -> KnownCatalogue:
    """Read the whole catalogue; records that are not events are left out."""
    await reader.require(topics.catalogue, 1)
    known = KnownCatalogue()
    async for records in reader.read(topics.catalogue, 0):
        for record in records:
            try:
                event, fields = codec.decode(record.value)
            except codec.Undecodable:
                continue
            known.apply(event, fields, record.offset, record.value)
    return known
