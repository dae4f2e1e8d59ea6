"""What is published of who took part, against the participants' log. Pure.

Descriptions are archived apart, where no recount looks. Where the log of participants can be read
it is folded up to the published position by the rule that published it; else they are taken over,
which is said.
"""

from dataclasses import dataclass

from processors.results.descriptions import Descriptions, told_by
from schemas.codec import Undecodable
from sinks.recount.checks import NOT_COMPARED, Check, compare_documents
from sinks.recount.recomputing import Document


PEOPLE = "participants.descriptions"
"""The check of every published figure of descriptions."""
_OF_VOTES = ("base", "not_stated")
"""What participation holds that follows from votes, too: the whole document has it compared."""


class PeopleLog:
    """The participants' log, folded record by record for one consultation."""

    def __init__(self, consultation: str) -> None:
        self.people = Descriptions()
        self._consultation = consultation

    def apply(self, value: bytes | None, _offset: int) -> None:
        """Fold the next record; one that nobody can read is set aside, as everywhere.

        Raise UnknownSchema for one that a later release can read.
        """
        try:
            told = told_by(value)
        except Undecodable:
            return
        if told.consultation == self._consultation:
            self.people.fold(told)


@dataclass(frozen=True)
class People:
    """The people of a consultation, or why there are none to compare with."""

    folded: Descriptions | None
    """None where the log cannot be read..."""
    why: str = ""
    """... and why."""


def check_people(document: Document, made: Document) -> Check:
    """Compare every figure of descriptions that two documents hold."""
    return compare_documents(PEOPLE, _figures(document), _figures(made))


def taken_over(why: str) -> Check:
    """Say that nothing vouches for the descriptions."""
    return Check(PEOPLE, NOT_COMPARED, "every figure of descriptions", (
        "descriptions were taken over from the published document, not recomputed: " + why))


def _figures(document: Document) -> Document:
    told = document["participation"]
    return {**{name: held for name, held in told.items() if name not in _OF_VOTES},
            "in stretches": "unpublished" in told}
