"""The vector of a published figure as a header of its record. Pure.

Figures are read by key from a compacted topic, whose markers may be gone: the header says up to
where each of them holds. Beside it lies the term of the lease it was published under (`leases`).
"""

import re
from collections.abc import Iterable

from processors.results.results_document import AsOf
from schemas import leases
from schemas.codec import Undecodable


VECTOR = "vector"
"""Name of the header: offsets of the votes partitions, the catalogue and participants, decimal."""

_DECIMALS = re.compile(rb"-?[0-9]{1,19}(,-?[0-9]{1,19})*")


def headers(as_of: AsOf, term: int = leases.NO_TERM) -> list[tuple[str, bytes]]:
    """Return the headers of all records of a publication, of a term of the lease."""
    offsets = (*as_of.votes, as_of.catalogue, as_of.participants)
    return [(VECTOR, b",".join(b"%d" % offset for offset in offsets)), *leases.headers(term)]


def vector_of(found: Iterable[tuple[str, bytes]]) -> tuple[int, ...]:
    """Read the vector from a record's headers; empty where an older version wrote none.

    Raises Undecodable where it is none.
    """
    for name, value in found:
        if name == VECTOR:
            if not _DECIMALS.fullmatch(value):
                raise Undecodable(f"a record's vector is {value[:40]!r}")
            return tuple(map(int, value.split(b",")))
    return ()
