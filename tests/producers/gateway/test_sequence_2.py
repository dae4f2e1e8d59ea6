"""Sequences of version 2: nobody buries a proposal, and who asks for one moves no draw."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import scored_records
from processors.results.routes import ROUTE_COUNTS
from producers.gateway.drawing import explained
from producers.gateway.follower import Follower
from producers.gateway.pools import Pools, drawn_of
from producers.gateway.sequence import (
    FIRST,
    NEW_VOTES,
    SCORED_BY,
    SECOND,
    SIZE,
    Candidate,
    Pool,
    serve,
)
from schemas import codec
from schemas.topics import Topics
from scrutin.gateway.composition import FlushSnapshot
from tests.producers.gateway import booths
from tests.producers.gateway.test_sequence import CANDIDATES, SEEDS, candidate
from tests.schemas.events import property_test
from tests.views import campaign


def shown(pool: Pool, sequences: int) -> Counter[str]:
    """Count how often each proposal is drawn for so many new voters."""
    return Counter(name for number in range(sequences)
                   for name in serve(pool, [], number.to_bytes(16, "big")))


def test_every_proposal_is_within_reach() -> None:
    """Two places of twelve are uniform: loved, hated, new or old, each has at least its part."""
    pool = Pool([
        *(candidate(f"loved{n}", 900, 50, 50) for n in range(40)),
        *(candidate(f"hated{n}", 0, 900, 0) for n in range(20)),
        *(candidate(f"new{n}", 0, n % NEW_VOTES, 0) for n in range(40))], SECOND)
    found = shown(pool, 3_000)
    part = 3_000 * 2 / 100

    assert set(found) == set(pool.by_id)
    assert all(0.6 * part < found[f"hated{n}"] < 1.4 * part for n in range(20))
    assert min(found.values()) > 0.6 * part


def test_new_proposals_are_drawn_not_taken_by_age() -> None:
    """The oldest has no more than the newest, and they have a third of the places together."""
    candidates = [candidate(f"new{n:02}", n % NEW_VOTES) for n in range(30)]
    candidates = [Candidate(each.id, None, (NEW_VOTES - 1, *each.counts[1:]))
                  for each in candidates]
    candidates += [candidate(f"tested{n:02}", 50, 5, 5) for n in range(30)]
    found = shown(Pool(candidates, SECOND), 1_000)
    new = [found[f"new{n:02}"] for n in range(30)]
    oldest, newest = sum(new[:10]), sum(new[-10:])

    assert 4_000 < sum(new) < 6_000  # four of twelve places, and their part of two uniform ones
    assert 0.85 < oldest / newest < 1.15
    assert min(new) > 100


@pytest.mark.parametrize(("version", "least", "most"), [(FIRST, 0, 0), (SECOND, 20, 65)])
def test_ten_disagrees_bury_a_proposal_no_more(version: str, least: int, most: int) -> None:
    """Even drawn ones: of 4,000 sequences 40 have it on a uniform place, where none had it."""
    pool = Pool([candidate("rival", 0, NEW_VOTES, 0),
                 *(candidate(f"p{n}", 40 + n % 50, 8, 6) for n in range(200))], version)

    assert least <= shown(pool, 4_000)["rival"] <= most


@given(candidates=CANDIDATES, seed=SEEDS, asked=st.integers(0, 100_000))
@property_test
def test_votes_of_other_routes_move_no_draw(
    candidates: list[Candidate], seed: bytes, asked: int
) -> None:
    """Two worlds with the same drawn votes serve alike, whoever came by links."""
    one, other = (_pool(candidates, also_asked=number) for number in (0, asked))

    assert serve(one, [], seed) == serve(other, [], seed)
    assert [each.counts for each in one.every] == [each.counts for each in candidates]


def _pool(candidates: list[Candidate], *, also_asked: int) -> Pool:
    """Make the pool that a gateway makes of the published routes."""
    values = {each.id: scored_records.routes_counted("town", each.id, 2, [
        also_asked if name == "counted_asked"
        else dict(zip(SCORED_BY, each.counts, strict=True)).get(name.removeprefix("drawn_"), 0)
        for name in ROUTE_COUNTS]) for each in candidates}
    return Pool((Candidate(each.id, each.author, drawn_of(values[each.id]))
                 for each in candidates), SECOND)


async def test_asked_votes_make_no_proposal_tested() -> None:
    """A thousand votes by links leave a proposal among the new ones; ten drawn ones do not."""
    follower = Follower("nowhere:1", Topics("any", 1))
    catalogue = [booths.rules(2), booths.consultation("town"),
                 *(booths.proposal(name) for name in ("followed", "drawn", "silent"))]
    for follower.offset, value in enumerate(catalogue):
        follower.known.apply(*codec.decode(value))
    votes = {"followed": {"counted_asked": 1_000}, "drawn": {"drawn_disagree": NEW_VOTES}}
    snapshot = FlushSnapshot(
        (7,), {name: campaign.proposal_record("town", name, 1_000, "agree")[1] for name in votes},
        {name: scored_records.routes_counted(
            "town", name, 2, [counts.get(each, 0) for each in ROUTE_COUNTS])
         for name, counts in votes.items()})
    pool = (await Pools(follower, lambda _: snapshot).pool("town")).pool

    assert [each.id for each in pool.tested] == ["drawn"]
    assert [each.id for each in pool.new] == ["followed", "silent"]


@pytest.mark.parametrize("version", [FIRST, SECOND])
def test_a_sequence_is_explained_in_its_own_version_alone(version: str) -> None:
    """An old one stays what it was; counts of another version explain nothing."""
    candidates = [candidate(f"p{n:02}", n, n % 7, n % 5) for n in range(40)]
    seed, pools_ = bytes(range(16)), {each: Pool(candidates, each) for each in (FIRST, SECOND)}
    names = serve(pools_[version], [], seed)
    fields = {"algorithm": version, "seed": seed, "asked": 0, "left_out": b"",
              "proposals": [pools_[version].places[name] for name in names]}
    accepted = [each.id for each in candidates]

    assert explained(fields, accepted, pools_.pop(version)) == (names, names)
    assert len(names) == SIZE
    with pytest.raises(ValueError, match="the sequence is of"):
        explained(fields, accepted, *pools_.values())
