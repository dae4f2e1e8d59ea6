"""The topics: their settings, and where a voter lies."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import Topics, partition_of


@given(voter=st.binary(min_size=16, max_size=16), partitions=st.integers(1, 1_024))
def test_a_voter_lies_where_its_first_four_bytes_say(voter: bytes, partitions: int) -> None:
    """The first four bytes, big-endian, modulo the count; the rest has no say."""
    expected = (voter[0] << 24 | voter[1] << 16 | voter[2] << 8 | voter[3]) % partitions

    assert partition_of(voter, partitions) == expected
    assert partition_of(voter[:4] + bytes(12), partitions) == expected


def test_voters_spread_over_all_partitions() -> None:
    """Consecutive first bytes fill every partition."""
    found = Counter(partition_of(n.to_bytes(4, "big") + bytes(12), 7) for n in range(7_000))

    assert found == dict.fromkeys(range(7), 1_000)


@pytest.mark.parametrize("name", ["votes", "decisions", "catalogue", "patrol"])
def test_what_must_never_be_lost_is_kept_for_ever(name: str) -> None:
    """Votes, decisions, catalogue and findings are deleted by nobody, at no age and no size."""
    topics = Topics("scrutin", 4)
    found = {topic.name: topic for topic in topics.specifications()}[getattr(topics, name)]

    assert found.settings == {
        "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    assert found.partitions == (1 if name in ("catalogue", "patrol") else 4)


def test_networks_are_forgotten_after_a_fortnight() -> None:
    """Where votes came from is deleted by the broker after 14 days."""
    found = {topic.name: topic for topic in Topics("x", 4).specifications()}["x.networks"]

    assert found.settings == {"cleanup.policy": "delete", "retention.ms": "1209600000"}


def test_decisions_and_tallies_have_the_partitions_of_votes() -> None:
    """A ledger's state is one partition of each."""
    topics = Topics("x", 5)
    counts = {topic.name: topic.partitions for topic in topics.specifications()}

    assert counts == {"x.votes": 5, "x.decisions": 5, "x.tallies": 5, "x.results": 1,
                      "x.catalogue": 1, "x.participants": 1, "x.sequences": 1, "x.networks": 1,
                      "x.patrol": 1, "x.clocks": 1, "x.dead-letters": 1}


@given(replicas=st.integers(1, 7), values=st.dictionaries(
    st.sampled_from(["min.insync.replicas", "segment.bytes", "unclean.leader.election.enable"]),
    st.sampled_from(["1", "2", "3", "7", "true", "false", None])
    ).filter(lambda each: each.get("min.insync.replicas") not in ("true", "false")))
def test_whatever_a_topic_has_it_is_right_once_drift_is_set(
    replicas: int, values: dict[str, str | None]
) -> None:
    """Then nothing drifts; any one broker's loss stops no writing, and leaves a copy of three."""
    for topic in Topics("x", 2).specifications():
        mended = {**values, **topic.drift(replicas, values)}
        least = int(mended["min.insync.replicas"] or 0)

        assert topic.drift(replicas, mended) == {}
        assert 1 <= least < max(replicas, 2)
        assert replicas < 3 or least >= 2
        assert mended["unclean.leader.election.enable"] == "false"
