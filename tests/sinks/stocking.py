"""Put logs straight into the archive's tables, as the archive does, without a broker."""

import threading

from schemas.topics import Topics
from sinks.columns.records import Records
from sinks.logs import ArchivedLog, archived_logs
from sinks.store import Store, connect
from tests.sinks.ballots import Log


def open_store(url: str, database: str, prefix: str) -> Store:
    """Make the tables and own them."""
    store = Store(connect(url, database), prefix)
    store.take_over(threading.Event())
    return store


def log_of(topics: Topics, topic: str) -> ArchivedLog:
    """Find an archived log by its topic."""
    return next(found for found in archived_logs(topics) if found.topic == topic)


def stock(store: Store, archived: ArchivedLog, partition: int, log: Log, *, first: int = 0) -> None:
    """Insert a stretch of a partition."""
    records = Records(archived.topic, partition, first, [0] * len(log), list(log))
    if log:
        store.insert(archived.table, archived.columns(records), records)
