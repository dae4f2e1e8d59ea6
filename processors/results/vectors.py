"""The vector of a published figure as a header of its record. Pure.

Figures are read by key from a compacted topic, whose markers may be gone: the header says up to
where each of them holds. Beside it lies the term of the lease it was published under (`leases`).
"""

from collections.abc import Iterable

from processors.results.results_document import AsOf
from schemas import leases


VECTOR = "vector"
"""Name of the header: offsets of the votes partitions, the catalogue and participants, decimal."""


def headers(as_of: AsOf, term: int = leases.NO_TERM) -> list[tuple[str, bytes]]:
    """Return the headers of all records of a publication, of a term of the lease."""
    offsets = (*as_of.votes, as_of.catalogue, as_of.participants)
    return [(VECTOR, b",".join(b"%d" % offset for offset in offsets)), *leases.headers(term)]


def vector_of(found: Iterable[tuple[str, bytes]]) -> tuple[int, ...]:
    """Read the vector from a record's headers; empty where an older version wrote none."""
    for name, value in found:
        if name == VECTOR:
            return tuple(map(int, value.split(b",")))
    return ()
