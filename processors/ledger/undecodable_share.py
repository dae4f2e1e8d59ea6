"""Whether a ledger may go on among undecodable records: a bad release must not refuse a campaign.

Theory of operation: offsets have no holes, so the last WINDOW_RECORDS records are an interval of
offsets, and how many of them are undecodable follows from the decisions alone: a ledger that starts
again comes to the same answer as the one that stopped. What lets it go on is `UndecodableAccepted`
in the catalogue, up to an offset. Pure.
"""

from collections.abc import Iterable

from processors.ledger.decisions import decode, is_undecodable
from processors.ledger.ledger import Ledger
from schemas.endorsements import CountedCatalogue


WINDOW_RECORDS = 1_000
"""The share of undecodable records is taken over so many."""


def remember(undecodable: list[int], offsets: Iterable[int]) -> None:
    """Add offsets to those remembered; no more are kept than a window holds."""
    undecodable += offsets
    del undecodable[:-WINDOW_RECORDS]


def count(undecodable: Iterable[int], ledger: Ledger) -> int:
    """Count the undecodable offsets in the window that ends with the ledger's last decision."""
    return sum(offset > ledger.last_offset - WINDOW_RECORDS for offset in undecodable)


def offsets(decisions: Iterable[bytes | None]) -> list[int]:
    """Return the votes offsets that these decisions refuse as undecodable, each once."""
    return sorted({decode(value).source_offset for value in decisions
                   if value is not None and is_undecodable(value)})


def accepted_until(catalogue: Iterable[bytes | None], partition: int) -> int:
    """Return the last votes offset up to which an operator lets a partition go on; -1: none."""
    found, catalogue_read = -1, CountedCatalogue()
    for offset, value in enumerate(catalogue):
        counted = catalogue_read.take(offset, value)
        if (counted and counted.event == "UndecodableAccepted"
                and counted.fields["partition"] == partition):
            found = max(found, counted.fields["until_offset"])
    return found
