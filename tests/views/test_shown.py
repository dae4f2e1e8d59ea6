"""What is kept of a consultation between two looks is what one look from nothing makes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import published_records
from processors.results.ideas import Ideas
from processors.results.vectors import headers, vector_of
from tests.processors.ledger.logs import property_test
from tests.processors.results.test_ideas import accepted, described, grouped
from tests.processors.results.test_rankings import flushed, tallied, told
from views import documents
from views.documents import Documents
from views.flushes import Flushes
from views.pages.highlights import highlights


NAMES = ("p1", "p2", "p3", "unknown")


class Life:
    """Ideas, the flushes that views read of them, and documents that are looked at in between."""

    def __init__(self) -> None:
        self.ideas, self.flushes, self.offset = Ideas(1), Flushes(), 0
        self.documents = Documents(self.flushes)

    def catalogue(self, value: bytes) -> None:
        """Write an event of the catalogue."""
        self.ideas.apply_catalogue(value, offset := self.ideas.catalogue.offset + 1)
        self.flushes.receive_catalogue(offset, value)

    def votes(self, proposal: str, agree: int, rules: int) -> None:
        """Tally votes on a proposal."""
        self.offset += 1
        told(self.ideas, tallied("jeunes", proposal, self.offset, agree, rules),
             flushed(self.offset, rules))

    def publish(self, *, ranked: bool) -> None:
        """Publish what moved, and read it."""
        records = self.ideas.take(0, ranked=ranked)
        for key, value in records:
            self.flushes.receive_result(key, value, vector_of(headers(self.ideas.as_of())))


steps = st.lists(st.one_of(
    st.tuples(st.just("votes"), st.sampled_from(NAMES), st.integers(0, 120)),
    st.tuples(st.just("accepted"), st.sampled_from(NAMES[:3]), st.just(0)),
    st.tuples(st.just("grouped"), st.sampled_from(NAMES[:3]), st.integers(0, 1)),
    st.tuples(st.just("published"), st.just(""), st.integers(0, 1)),
    st.tuples(st.just("rules"), st.just(""), st.just(2)),
), max_size=20)


@property_test
@given(steps=steps, size=st.sampled_from((1, 2, 100)))
def test_what_is_kept_is_what_is_made_from_nothing(
    steps: list[tuple[str, str, int]], size: int
) -> None:
    """Whatever moves, before and after rules 2, read in slices of any size; highlights, too."""
    life, rules = Life(), 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "SLICE_FIGURES", size)
        for kind, name, number in [*steps, ("published", "", 1)]:
            if kind == "votes":
                life.votes(name, number, rules)
            elif kind == "accepted":
                life.catalogue(accepted(name))
            elif kind == "grouped":
                life.catalogue(described("i1"))
                life.catalogue(grouped(name, "i1" if number else None))
            elif kind == "rules":
                rules = 2
            else:
                life.publish(ranked=bool(number))
                kept, fresh = (each.shown("jeunes") for each in (
                    life.documents, Documents(life.flushes)))
                assert (kept is None) == (fresh is None)
                if kept is not None and fresh is not None:
                    assert kept.document() == fresh.document()
                    assert kept.of_proposals.highlights == highlights(fresh.document()["proposals"])


async def test_others_have_their_turn_while_much_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first look at many proposals holds nobody up: it is made in slices."""
    monkeypatch.setattr(documents, "SLICE_FIGURES", 10)
    life, turns = Life(), 0
    for number in range(100):
        life.votes(f"p{number}", number, 2)
    life.publish(ranked=True)
    reading = asyncio.create_task(life.documents.catch_up("jeunes"))
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    shown = life.documents.shown("jeunes")

    assert shown is not None
    assert len(shown.entries) == 100
    assert turns >= 30  # Two figures of each, and an entry.


def test_votes_elsewhere_cost_a_finished_consultation_nothing(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fifty that were looked at, one has a vote more: it is read again, as far as it moved."""
    read: list[bytes] = []
    decode = published_records.read

    def counted(value: bytes) -> Any:
        read.append(value)
        return decode(value)

    life = Life()
    for number in range(50):
        told(life.ideas, *(tallied(f"c{number}", f"p{each}", 1, 60) for each in range(20)))
    life.offset = 1
    told(life.ideas, flushed(1))
    life.publish(ranked=True)
    shown = {name: life.documents.shown(name) for name in life.flushes.consultations()}
    told(life.ideas, tallied("c7", "p3", 2, 61), flushed(2))
    monkeypatch.setattr(published_records, "read", counted)
    life.publish(ranked=True)
    again = {name: life.documents.shown(name) for name in shown}

    assert 0 < len(read) <= 7  # Of c7: a proposal and the totals with their routes, ranks.
    for name, before in shown.items():
        now = again[name]
        assert before is not None
        assert now is not None
        moved = [each for each in before.entries if before.entries[each] is not now.entries[each]]
        assert moved == (["p3"] if name == "c7" else [])


def test_a_figure_written_again_moves_nothing() -> None:
    """What ideas write again, so that no stale copy stays, costs views nothing."""
    life = Life()
    life.votes("p1", 60, 2)
    life.publish(ranked=True)
    before = life.flushes.stored("jeunes")
    life.ideas.move_slice(1)
    life.publish(ranked=True)

    assert before > 0
    assert [name.kind for name in life.flushes.newer("jeunes", before)] == []
