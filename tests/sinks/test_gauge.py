"""The gauge of the archive: everything is counted, a bounded part of it at a look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks import gauge
from sinks.gauge import Block, Counted, Gauge
from tests.processors.ledger.logs import property_test


def looked(kept: Gauge, stored: list[int], end: int) -> list[Block]:
    """Take one look at a table that holds some offsets, perhaps twice; return what was counted."""
    due = kept.due(end)
    for block in due:
        held = [offset for offset in stored if block.first <= offset < block.end]
        kept.tell(block, len(held), len({*held}))
    return due


@property_test
@given(ends=st.lists(st.integers(0, 60), min_size=1, max_size=8), size=st.integers(1, 9),
       again=st.integers(1, 3), data=st.data())
def test_whatever_vanishes_or_comes_twice_is_told_within_a_round(
    ends: list[int], size: int, again: int, data: st.DataObject
) -> None:
    """Wherever it lies; and until then each look counts few blocks: new ones and some in turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gauge, "BLOCK_OFFSETS", size)
        patch.setattr(gauge, "BLOCKS_AGAIN", again)
        kept, before = Gauge(), 0
        for end in sorted(ends):
            due = looked(kept, [*range(end)], end)
            assert kept.counted() == Counted(end, end, end)
            assert len(due) <= again + (end - before) // size + 2
            before = end
        stored = [*range(before)]
        if stored:
            stored.remove(data.draw(st.sampled_from(stored)))
        twice = data.draw(st.sampled_from([[], stored[:1], stored[-1:]]))
        for _ in range(-(-before // size) // again + 2):
            looked(kept, stored + twice, before)

    assert kept.counted() == Counted(len(stored) + len(twice), len(stored), before)
    assert (kept.counted().missing, kept.counted().duplicates) == (min(before, 1), len(twice))
