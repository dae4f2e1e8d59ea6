"""What release 0.1.0 archived is read by this one, and its rows stand beside newer ones."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from deploy.local.services import ClickHouse
from schemas.topics import Topics
from sinks.store import connect
from tests.sinks.ballots import Box, decide, random_box
from tests.sinks.published import Archived, catalogue_log, published
from tests.sinks.stocking import log_of, open_store, stock


WHEEL = Path(__file__).parent / "scrutin-0.1.0-py3-none-any.whl"
STOCKING = """
import json, sys, threading
from schemas.topics import Topics
from sinks.columns.records import Records
from sinks.logs import archived_logs
from sinks.store import Store, connect
told = json.load(sys.stdin)
topics = Topics(told["prefix"], told["partitions"])
store = Store(connect(told["url"], told["prefix"]), told["prefix"])
store.take_over(threading.Event())
for log in archived_logs(topics):
    for partition, values in enumerate(told["logs"].get(log.topic, ())):
        values = [None if value is None else bytes.fromhex(value) for value in values]
        records = Records(log.topic, partition, 0, [0] * len(values), values)
        store.insert(log.table, log.columns(records), records)
"""
"""Puts logs into tables: run by the code of the release."""


def archived_by_release(folder: Path, url: str, topics: Topics, box: Box) -> None:
    """Have release 0.1.0 archive the votes and decisions of a box, and its catalogue."""
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    told = {"url": url, "prefix": topics.prefix, "partitions": box.partitions, "logs": {
        topic: [[None if value is None else value.hex() for value in log] for log in logs]
        for topic, logs in ((topics.votes, box.logs), (topics.decisions, decide(box)[1]))}}
    subprocess.run(
        [sys.executable, "-c", STOCKING], input=json.dumps(told), text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"})


def test_rows_of_0_1_0_are_read_with_those_that_follow(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Its tables have no columns of version 2: added, they say of its rows what its bytes say."""
    box = random_box(41, 150)
    topics = Topics(topic_prefix, box.partitions)
    archived_by_release(tmp_path / "0.1.0", clickhouse.url, topics, box)
    before = [len(log) for log in box.logs]
    box.rise()
    for number in range(60):
        box.ballot(box.voter_in(number % box.partitions), f"p-{number % 3}")
    ledgers, decisions = decide(box)
    store, catalogue = open_store(clickhouse.url, topic_prefix, topic_prefix), catalogue_log(box)
    for partition, first in enumerate(before):
        for topic, logs in ((topics.votes, box.logs), (topics.decisions, decisions)):
            stock(store, log_of(topics, topic), partition, [*logs[partition][first:]], first=first)
    stock(store, log_of(topics, topics.catalogue), 0, catalogue)

    client = connect(clickhouse.url, topic_prefix)
    found = Archived(client, topics, published(ledgers, catalogue)).audit(columns=True)
    assert [check for check in found.checks if check.status != "equal"] == []
    assert {tuple(row) for row in client.query(
        "SELECT DISTINCT shown, pause, via, wording FROM votes WHERE offset < {first:UInt64}",
        parameters={"first": min(before)}).result_rows} == {("unknown", 15, 0, -1)}
    assert client.query("SELECT count() FROM decisions WHERE has(routes, 'drawn')").result_rows[
        0][0] > 0
