"""How many votes were cast, on what: VoteCast records of the ballot box as they lie there. Pure.

No rule is asked: a vote that was repeated, refused or set aside was cast as well, by somebody who
had words before them.
"""

from collections import Counter
from collections.abc import Iterable

from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.registry import HEADER_BYTES
from schemas.topics import MAX_BALLOT_BYTES


_CAST = decoders("VoteCast", "consultation", "proposal")


class VotesCast:
    """Counts the votes of one consultation; feed it records in any order."""

    def __init__(self, consultation: str) -> None:
        self._consultation = consultation
        self.proposals: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Votes on all proposals."""
        return self.proposals.total()

    def count(self, values: Iterable[bytes | None]) -> None:
        """Count records; what is no vote, or cannot be read, is passed by."""
        for value in values:
            cast = value and _CAST.get(value[:HEADER_BYTES])
            if not value or not cast or len(value) > MAX_BALLOT_BYTES:
                continue
            try:
                consultation, proposal = cast(value)
            except Undecodable:
                continue
            if consultation == self._consultation:
                self.proposals[proposal] += 1
