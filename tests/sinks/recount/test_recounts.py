"""Four computations of the same numbers agree, on ballot boxes full of oddities."""

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.decisions import decode
from schemas import hot
from schemas.topics import Topics
from schemas.words import REFUSALS
from sinks.recount import counting, pure
from sinks.recount.reading import Reading
from sinks.store import connect
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, ORIGIN, Box, decide, random_box
from tests.sinks.published import archived
from tests.sinks.stocking import log_of, open_store, stock


@pytest.mark.parametrize("seed", range(6))
def test_all_recounts_equal_the_published_document(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """Pure, SQL and sum of changes give every published count of a random ballot box."""
    found = archived(clickhouse.url, topic_prefix, random_box(seed, 200)).audit()
    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.verdict == "equal"


@pytest.mark.parametrize("seed", range(20, 26))
def test_all_recounts_follow_rules_that_are_adopted_in_mid_log(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """Events of both versions, before and after rules 2: four computations, the same numbers."""
    box = random_box(seed, 240, rises_at=60 * (seed % 3))
    found = archived(clickhouse.url, topic_prefix, box).audit()

    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.verdict == "equal"


@pytest.mark.parametrize("seed", range(40, 46))
def test_all_recounts_look_at_signatures(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """Controls that are signed, forged or unsigned; keys from the begin, told later, replaced."""
    begins = seed % 2 == 0
    box = random_box(seed, 240, begins_with_keys=begins, rises_at=None if begins else 30,
                     keys_at=(100, 160) if begins else (60, 150))
    found = archived(clickhouse.url, topic_prefix, box).audit()
    _, decisions = decide(box)
    refusals = [decode(value).refusal for log in decisions for value in log]

    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.verdict == "equal"
    assert refusals.count(REFUSALS.index("unsigned")) > 3


def test_keys_that_ledgers_were_told_of_and_could_not_use_are_stale_for_everybody(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Whoever recounts was told of nothing, and says the same: stale, not unsigned."""
    box = random_box(31, 100, rises_at=20)
    box.tell_unusable()
    box.replace_keys()
    found = archived(clickhouse.url, topic_prefix, box).audit()
    _, decisions = decide(box)
    refusals = [REFUSALS[decode(value).refusal] for log in decisions for value in log]

    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.verdict == "equal"
    assert refusals.count("stale") == box.partitions


def test_recounts_end_at_the_vector(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Records behind the published vector change nothing, though the archive has them."""
    box = random_box(11, 200)
    whole = archived(clickhouse.url, topic_prefix, box)
    halves = Box(box.partitions, box.randomness)
    halves.logs = [log[:len(log) // 2] for log in box.logs]
    ledgers, _ = decide(halves)
    vector = [len(log) - 1 for log in halves.logs]
    reading = Reading(whole.client, whole.topics, vector)
    expected = pure.PureRecount(ledgers).figures(CONSULTATION, also=set())
    for recount in (counting.from_ballots, counting.from_decisions):
        found = recount(reading, CONSULTATION)
        assert expected.proposals == found.proposals
        assert expected.participants == found.participants


def test_repeated_decisions_are_summed_once(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A worker that recovered and a zombie wrote decisions again: no sum moves."""
    box = random_box(12, 120)
    _, decisions = decide(box)
    again = [log[:30] + log[20:] + log[-3:] for log in decisions]
    found = archived(clickhouse.url, topic_prefix, box, decisions=again).audit()
    assert found.verdict == "equal"


@pytest.mark.parametrize("seed", range(60, 66))
def test_all_recounts_follow_what_the_ledger_has_forgotten(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """Delivered again long after, ids that end alike, refused ones, late ones: to the unit."""
    box = random_box(seed, 400, voters=3, proposals=2, forgets=True,
                     rises_at=130 * (seed % 4) if seed % 4 else None)
    found = archived(clickhouse.url, topic_prefix, box).audit()

    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.verdict == "equal"
    assert found.voters_apart > 1


def test_only_a_voters_last_proposals_of_refused_events_are_remembered(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A qualification without a vote, delivered again when 64 others came: refused once more."""
    box = random_box(73, 0, partitions=1)
    box.rise()
    voter = box.identifier()
    for number in [*range(70), *range(70), 69, 3]:
        box.put(0, of_pair("QualificationAdded", voter, number))
    for number in (69, 3, 6):  # The last is forgotten since 3 came again.
        box.put(0, of_pair("VoteCast", voter, number))
    found = archived(clickhouse.url, topic_prefix, box).audit()
    table = dict(found.table)

    assert found.verdict == "equal"
    assert found.voters_apart == 1
    assert (table["repeated"], table["agree"]) == ([2] * 4, [1] * 4)


def of_pair(event: str, voter: bytes, number: int) -> bytes:
    """Encode an event whose id is that of any other on its proposal."""
    return hot.encoder(event, 2)(
        bytes((number,)) * 16, voter, bytes(16), 0, 0, ORIGIN, 0, 15, CONSULTATION, f"p-{number}",
        BEGAN_AT, 0, -1)


def test_duplicate_rows_are_read_once(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Rows stored twice, by two archives at once, are counted once by every recount."""
    box = random_box(14, 100)
    found = archived(clickhouse.url, topic_prefix, box)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    topics = Topics(topic_prefix, box.partitions)
    stock(store, log_of(topics, topics.votes), 0, box.logs[0][5:40], first=5)
    rows = connect(clickhouse.url, topic_prefix).query(
        "SELECT count() - uniqExact(partition, offset) FROM votes_log").result_rows
    assert [tuple(row) for row in rows] == [(35,)]
    assert found.audit().verdict == "equal"


def test_rows_that_are_stored_again_while_they_are_counted_are_read_once(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A recount reads the table where each offset has one row, until one comes twice."""
    box = random_box(15, 100)
    whole = archived(clickhouse.url, topic_prefix, box)
    reading = whole.reading()

    def cast() -> list[tuple[int, ...]]:
        return [*reading.query("votes_cast", consultation=CONSULTATION, proposal=""),
                *reading.query("outcomes", of_decisions=True)]

    first = cast()
    store, topics = (open_store(clickhouse.url, topic_prefix, topic_prefix),
                     Topics(topic_prefix, box.partitions))
    _, decisions = decide(box)
    stock(store, log_of(topics, topics.votes), 0, box.logs[0][5:40], first=5)
    stock(store, log_of(topics, topics.decisions), 0, [*decisions[0][5:40]], first=5)

    assert cast() == first
    assert cast() == whole.reading().query(
        "votes_cast", consultation=CONSULTATION, proposal="") + first[1:]
