"""What is read between two cuts, whole and once, however it was fetched."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.guard.inputs import Batch, Cut, Incomplete, networks_in
from schemas import codec
from schemas.registry import versions
from tests.processors.guard.traffic import (
    BEGAN_AT,
    PARTITIONS,
    Crowds,
    Log,
    batches,
    log_of,
    networks_seen,
)
from tests.schemas.events import fields_of, property_test


NETWORKS = st.dictionaries(st.binary(min_size=16, max_size=16),
                           st.binary(min_size=16, max_size=16), max_size=70)


@pytest.fixture(scope="module")
def log() -> Log:
    """Write a minute of ordinary votes."""
    return log_of(Crowds(1).ordinary(300, 1))


@given(networks=NETWORKS, time=st.integers(0, 2**41))
@property_test
def test_networks_are_read_as_the_codec_reads_them(
        networks: dict[bytes, bytes], time: int) -> None:
    """The lists are sliced, and hold what was written."""
    assert dict(networks_in(networks_seen(time, networks))) == networks


@given(value=st.binary(max_size=80))
@property_test
def test_any_bytes_are_no_networks_and_stop_nobody(value: bytes) -> None:
    """Whatever is no record of networks holds none."""
    header = versions("NetworksSeen")[-1].header
    for given_value in (value, header + value):
        try:
            event, fields = codec.decode(given_value)
        except Exception:  # noqa: BLE001 -- what is refused may hold anything or nothing
            assert len(list(networks_in(given_value))) <= len(given_value)
        else:
            assert event == "NetworksSeen"
            assert list(networks_in(given_value)) == list(
                zip(fields["events"], fields["networks"], strict=False))


@pytest.mark.parametrize("version", [1, 2])
@given(data=st.data())
@property_test
def test_votes_of_each_version_are_read(version: int, data: st.DataObject) -> None:
    """Trusted ones, with what a version lacks as its default; suspect ones are passed over."""
    schema = versions("VoteCast")[version - 1]
    value = codec.encode_as(schema, **data.draw(fields_of(schema.raw)))
    _, fields = codec.decode(value)
    batch = Batch(Cut((-1,), -1, -1), Cut((0,), -1, -1))
    batch.add_votes(0, [(0, value)])
    read = batch.ordered()

    assert len(read) == (fields["trust"] == "trusted")
    for time, _, _, via, (event_id, voter, *_) in read:
        assert (time, via) == (fields["occurred_at"], fields["via"])
        assert (event_id, voter) == (fields["event_id"], fields["voter"])


@given(fetch=st.sampled_from((1, 7, 10_000)), seed=st.integers(0, 99))
@property_test
def test_a_batch_is_the_same_however_it_was_fetched(log: Log, fetch: int, seed: int) -> None:
    """Order of votes, networks and digests follow from the cuts."""
    [whole] = batches(log, log.cuts()[-1:])
    [other] = batches(log, log.cuts()[-1:], fetch, random.Random(seed))

    assert other.ordered() == whole.ordered()
    assert other.networks == whole.networks
    assert other.votes_digest() == whole.votes_digest()
    assert other.networks_digest() == whole.networks_digest()


def test_votes_come_by_instant_partition_and_offset(log: Log) -> None:
    """Whatever partition they lie in."""
    [batch] = batches(log, log.cuts()[-1:])
    places = [cast[:3] for cast in batch.ordered()]

    assert places == sorted(places)
    assert len(places) == sum(map(len, log.votes))
    assert batch.latest == places[-1][0] >= BEGAN_AT


def test_what_lies_outside_the_cuts_is_passed_over(log: Log) -> None:
    """Records that were fetched before, or too early, are not read."""
    middle, end = log.cuts()[len(log.cuts()) // 2], log.cuts()[-1]
    batch = Batch(middle, end)
    for partition, records in enumerate(log.votes):
        batch.add_votes(partition, enumerate(value for _, value in records))
        batch.add_votes(partition, enumerate(value for _, value in records))
    batch.add_networks(enumerate(value for _, value in log.networks))

    assert len(batch.ordered()) == sum(map(int.__sub__, end.votes, middle.votes))
    assert len(batch.networks) == end.networks - middle.networks


def test_a_batch_that_lacks_a_vote_is_not_judged(log: Log) -> None:
    """A hole, or an end that was not reached, is said; a hole in networks is none."""
    end = log.cuts()[-1]
    batch = Batch(Cut((-1,) * PARTITIONS, -1, -1), end)
    batch.add_votes(0, [(0, log.votes[0][0][1])])
    with pytest.raises(Incomplete, match="2 to 2, of which 1 are there, came after 0"):
        batch.add_votes(0, [(2, log.votes[0][2][1])])
    batch.add_networks([(7, log.networks[7][1])])
    with pytest.raises(Incomplete, match="read up to"):
        batch.ordered()
    with pytest.raises(Incomplete, match="does not come after"):
        Batch(end, Cut((-1,) * PARTITIONS, -1, -1))
