"""Rankings of any size: in pieces that are put together again, made anew only where they must."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import tally_records
from processors.results import published_records, rankings, ranks, scores
from processors.results.ideas import Ideas, Record
from processors.results.ranks import Controversial, Ranks
from processors.results.results_document import AsOf, Block
from schemas import codec
from schemas.hot import long, short_string
from schemas.registry import HEADER_BYTES
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
    assert [rank["position"] for rank in found.values()] == [*range(1, LARGE + 1)]
    assert max(len(value) for _, value in records) < codec.MAX_VALUE_BYTES


blocks = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, VOTES), max_size=9)


@property_test
@given(ideas=blocks, proposals=blocks, size=st.integers(1, 5))
def test_pieces_put_together_are_the_ranking(
    ideas: dict[str, int], proposals: dict[str, int], size: int
) -> None:
    """However they are cut; what is left over of a longer ranking is no part of it."""
    both = rankable(ideas), rankable(proposals)
    kept, listed = (ranked(both[0]), ranked(both[1])), Controversial()
    for name, entry in both[1].items():
        listed.put(name, entry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rankings, "RANKS_PER_RECORD", size)
        made = list(rankings.ranking("c", *kept, listed.listed(), AsOf((7,), 0, 0)))
    pieces = {key.decode().split("\0")[2] if key.count(b"\0") > 1 else "":
              published_records.read(value) for key, value in made}
    pieces[str(len(pieces) + 3)] = {**pieces[""], "offsets": [6]}
    found = rankings.joined(pieces)

    for kind, each in zip(("ideas", "proposals"), both, strict=True):
        assert [*found[kind].items()] == [*scores.ranks(each).items()]
    assert found["controversial"] == scores.controversial(both[1])


@property_test
@given(ideas=blocks, proposals=blocks)
def test_ranking_records_equal_the_generic_codec(
    ideas: dict[str, int], proposals: dict[str, int]
) -> None:
    """Of all votes and of drawn ones, the bytes are the codec's."""
    both = rankable(ideas), rankable(proposals)
    kept, as_of = (ranked(both[0]), ranked(both[1])), AsOf((7, -1, 2**40), 0, 0)
    listed = scores.controversial(both[1])
    fields: dict[str, Any] = {
        "consultation": "c", "offsets": list(as_of.votes),
        **{kind: [{"id": name, **rank} for name, rank in scores.ranks(each).items()]
           for kind, each in zip(("ideas", "proposals"), both, strict=True)}}

    assert [value for _, value in rankings.ranking("c", *kept, listed, as_of)] == [
        codec.encode("ProposalsRanked", **fields, controversial=listed)]
    assert [value for _, value in rankings.drawn_ranking("c", *kept, as_of)] == [
        codec.encode("DrawnRanked", **fields)]
    for value in (codec.encode("ProposalsRanked", **fields, controversial=listed),
                  codec.encode("DrawnRanked", **fields)):
        read = rankings.read(value)
        assert read is not None
        assert {**read, **{kind: [{"id": name, **rank} for name, rank in read[kind].items()]
                           for kind in ("ideas", "proposals")}} == codec.decode(value)[1]


@property_test
@given(ideas=blocks, proposals=blocks, data=st.data())
def test_a_ranking_that_was_cut_or_grew_is_not_read(
    ideas: dict[str, int], proposals: dict[str, int], data: st.DataObject
) -> None:
    """Whatever is missing at its end, or follows it."""
    kept = ranked(rankable(ideas)), ranked(rankable(proposals))
    [(_, value)] = rankings.ranking("c", *kept, ["p"], AsOf((7, 8), 0, 0))
    cut = data.draw(st.integers(HEADER_BYTES, len(value) - 1))

    for wrong in (value[:cut], value + b"\0"):
        with pytest.raises(codec.Undecodable):
            rankings.read(wrong)


steps = st.lists(st.dictionaries(
    st.sampled_from([f"p{number}" for number in range(9)]),
    st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from((99, 100, 100, 100))),
    min_size=1, max_size=4) | st.none(), max_size=12)


@property_test
@given(steps=steps, most=st.sampled_from((0, 1, 3)))
def test_ranks_that_are_kept_are_those_made_from_nothing(
    steps: list[dict[str, tuple[int, int, int]] | None], most: int
) -> None:
    """Whatever moves, comes, leaves or is forgotten; one by one, or so many that all is made again.
    """
    kept, listed, blocks = Ranks(), Controversial(), dict[str, Block]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "MOVED_MOST", most)
        for step in steps:
            if step is None:
                kept.clear()
                listed, blocks = Controversial(), {}
            for name, (low, width, votes) in (step or {}).items():
                score = {"value": low + width, "margin": width}
                blocks[name] = {"counted": {"votes": votes},
                                "scores": {"top": score, "controversy": score}}
                kept.put(name, blocks[name])
                listed.put(name, blocks[name])
            assert kept.rows() == ranked(blocks).rows() == rows(scores.ranks(blocks))
            assert listed.listed() == scores.controversial(blocks)


def test_a_moved_entry_costs_what_it_passes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand entries side by side, one changes places with its neighbour: two ranks."""
    kept, written = Ranks(), [0]
    for number in range(10_000):
        kept.put(f"p{number:05}", placed(10 * number))
    kept.rows()

    def counted(name: str) -> bytes:
        written[0] += 1
        return short_string(name)

    monkeypatch.setattr(ranks, "short_string", counted)
    kept.put("p05000", placed(10 * 5001 + 1))
    kept.rows()

    assert 1 <= written[0] <= 4


def placed(low: int) -> Block:
    """Make what rankings look at, of an entry whose interval is seven wide."""
    return {"counted": {"votes": VOTES}, "scores": {"top": {"value": low, "margin": 3.5}}}


def rows(found: dict[str, dict[str, int]]) -> list[bytes]:
    """Encode ranks as records hold them."""
    return [short_string(name) + b"".join(map(long, rank.values())) for name, rank in found.items()]


def ranked(blocks: dict[str, Block]) -> Ranks:
    """Rank entries."""
    found = Ranks()
    for name, entry in blocks.items():
        found.put(name, entry)
    return found


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
