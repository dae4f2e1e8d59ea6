"""How records and entries lie in a bundle's files."""

from itertools import chain

from hypothesis import example, given
from hypothesis import strategies as st

from sinks.bundle.layout import read_entries
from sinks.transparency.tiles import WIDTH


RUNS = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 700)), max_size=4)
"""Sizes of entries, and how many of each follow one another."""


@example(runs=[(100, WIDTH)], piece_bytes=102 * WIDTH - 10)
@example(runs=[(1, WIDTH - 1), (257, 1)], piece_bytes=70_000)
@given(runs=RUNS, piece_bytes=st.integers(500, 70_000))
def test_entries_are_read_as_they_were_written(
    runs: list[tuple[int, int]], piece_bytes: int
) -> None:
    """Of one size or of many, wherever the pieces are cut: each once, in order, 256 at a time."""
    entries = [number.to_bytes(2, "big") * (size // 2) + bytes(size % 2)
               for size, count in runs for number in range(count)]
    whole = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    read = list(read_entries("entries", (
        whole[at:at + piece_bytes] for at in range(0, len(whole), piece_bytes))))

    assert list(chain.from_iterable(read)) == entries
    assert all(len(each) == WIDTH for each in read[:-1])
