"""What ClickHouse has acknowledged and cannot read is said, until somebody has mended it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import services
from deploy.local.services import ClickHouse
from schemas.topics import Topics
from sinks.archive import resume
from sinks.columns.records import Records
from sinks.faults import InsertUnreadable
from sinks.lane import Lane
from sinks.writing import Patience, write
from tests.sinks.ballots import random_box
from tests.sinks.stocking import log_of, open_store


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ClickHouse]:
    """Run a ClickHouse of a test's own, whose files it may damage."""
    found = services.start_clickhouse(tmp_path / "clickhouse")
    yield found
    found.stop()


def test_rows_that_are_cut_end_the_archive_until_their_part_is_taken_away(
    service: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Offsets can be counted still: only who reads every column notices. Kafka has the records."""
    topics, box = Topics(topic_prefix, 1), random_box(7, 400, partitions=1)
    votes, log = log_of(topics, topics.votes), box.logs[0]
    records = Records(topics.votes, 0, 0, [0] * len(log), log)
    store = open_store(service.url, topic_prefix, topic_prefix)

    def store_all() -> None:
        write(store, votes, records, rows=votes.columns(records),
              patience=Patience(threading.Event()))

    store_all()
    [data] = (path for path in (tmp_path / "clickhouse").rglob("data.bin")
              if path.stat().st_size > 10_000)
    whole = data.read_bytes()
    data.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(InsertUnreadable, match="DETACH PART"):
        store.stored(votes.table, records)
    with pytest.raises(InsertUnreadable, match="cannot read them"):
        resume(store, Lane(votes, 0))

    store._client.command(f"ALTER TABLE {votes.table} DETACH PART '{data.parent.name}'")
    assert resume(store, Lane(votes, 0)) == 0
    store_all()
    assert resume(store, Lane(votes, 0)) == len(log) - 1
    store.close()
