"""What a Polis export says of itself, against a recount of its votes by the ledger.

Theory of operation: votes.csv has one row a vote event. The ledger decides each in order, so every
row counts, changes the voter's vote, or repeats it. comments.csv as Polis writes it has counted all
rows: a comment whose claimed numbers are those of its rows is explained, and the cause are the rows
that repeat or change a vote. Only a difference beyond that would be a riddle.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from producers import polis
from producers.polis import PolisExport
from schemas import codec
from schemas.words import CHOICES, COUNTS, OUTCOMES


_AGREE, _DISAGREE = COUNTS.index("agree"), COUNTS.index("disagree")


@dataclass
class Comment:
    """One comment: claimed and counted."""

    id: str
    claimed: tuple[int, int]
    """Agrees and disagrees of comments.csv."""
    counted: tuple[int, int]
    """Each voter once, with the current vote."""
    rows: tuple[int, int]
    """Every row of votes.csv, whoever's."""
    repeat: int
    """Rows that say again what the voter's vote is."""
    change: int
    """Rows that replace the voter's vote."""

    @property
    def differs(self) -> bool:
        return self.claimed != self.counted

    @property
    def explained(self) -> bool:
        return self.claimed == self.rows

    @property
    def units(self) -> int:
        return sum(abs(claim - count)
                   for claim, count in zip(self.claimed, self.counted, strict=True))


@dataclass
class Comparison:
    """A whole export."""

    name: str
    events: int
    voters: int
    current: int
    comments: list[Comment]
    cells: int = 0
    """Cells that participants-votes.csv or the recount has..."""
    cells_that_differ: list[tuple[str, str]] = field(default_factory=list)
    """... and those (participant, comment) where the two do not agree."""

    @property
    def differing(self) -> list[Comment]:
        return [comment for comment in self.comments if comment.differs]

    @property
    def unexplained(self) -> list[Comment]:
        return [comment for comment in self.differing if not comment.explained]


def compare(export: PolisExport, claimed_cells: Mapping[tuple[str, str], int] | None) -> Comparison:
    """Recount an export; `claimed_cells` are the choices of participants-votes.csv, if given."""
    ledger = _begun()
    cells: dict[tuple[str, str], int] = {}
    outcomes: dict[str, Counter[str]] = {}
    rows: Counter[tuple[str, int]] = Counter()
    for vote, (_, (_, _, value)) in zip(
            export.votes, polis.vote_events(export, export.name), strict=True):
        decided = ledger.decide(ledger.last_offset + 1, value)
        assert decided is not None, "each offset comes once"
        outcomes.setdefault(vote.comment, Counter())[OUTCOMES[decode(decided).outcome]] += 1
        cells[vote.voter, vote.comment] = vote.choice
        rows[vote.comment, vote.choice] += 1
    tallies = {proposal: counts for (_, proposal), counts in ledger.tallies().items()}
    comments = []
    for comment in export.comments:
        counts, became = tallies.get(comment.comment), outcomes.get(comment.comment, Counter())
        comments.append(Comment(
            comment.comment, comment.claimed,
            (counts[_AGREE], counts[_DISAGREE]) if counts else (0, 0),
            (rows[comment.comment, 0], rows[comment.comment, 1]),
            became["unchanged"], became["changed"]))
    found = Comparison(export.name, len(export.votes), len({vote.voter for vote in export.votes}),
                       len(cells), comments)
    if claimed_cells is not None:
        places = sorted(cells.keys() | claimed_cells.keys())
        found.cells = len(places)
        found.cells_that_differ = [
            place for place in places if cells.get(place) != claimed_cells.get(place)]
    return found


def _begun() -> Ledger:
    ledger = Ledger(0, 1)
    ledger.decide(0, codec.encode(
        "RulesAdopted", event_id=bytes(16), ledger_version=1, partition=0, partitions=1,
        salt=bytes(16), origin="import", occurred_at=0))
    return ledger


def lines(found: Comparison) -> Iterable[str]:
    """Say it in sentences."""
    differing = found.differing
    repeat, change = (sum(getattr(comment, name) for comment in found.comments)
                      for name in ("repeat", "change"))
    yield (f"{found.name}: {found.events:,} votes in votes.csv of {found.voters:,} voters: "
           f"{found.current:,} current, {repeat:,} repeat the voter's vote, {change:,} change it")
    yield (f"comments.csv: {len(differing):,} of {len(found.comments):,} comments differ from "
           f"the recount, by {sum(comment.units for comment in differing):,} votes")
    for comment in differing:
        cause = (f"every row was counted, {comment.repeat} that repeat a vote and {comment.change} "
                 "that change one among them" if comment.explained else "NOT EXPLAINED by its rows")
        yield (f"  comment {comment.id}: {CHOICES[0]} {comment.claimed[0]} claimed, "
               f"{comment.counted[0]} counted; {CHOICES[1]} {comment.claimed[1]} claimed, "
               f"{comment.counted[1]} counted: {cause}")
    if differing and not found.unexplained:
        yield ("cause: comments.csv counts every row of votes.csv, so a voter who repeats or "
               "changes a vote counts again. Each voter counted once gives the recount")
    if found.cells:
        yield (f"participants-votes.csv: {len(found.cells_that_differ):,} of {found.cells:,} "
               "current votes differ from the recount")
