"""The recorded judgements in their order: which records of the topic are one, and which strays.

Theory of operation: a judgement holds once it is the first of its number that goes on from the one
before, as patrol and audit have it (`judgements.goes_on`). Whatever else lies in the topic (a
number that is taken, or not yet due, cuts that nobody can have made, what cannot be read, another
event) is passed over by all who read it, here. Only patrol and audit, which read the log itself,
can tell one that names records beyond its end. Pure.
"""

from typing import Any

from processors.guard.inputs import Cut, beginning
from processors.guard.judgements import cut_of, goes_on
from schemas import codec
from schemas.codec import Undecodable


class Sequence:
    """Takes the records of the topic, one by one from its beginning."""

    def __init__(self) -> None:
        self.number = 0
        """Of the last judgement; 0 before the first."""
        self._cut: Cut | None = None

    def next_of(self, value: bytes | None) -> dict[str, Any] | None:
        """Return the fields of a record if it is the next judgement.

        UnknownSchema or LaterRule where only a later version can tell.
        """
        try:
            event, fields = codec.decode(value or b"")
        except Undecodable:
            return None
        if event != "PatrolJudged" or fields["number"] != self.number + 1:
            return None
        until = cut_of(fields)
        if not until.votes or not goes_on(fields, self._cut or beginning(len(until.votes))):
            return None
        self.number, self._cut = self.number + 1, until
        return fields
