"""What one insert of the archive asks of ClickHouse."""

import asyncio
import threading

from deploy.local.services import ClickHouse
from schemas.topics import Topics
from sinks.columns.records import Records
from sinks.writing import Patience, write
from tests.sinks.ballots import random_box
from tests.sinks.proxy import proxied
from tests.sinks.stocking import log_of, open_store


async def test_an_answered_insert_is_not_searched_for(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Who owns the tables, the insert, what is stored: three requests, not four."""
    topics, box = Topics(topic_prefix, 2), random_box(7, 40)
    votes = log_of(topics, topics.votes)
    records = Records(topics.votes, 0, 0, [0] * len(box.logs[0]), box.logs[0])
    async with proxied(clickhouse.url) as proxy:
        store = await asyncio.to_thread(open_store, proxy.url, topic_prefix, topic_prefix)
        before = proxy.requests
        await asyncio.to_thread(
            write, store, votes, records, rows=votes.columns(records),
            patience=Patience(threading.Event()))
        made = proxy.requests - before
        store.close()

    assert made == 3
