"""Words under votes: were so many votes cast before each correction as it says?

The pure way reads the archived votes once, SQL counts rows for each correction. A document of a
former form says nothing of words: it is not true where the catalogue has corrections on record.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from processors.results import wordings
from processors.results.catalogue import Consultation
from sinks.recount.checks import NOT_COMPARED, Check, check
from sinks.recount.cuts import Place, VotesAtCuts, cuts_of, former, is_reached
from sinks.recount.reading import Reading


def check_words(
    document: Mapping[str, Any], known: Consultation | None, reading: Reading
) -> Iterator[Check]:
    """Count the votes before every correction, in two ways, and hold them against its record."""
    said = cuts_of(known)
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


def listed(counts: Mapping[Place, int]) -> list[dict[str, Any]]:
    """Write counts down, as a check shows them."""
    return [{"up_to": list(cut), "proposal": proposal, "votes": votes}
            for (cut, proposal), votes in counts.items()]


def _by_rows(reading: Reading, consultation: str, place: Place) -> int:
    """Count the rows of votes up to a cut."""
    [[votes]] = reading.at(place[0]).query(
        "votes_cast", consultation=consultation, proposal=place[1])
    return int(votes)
