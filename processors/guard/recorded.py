"""The recorded judgements in their order: which records of the topic are one, and which strays.

Theory of operation: a judgement holds once it is the first of its number. Whatever else lies in the
topic (a number that is taken, or not yet due, what cannot be read, another event) is passed over by
all who read it, here. Pure.
"""

from typing import Any

from schemas import codec
from schemas.codec import Undecodable


class Sequence:
    """Takes the records of the topic, one by one from its beginning."""

    def __init__(self) -> None:
        self.number = 0
        """Of the last judgement; 0 before the first."""

    def next_of(self, value: bytes | None) -> dict[str, Any] | None:
        """Return the fields of a record if it is the next judgement.

        UnknownSchema where only a later version can tell.
        """
        try:
            event, fields = codec.decode(value or b"")
        except Undecodable:
            return None
        if event != "PatrolJudged" or fields["number"] != self.number + 1:
            return None
        self.number += 1
        return fields
