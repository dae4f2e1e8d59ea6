"""Where the ballot box is cut when words change: how far it reached, and what had been cast in it.

Theory of operation: the box is read whole, then once more for what came meanwhile, and the change
is written at once. So every vote up to the cut was cast when nobody could be shown the new words;
one behind it may have been, too, from a page that was open.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue
from producers.log_reader import LogReader
from producers.signing import CatalogueKey, correction
from schemas import corrections
from schemas.codec import ID_BYTES
from schemas.corrections import Change, Fields
from schemas.registry import seed
from schemas.topics import Topics
from schemas.votes_cast import VotesCast


PASSES = 2
"""So often the box is read to its end: the second time only what came during the first."""
UNVOTED = "described anew before any vote"
"""The reason of a change that nobody is asked one for."""


class Cut(NamedTuple):
    """How far the ballot box reached, and what had been cast in it."""

    offsets: list[int]
    """Last votes offset read, by partition; -1 for none."""
    votes: VotesCast

    def votes_under(self, rewording: "Rewording") -> int:
        """Return how many people voted, repeated votes counted, on what is to be changed."""
        if rewording.event == "ProposalAccepted":
            return self.votes.proposals[rewording.name]
        return self.votes.total


class Rewording(NamedTuple):
    """What would change of a description that people may have voted on."""

    event: str
    """That describes it."""
    name: str
    """Identifier of the proposal, idea or theme; empty for the consultation."""
    known: Fields
    wanted: Fields

    @property
    def changes(self) -> list[Change]:
        """List the fields that change."""
        return corrections.kept_changes(self.event, self.known, self.wanted)

    @property
    def what(self) -> str:
        """Name it for people."""
        kind = SUBJECTS.get(self.event, "proposal")
        return f"{kind} {self.name!r}" if self.name else "the consultation"


SUBJECTS = {event: subject for subject, (event, _) in corrections.SUBJECTS.items()}
"""What is described, by the event that describes it; a proposal is corrected by an event of its
own."""


async def cut(address: str, topics: Topics, consultation: str) -> Cut:
    """Read the ballot box to its end; see above for what that says."""
    found = Cut([-1] * topics.partitions, VotesCast(consultation))
    async with LogReader(address) as reader:
        await reader.require(topics.votes, topics.partitions)
        for _ in range(PASSES):
            for partition in range(topics.partitions):
                async for records in reader.read(
                        topics.votes, partition, first=found.offsets[partition] + 1):
                    found.votes.count(record.value for record in records)
                    found.offsets[partition] = records[-1].offset
    return found


def require_unvoted(found: Cut, rewordings: Sequence[Rewording]) -> None:
    """Raise InvalidInput where people voted on what a description would change."""
    voted = [(each, votes) for each in rewordings if (votes := found.votes_under(each))]
    if voted:
        listed = "\n".join(
            f"  {each.what}: {', '.join(change.field for change in each.changes)} "
            f"({votes:,} votes cast)" for each, votes in voted)
        first = voted[0][0]
        raise InvalidInput(
            f"people have voted on words or dates that this would change:\n{listed}\nNothing was "
            "written. Take the change out of the file, or make it in the open, where old and new "
            f"words stay to be read: `{command(first)} --reason …`")


def command(rewording: Rewording) -> str:
    """Write the command that makes a change in the open."""
    kind = SUBJECTS.get(rewording.event, "")
    about = {"": rewording.name, "consultation": ""}.get(kind, f"--{kind} {rewording.name}")
    options = dict.fromkeys(
        "--" + ("text" if "." in change.field else change.field.replace("_", "-"))
        for change in rewording.changes)
    consultation = rewording.wanted["consultation"]
    return " ".join(filter(None, (
        "scrutin correct", about, f"--consultation {consultation}",
        *(f"{option} …" for option in options))))


def encoded(
    rewording: Rewording, found: Cut, reason: str, signer: CatalogueKey | None, *, occurred_at: int,
) -> bytes:
    """Encode the correction that makes a change; raise OutOfBounds where it cannot be written."""
    known, wanted = rewording.known, rewording.wanted
    event: str
    if rewording.event == "ProposalAccepted":
        event = corrections.PROPOSAL_CORRECTED
        of: dict[str, Any] = {
            "proposal": rewording.name, "before": known["text"], "after": wanted["text"]}
    else:
        event = corrections.DESCRIPTION_CORRECTED
        of = {"subject": SUBJECTS[rewording.event], "name": rewording.name,
              "changes": [change._asdict() for change in rewording.changes]}
    said = repr((rewording.name, rewording.changes)).encode()
    event_id = hashlib.sha256(seed(event) + known["event_id"] + said).digest()[:ID_BYTES]
    return correction(
        signer, event, event_id=event_id, consultation=wanted["consultation"], **of,
        follows=known["event_id"], reason=reason, offsets=found.offsets,
        votes=found.votes_under(rewording), origin="operator", occurred_at=occurred_at)


def rewordings(
    described: Sequence[tuple[str, Fields]], known: KnownCatalogue
) -> list[Rewording]:
    """List what descriptions would change of words and dates that are there already."""
    found = []
    for event, fields in described:
        newest = known.newest_like(event, fields)
        if newest is not None and corrections.kept_changes(event, newest, fields):
            found.append(Rewording(event, known.subject(event, fields), newest, fields))
    return found
