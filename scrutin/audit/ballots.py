"""Read the ballot box and decide it again, up to a vector: the live votes of one consultation."""

from collections.abc import Sequence

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from producers import signing
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from schemas import hot
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES
from schemas.topics import Topics
from schemas.words import KINDS, ORIGINS, OUTCOMES
from views.open_data import Ballot, Cast


_CAST = KINDS.index("vote_cast")
_STANDS = {OUTCOMES.index(name) for name in ("counted", "changed", "unchanged", "proven")}
_IMPORT = ORIGINS.index("import")

Cells = dict[tuple[bytes, str], Ballot]


async def live_ballots(
    kafka: str, topics: Topics, consultation: str, vector: Sequence[int]
) -> list[Ballot]:
    """Return every live vote of a consultation as of the vector of votes offsets."""
    found: list[Ballot] = []
    async with LogReader(kafka) as reader:
        await reader.require(topics.votes, topics.partitions)
        known = await read_catalogue(reader, topics)
        for partition, last in enumerate(vector):
            first = await signing.first_adoptions(reader, topics, known, partition)
            folder = Folder(Ledger(partition, topics.partitions, first), consultation)
            async for records in reader.read(topics.votes, partition):
                for record in records:
                    if record.offset <= last:
                        folder.fold(record.offset, record.value)
            found += folder.cells.values()
    return found


class Folder:
    """Folds one votes partition to the live votes of a consultation."""

    def __init__(self, ledger: Ledger, consultation: str) -> None:
        self.cells: Cells = {}
        self._ledger, self._consultation = ledger, consultation
        self._decoders = hot.decoders(
            "VoteCast", "voter", "proposal", "choice", "origin", "occurred_at")

    def fold(self, offset: int, value: bytes | None) -> None:
        """Decide the next record and keep what became of it."""
        decided = self._ledger.decide(offset, value)
        assert decided is not None, "each offset comes once"
        decision = decode(decided)
        if decision.consultation != self._consultation or decision.voter is None:
            return
        for change in decision.changes:
            place = decision.voter, change.proposal
            if not change.after & 3:
                self.cells.pop(place, None)
            elif place in self.cells:
                self.cells[place].situation = change.after
            else:
                self.cells[place] = Ballot(*place, change.after)
        if decision.kind == _CAST and decision.outcome in _STANDS and value:
            self._cast(value)

    def _cast(self, value: bytes) -> None:
        try:
            voter, proposal, choice, origin, at = self._decoders[value[:HEADER_BYTES]](value)
        except Undecodable:
            return
        ballot = self.cells.get((voter, proposal))
        if ballot:
            ballot.casts.append(Cast(at, choice, origin == _IMPORT))
