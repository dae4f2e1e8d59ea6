"""How many votes were cast up to cuts of the ballot box, in one pass over it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from processors.results.catalogue import Consultation
from schemas.votes_cast import VotesCast
from sinks.recount.checks import NOT_COMPARED, Check, check


Place = tuple[tuple[int, ...], str]
"""How far the ballot box was read, by partition, and the proposal; empty: all of them."""


def cuts_of(known: Consultation | None) -> dict[Place, int]:
    """List what a catalogue says of its corrections: votes up to each cut."""
    if known is None:
        return {}
    found = {(each.offsets, proposal): each.votes
             for proposal, corrections in known.corrections.items() for each in corrections}
    found |= {(each.offsets, ""): each.votes for each in known.redescriptions}
    return {place: votes for place, votes in found.items() if votes is not None}


def former(said: Mapping[Place, int], known: Consultation | None) -> Check:
    """Check a document of a form that tells nothing of words: there must be nothing to tell."""
    if said or (known and known.retired):
        return check("words.told", "every correction and retirement on record", "none")
    return Check("words.told", NOT_COMPARED, "every wording", "a document of a former form: none")


def is_reached(place: Place, vector: Sequence[int]) -> bool:
    """Whether the votes up to a cut are among those that are recounted."""
    return len(place[0]) == len(vector) and all(
        last <= held for last, held in zip(place[0], vector, strict=True))


class VotesAtCuts:
    """Counts at all places at once; each partition is followed once, from its first record on."""

    def __init__(self, consultation: str, places: Iterable[Place]) -> None:
        self.counts = dict.fromkeys(places, 0)
        self._consultation = consultation

    def follow(self, partition: int, values: Iterable[list[bytes | None]]) -> None:
        """Count a partition's records, which come in lists."""
        waiting = sorted(self.counts, key=lambda place: place[0][partition])
        found, begin, done = VotesCast(self._consultation), 0, 0
        for each in values:
            counted = 0
            while done < len(waiting) and waiting[done][0][partition] < begin + len(each):
                upto = max(waiting[done][0][partition] + 1 - begin, counted)
                found.count(each[counted:upto])
                counted = upto
                self._add(waiting[done], found)
                done += 1
            found.count(each[counted:])
            begin += len(each)
        for place in waiting[done:]:
            self._add(place, found)

    def _add(self, place: Place, found: VotesCast) -> None:
        self.counts[place] += found.proposals[place[1]] if place[1] else found.total
