"""What is archived next, worked out from what is archived."""

from hypothesis import given
from hypothesis import strategies as st

from sinks.stretches import Stretch, beyond, cut, next_offset


def stretches(offsets: set[int]) -> list[Stretch]:
    """Group offsets into stretches."""
    found: list[Stretch] = []
    for offset in sorted(offsets):
        if found and found[-1].last == offset - 1:
            found[-1] = Stretch(found[-1].first, offset)
        else:
            found.append(Stretch(offset, offset))
    return found


@given(st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_whatever_is_missing_is_inserted_once(archived: set[int], size: int) -> None:
    """From any set of archived offsets, reading on stores every other offset exactly once."""
    held = stretches(archived)
    first = next_offset(held)
    ahead = beyond(held, first)
    inserted: list[int] = []
    while first < 70:
        skipped, taken = cut(first, size, ahead)
        inserted += range(first + skipped, first + skipped + taken)
        assert skipped + taken > 0
        first += skipped + taken
    assert sorted(archived | set(inserted)) == list(range(first))
    assert not archived & set(inserted)
    assert len(inserted) == len(set(inserted))


def test_a_prefix_must_begin_at_zero() -> None:
    """A table that lacks the first records resumes from them, not behind what it has."""
    assert next_offset([Stretch(5, 9)]) == 0
    assert next_offset([Stretch(0, 9), Stretch(12, 13)]) == 10
    assert next_offset([]) == 0
