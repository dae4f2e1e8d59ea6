"""The gauge of the archive: everything is counted, a bounded part of it at a look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.services import ClickHouse
from schemas.topics import Topics
from sinks import gauge
from sinks.gauge import Block, Counted, Gauge, checksum
from sinks.store import connect
from tests.processors.ledger.logs import property_test
from tests.sinks.stocking import log_of, open_store, stock


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


@property_test
@given(first=st.integers(0, 2**40), size=st.integers(1, 400), data=st.data())
def test_one_lost_and_another_twice_are_not_taken_for_all(
    first: int, size: int, data: st.DataObject
) -> None:
    """A block that only has as many rows as it must has another checksum."""
    block = Block(first, first + size)
    whole = checksum(block)
    parts = [checksum(Block(offset, offset + 1)) for offset in (
        data.draw(st.integers(first, block.end - 1)), data.draw(st.integers(first, block.end - 1)))]
    assert (whole - parts[0] + parts[1] == whole) == (parts[0] == parts[1])
    assert checksum(Block(first, block.end + 1)) == (
        whole + checksum(Block(block.end, block.end + 1))) % 2**64


def test_what_a_table_holds_is_counted_and_not_supposed(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Rows and distinct offsets, by partition: all are there, one is missing, one comes twice, too.

    Where one is missing and another one twice there are as many rows as there must be.
    """
    topics, store = Topics(topic_prefix, 3), open_store(clickhouse.url, topic_prefix, topic_prefix)
    for partition in range(3):
        stock(store, log_of(topics, topics.votes), partition, [b"x"] * 50)
    with connect(clickhouse.url, topic_prefix) as client:
        client.command("ALTER TABLE votes_log DELETE WHERE partition > 0 AND offset = 7",
                       settings={"mutations_sync": 1})
        client.command("INSERT INTO votes_log SELECT * FROM votes_log"
                       " WHERE partition = 2 AND offset = 9")
    assert store.gauge("votes_log", topics.votes, [Block(0, 50)] * 3) == {
        0: (50, 50), 1: (49, 49), 2: (50, 49)}
    assert store.gauge("votes_log", topics.votes, [Block(10, 30), gauge.NOTHING, Block(8, 9)]) == {
        0: (20, 20), 2: (1, 1)}
