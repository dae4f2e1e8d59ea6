"""Words under votes: were so many votes cast before each correction as it says?

The pure way reads the archived votes once, SQL counts rows for each correction. A document of a
former form says nothing of words: it is not true where the catalogue has corrections on record.
Are the records whose words a retirement hides those that it names?
"""

from collections.abc import Iterator, Mapping
from typing import Any

from processors.results import wordings
from processors.results.catalogue import Consultation
from schemas import withheld
from sinks.recount.checks import NOT_COMPARED, Check, check
from sinks.recount.cuts import Place, VotesAtCuts, cuts_of, former, is_reached
from sinks.recount.reading import Reading


def check_words(
    document: Mapping[str, Any], known: Consultation | None, reading: Reading
) -> Iterator[Check]:
    """Count the votes before every correction, in two ways, and hold them against its record.

    So it does with what retirements say of the records that hold the words they hide.
    """
    said = cuts_of(known)
    if known is not None and (named := {
            offset: (proposal, digest) for proposal, found in known.retired.items()
            for offset, digest in found.records.items()}):
        yield _hidden(named, known.id, reading)
    if document["format"] in wordings.FORMATS_WITHOUT:
        yield former(said, known)
    elif said and known is not None:
        reached = {place: votes for place, votes in said.items()
                   if is_reached(place, reading.vector)}
        counted = VotesAtCuts(known.id, reached)
        for partition in range(len(reading.vector)):
            counted.follow(partition, (values for _, values in reading.votes(partition)))
        yield check("pure.words", listed(reached), listed(counted.counts))
        yield check("sql.words", listed(reached), listed({
            place: _by_rows(reading, known.id, place) for place in reached}))
        if len(reached) < len(said):
            yield Check("words.ahead", NOT_COMPARED, "votes up to the published offsets",
                        f"{len(said) - len(reached)} corrections tell of later ones")


def _hidden(
    named: Mapping[int, tuple[str, bytes]], consultation: str, reading: Reading
) -> Check:
    """Make the digests of records without words again."""
    records = {offset: value for offset, value in reading.catalogue_records(max(named))
               if offset in named}
    again = {offset: withheld.digest_in(records.get(offset), consultation, proposal) or b""
             for offset, (proposal, _) in named.items()}
    return check("words.hidden", *(
        {str(offset): digest.hex() for offset, digest in each.items()}
        for each in ({offset: digest for offset, (_, digest) in named.items()}, again)))


def listed(counts: Mapping[Place, int]) -> list[dict[str, Any]]:
    """Write counts down, as a check shows them."""
    return [{"up_to": list(cut), "proposal": proposal, "votes": votes}
            for (cut, proposal), votes in counts.items()]


def _by_rows(reading: Reading, consultation: str, place: Place) -> int:
    """Count the rows of votes up to a cut."""
    [[votes]] = reading.at(place[0]).query(
        "votes_cast", consultation=consultation, proposal=place[1])
    return int(votes)
