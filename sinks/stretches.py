"""Which offsets are archived next: stretches without holes, and what lies in the table. Pure.

A stretch is `(first, last)`, both archived. In an undisturbed archive there is one from 0 on, the
contiguous prefix. Where rows were lost (a detached part, a deletion by hand) there are more: the
archive resumes after the prefix and leaves out what is there already.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Stretch(NamedTuple):
    """Offsets from first to last, both included."""

    first: int
    last: int


def next_offset(archived: Sequence[Stretch]) -> int:
    """Return the first offset that is not archived."""
    return archived[0].last + 1 if archived and archived[0].first == 0 else 0


def beyond(archived: Iterable[Stretch], offset: int) -> list[Stretch]:
    """Return what is archived from an offset on."""
    return [stretch for stretch in archived if stretch.first >= offset]


def cut(first: int, size: int, ahead: Sequence[Stretch]) -> tuple[int, int]:
    """Say of `size` records from `first` on how many to leave out, then how many to insert."""
    for stretch in ahead:
        if stretch.last < first:
            continue
        if stretch.first <= first:
            return min(size, stretch.last + 1 - first), 0
        return 0, min(size, stretch.first - first)
    return 0, size
