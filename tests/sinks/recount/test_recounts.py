"""Four computations of the same numbers agree, on ballot boxes full of oddities."""

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.decisions import decode
from schemas.topics import Topics
from schemas.words import REFUSALS
from sinks.recount import counting, pure
from sinks.recount.reading import Reading
from sinks.store import connect
from tests.sinks.ballots import CONSULTATION, Box, decide, random_box
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


def test_redelivery_after_eight_other_events_is_listed(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Where the ledger has forgotten an id, SQL differs, says where, and is excused."""
    box = random_box(13, 0, partitions=1)
    voter = box.identifier()
    while not _forgets(box):
        box.ballot(voter, "p-0")
    first = next(value for value in box.logs[0][1:] if value and value[4] == 1)
    box.put(0, first)
    found = archived(clickhouse.url, topic_prefix, box).audit()
    assert [(len(box.logs[0]) - 1, "p-0")] == [
        (one.offset, one.proposal) for one in found.divergences]
    assert found.verdict == "equal"
    assert {"explained"} == {
        check.status for check in found.checks if check.id == "sql.proposals"}


def _forgets(box: Box) -> bool:
    """Whether the first vote cast lies more than eight events back."""
    casts = [offset for offset, value in enumerate(box.logs[0]) if value and value[4] == 1]
    return bool(casts) and len(box.logs[0]) - casts[0] > 9


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
