"""Rankings of any size: in pieces that are put together again, made anew only where they must."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import tally_records
from processors.results import published_records, rankings, scores
from processors.results.ideas import Ideas, Record
from processors.results.results_document import AsOf, Block
from schemas import codec
from schemas.topics import FLUSH_KEY
from schemas.words import EVERY_COUNT
from tests.processors.ledger.logs import property_test
from tests.processors.results.test_ideas import AT


LARGE = 100_000
CONSULTATIONS = 1_000
VOTES = 120


def tallied(consultation: str, proposal: str, offset: int, agree: int, rules: int = 2) -> Record:
    """Tally a proposal."""
    counts = dict.fromkeys(EVERY_COUNT, 0)
    counts |= {"received": VOTES, "agree": agree, "disagree": VOTES - agree}
    return b"any", tally_records.proposal_tallied(
        consultation, proposal, offset, [*counts.values()], rules)


def flushed(offset: int, rules: int = 2) -> Record:
    """End a flush."""
    return FLUSH_KEY, codec.encode("TalliesFlushed", source_offset=offset, ledger_version=rules,
                                   decided={}, undecodable=0)


def told(ideas: Ideas, *records: Record) -> None:
    """Fold records of the one partition."""
    for key, value in records:
        ideas.apply_tallies(0, key, value)


def ranks_in(records: list[Record], consultation: str) -> dict[str, Any]:
    """Put the pieces of the published ranking together, by kind."""
    pieces: dict[str, Any] = {}
    for key, value in records:
        name, kind, *number = key.decode().split("\0")
        if (name, kind) == (consultation, "ranking"):
            pieces["".join(number)] = published_records.read(value)
    return rankings.joined(pieces)


def test_a_hundred_thousand_proposals_are_ranked() -> None:
    """No record is too large to be written, and no rank is lost between them."""
    ideas = Ideas(1)
    told(ideas, *(tallied("c", f"{number:036}", 10, number % (VOTES + 1))
                  for number in range(LARGE)), flushed(10))
    records = ideas.take(AT, ranked=True)
    found = ranks_in(records, "c")["proposals"]

    assert len(found) == LARGE
    assert [rank["position"] for rank in found] == [*range(1, LARGE + 1)]
    assert max(len(value) for _, value in records) < codec.MAX_VALUE_BYTES


blocks = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, VOTES), max_size=9)


@property_test
@given(ideas=blocks, proposals=blocks, size=st.integers(1, 5))
def test_pieces_put_together_are_the_ranking(
    ideas: dict[str, int], proposals: dict[str, int], size: int
) -> None:
    """However they are cut; what is left over of a longer ranking is no part of it."""
    both = rankable(ideas), rankable(proposals)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rankings, "RANKS_PER_RECORD", size)
        made = list(rankings.ranking("c", *both, AsOf((7,), 0, 0)))
    pieces = {key.decode().split("\0")[2] if key.count(b"\0") > 1 else "":
              published_records.read(value) for key, value in made}
    pieces[str(len(pieces) + 3)] = {**pieces[""], "offsets": [6]}
    found = rankings.joined(pieces)

    for kind, each in zip(("ideas", "proposals"), both, strict=True):
        assert [(rank["id"], rank["position"]) for rank in found[kind]] == [
            (name, rank["position"]) for name, rank in scores.ranks(each).items()]
    assert found["controversial"] == scores.controversial(both[1])


def rankable(agreeing: dict[str, int]) -> dict[str, Block]:
    """Make what rankings look at, of so many agreeing votes each."""
    ideas = Ideas(1)
    told(ideas, *(tallied("c", name, 1, agree) for name, agree in agreeing.items()), flushed(1))
    records = ideas.take(AT, ranked=True)
    return {name: published_records.read(value) for name, value in scored(records)}


def scored(records: list[Record]) -> Iterator[tuple[str, bytes]]:
    """Yield the entries of a publication."""
    for key, value in records:
        parts = key.decode().split("\0")
        if parts[1:2] == ["proposal"]:
            yield parts[2], value


def test_a_consultation_in_which_nobody_votes_costs_nothing() -> None:
    """Of a thousand, one moves: it alone is published, and the rankings of all others hold."""
    ideas = Ideas(1)
    told(ideas, *(tallied(f"c{number}", "p", 10, 60) for number in range(CONSULTATIONS)),
         flushed(10))
    ideas.take(AT, ranked=True)
    told(ideas, tallied("c7", "p", 11, 61), flushed(11))
    records = ideas.take(AT, ranked=True)

    assert {key.split(b"\0")[0] for key, _ in records if key != FLUSH_KEY} == {b"c7"}
    assert not ideas.moved(ranked=True)


def test_rankings_hold_until_something_moves() -> None:
    """Said with every publication: held, moved and not yet ranked, held again."""
    ideas = Ideas(1)
    said = []
    for offset, ranked in ((10, True), (11, False), (12, True)):
        told(ideas, tallied("c", "p", offset, offset), flushed(offset))
        records = dict(ideas.take(AT, ranked=ranked))
        said.append(codec.decode(records[b"c\0rankings_held"])[1]["held"])

    assert said == [True, False, True]
    assert rankings.hold({"rankings_held": {"": {"held": True}}}, [4, 5]) == [4, 5]
    assert rankings.hold({"ranking": {"": {"offsets": [3, 4]}}}, [4, 5]) == [3, 4]


def test_under_the_first_rules_a_ranking_is_made_for_every_vector() -> None:
    """Releases that know no other way read them: nothing new is written there."""
    ideas = Ideas(1)
    told(ideas, tallied("c", "p", 10, 60, 1), flushed(10, 1))
    ideas.take(AT, ranked=True)
    told(ideas, flushed(11, 1))
    records = dict(ideas.take(AT, ranked=True))

    assert codec.decode(records[b"c\0ranking"])[1]["offsets"] == [11]
    assert b"c\0rankings_held" not in records
