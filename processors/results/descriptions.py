"""Who took part: what is published of the descriptions that participants gave. Pure.

Theory of operation: whoever sees two documents sees their difference, so what is protected is
every difference of all that were ever published. Descriptions are taken in stretches of the
participants' log: one ends where so many people have described themselves who are in no stretch
before, FIRST_PEOPLE at first, then STRETCH_PEOPLE. A published stretch never changes: whoever
describes themselves again after it is not counted anew, for that difference would be theirs alone;
before, the last description counts. The closing lies in this log as well: what comes behind it
changes nothing. What is no whole stretch there is never published, only how many it holds, once
voting has closed. So the log up to an offset gives one document, a recount the same.

A table is published whole or not at all: whoever knew all words but one would know that one. It
comes out where each of its words was given by WITHHELD_BELOW people, and as many stated none, for
the number of people is published, too. That is looked at only
when people have doubled since the last look: a word that was just below may otherwise be found
from the first table that shows it. Once out, a table stays: counts only grow. The proof is in
docs/adr/0026-tables-come-out-whole.md.

Consultations of which the log has descriptions of version 1 alone are published as release 0.1.0
did: cell by cell, each time one comes. With the first of a later version its rule ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from processors.results.partition_tallies import fields_of
from schemas import codec
from schemas.registry import versions
from schemas.words import ANSWERS


DESCRIBED_BY = ("gender", "age_band", "region")
FIRST_PEOPLE = 50
"""Nothing is published of fewer people..."""
STRETCH_PEOPLE = 20
"""... and nothing that differs from what was published by fewer."""
WITHHELD_BELOW = 10
"""A table with a word that fewer people gave is withheld. Of version 1: a cell under it, with a
second one beside a lone one."""
CLOSED = "ConsultationClosed"

Answers = tuple[str | None, ...]
"""What one participant told, in the order of DESCRIBED_BY."""
Cells = list[dict[str, Any]]


class Description(NamedTuple):
    """One record of the participants' log."""

    consultation: str
    participant: bytes
    answers: Answers
    version_1: bool


class Closing(NamedTuple):
    """The other one: what comes behind it in the log is too late."""

    consultation: str


def told_by(value: bytes | None) -> Description | Closing:
    """Decode a record; raise Undecodable where it is neither."""
    schema = codec.schema_of(value)
    if schema in versions(CLOSED):
        return Closing(fields_of(value, CLOSED)["consultation"])
    fields = fields_of(value, "ParticipantDescribed")
    return Description(
        fields["consultation"], fields["participant"],
        tuple(fields[each] for each in DESCRIBED_BY),
        version_1=schema is versions("ParticipantDescribed")[0])


def _nothing() -> dict[str, Cells]:
    return {name: [] for name in DESCRIBED_BY}


@dataclass(frozen=True)
class PublishedDescriptions:
    """What is published of descriptions."""

    descriptions: int = 0
    tables: Mapping[str, Cells] = field(default_factory=_nothing)
    """For each of DESCRIBED_BY its words with their counts, None where withheld."""
    in_stretches: bool = False
    """Whether by the rule above; else by that of version 1."""
    unpublished: int | None = None
    """Descriptions that are in no stretch; None while voting is open."""

    def fields(self) -> dict[str, Any]:
        """Return the fields of a document's participation, and of a ConsultationScored."""
        found = {"descriptions": self.descriptions, **{
            name: self.tables[name] for name in DESCRIBED_BY}}
        return found | {"unpublished": self.unpublished} if self.in_stretches else found

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "PublishedDescriptions":
        """Read them again."""
        return cls(
            fields["descriptions"], {name: fields[name] for name in DESCRIBED_BY},
            "unpublished" in fields, fields.get("unpublished"))


class Descriptions:
    """The descriptions of one consultation, folded in the order of the log."""

    def __init__(self) -> None:
        self._published: set[bytes] = set()
        """Participants in published stretches."""
        self._waiting: dict[bytes, Answers] = {}
        """Those of the stretch that has not ended; by version 1 all."""
        self._counts = _zeros()
        """Of the published stretches; by version 1 of all."""
        self._out: set[str] = set()
        """Tables that are published."""
        self._due = FIRST_PEOPLE
        """A stretch ends with so many people."""
        self._look_at = FIRST_PEOPLE
        """With so many people in all, tables are looked at again."""
        self._by_version_1 = False
        self.closed = False
        """Whether the closing lies in the log: then nothing moves any more."""

    def fold(self, told: Description | Closing) -> bool:
        """Apply a record of this consultation; return whether what is known of it moved."""
        if self.closed:
            return False
        if isinstance(told, Closing):
            self.closed = True
            return True
        return self.apply(told.participant, told.answers, version_1=told.version_1)

    def apply(self, participant: bytes, answers: Answers, *, version_1: bool) -> bool:
        """Fold one description in; return whether other figures are published for it."""
        is_first = not self._waiting and not self._published
        if version_1 and (is_first or self._by_version_1):
            self._by_version_1 = True
            self._count(self._waiting.get(participant, ()), -1)
            self._count(answers, 1)
            self._waiting[participant] = answers
            return True
        rises = self._by_version_1
        if rises:
            self._rise()
        if participant not in self._published:
            self._waiting[participant] = answers
        if len(self._waiting) < self._due:
            return rises
        self._end_stretch()
        return True

    def published(self, *, closed: bool) -> PublishedDescriptions:
        """Return what is published; `closed` says that voting has closed."""
        if self._by_version_1:
            return PublishedDescriptions(len(self._waiting), {name: cells({
                word: number for word, number in counts.items() if number})
                for name, counts in self._counts.items()})
        return PublishedDescriptions(
            len(self._published), {
                name: [{"value": word, "count": number if name in self._out else None}
                       for word, number in counts.items()]
                for name, counts in self._counts.items()},
            in_stretches=True, unpublished=len(self._waiting) if closed else None)

    def _rise(self) -> None:
        """Leave the rule of version 1, by which everybody so far was published one by one."""
        self._by_version_1 = False
        self._counts = _zeros()
        if len(self._waiting) >= FIRST_PEOPLE:
            self._end_stretch()
        else:
            self._due = max(FIRST_PEOPLE, len(self._waiting) + STRETCH_PEOPLE)

    def _end_stretch(self) -> None:
        for answers in self._waiting.values():
            self._count(answers, 1)
        self._published.update(self._waiting)
        self._waiting = {}
        self._due = STRETCH_PEOPLE
        people = len(self._published)
        if people >= self._look_at:
            self._look_at = 2 * people
            self._out.update(
                name for name, counts in self._counts.items()
                if min(*counts.values(), people - sum(counts.values())) >= WITHHELD_BELOW)

    def _count(self, answers: Answers, sign: int) -> None:
        for (_, counts), answer in zip(self._counts.items(), answers, strict=False):
            if answer in counts:  # Else it was not stated, or is not in the list of today.
                counts[answer] += sign


def _zeros() -> dict[str, dict[Any, int]]:
    return {name: dict.fromkeys(ANSWERS[name], 0) for name in DESCRIBED_BY}


def cells(answers: Mapping[str, int]) -> Cells:
    """List answers by name as release 0.1.0 did.

    Small cells are withheld (null), never only one of them. It protects nobody from who subtracts.
    """
    ordered = sorted(answers)
    withheld = {value for value in ordered if answers[value] < WITHHELD_BELOW}
    if len(withheld) == 1 and len(ordered) > 1:
        rest = [value for value in ordered if value not in withheld]
        withheld.add(min(rest, key=lambda value: (answers[value], value)))
    return [{"value": v, "count": None if v in withheld else answers[v]} for v in ordered]
