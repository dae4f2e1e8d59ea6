"""Write one stretch of records so that it is stored exactly once. Blocking: runs in a thread.

Theory of operation: the answer to an insert is a hint, what the table holds is the truth. After
every insert, answered or not, its offsets are counted; before that a running insert of the same
records is waited for. All there: done. None there: the same insert again, under the same
deduplication token, so that a first one still on its way could not be stored as well. Some there:
impossible with one block, hence an alarm. One case asks for another token: an insert that is
acknowledged and stores nothing is a duplicate of rows that were deleted since.

Before every insert the archive asks whether it still owns the tables. One that was frozen while its
successor took over could else store again, in other stretches, what the successor has stored. What
remains is a freeze between that answer and the insert: readers see each row once through the views,
and the gauge of rows stored twice raises its alarm.
"""

import threading
import time

import pyarrow as pa

from sinks.columns.records import Records
from sinks.faults import ArchiveSuperseded, InsertIncomplete, ServiceAway
from sinks.logs import ArchivedLog
from sinks.store import CLIENT_ERRORS, Stopping, Store, Stored


AWAY_SECONDS = 60.0
"""Kafka and ClickHouse are waited for so long, a restart's worth; then the process ends."""
BACKOFF_FIRST_SECONDS = 0.1
"""First pause before asking again; each further one is twice as long."""
BACKOFF_SECONDS_MAX = 2.0
"""Longest pause before asking again: what a return of the service is noticed late by."""


class Patience:
    """Pauses that grow up to a bound, and end at once when the archive is to stop."""

    def __init__(self, stopping: threading.Event, away_seconds: float = AWAY_SECONDS) -> None:
        self._stopping = stopping
        self._away_seconds = away_seconds
        self.renew()

    def renew(self) -> None:
        """Begin again: the service has answered."""
        self._deadline = time.monotonic() + self._away_seconds
        self._pause_seconds = BACKOFF_FIRST_SECONDS

    def pause(self, error: Exception) -> None:
        """Wait before asking again; raise ServiceAway when the bound is reached."""
        if time.monotonic() > self._deadline:
            raise ServiceAway(
                f"ClickHouse has not done its work for {self._away_seconds:.0f} s ({error}). "
                "Check that it runs and has disk space; the archive resumes where it was."
            ) from error
        if self._stopping.wait(self._pause_seconds):
            raise Stopping
        self._pause_seconds = min(2 * self._pause_seconds, BACKOFF_SECONDS_MAX)


def write(
    store: Store, log: ArchivedLog, records: Records, *, rows: pa.Table, patience: Patience
) -> None:
    """Insert records and return once all of them are stored."""
    patience.renew()
    token_suffix = ""
    while True:
        lost: Exception | None = None
        try:
            # Frozen meanwhile, an archive would insert what its successor has stored already.
            _require_ownership(store, store.owner())
            store.insert(log.table, rows, records, token_suffix=token_suffix)
        except CLIENT_ERRORS as error:
            lost = error
        stored = _look_up(store, log, records, patience, answered=lost is None)
        _require_ownership(store, stored.generation)
        if stored.offsets == len(records):
            return
        if stored.offsets:
            raise InsertIncomplete(
                f"{log.table} holds {stored.offsets} of {len(records)} rows of {records.topic} "
                f"partition {records.partition}, offsets {records.first} to {records.last}: parts "
                "of one insert. Look at system.part_log and the disk before going on.")
        if lost:
            patience.pause(lost)
        else:
            token_suffix = f":again-{store.generation}"


def _require_ownership(store: Store, owner: int) -> None:
    if owner > store.generation:
        raise ArchiveSuperseded(
            "another archive of the same topics has started and owns the tables now; this one "
            "ends. Run one archive for each SCRUTIN_TOPIC_PREFIX.")


def _look_up(
    store: Store, log: ArchivedLog, records: Records, patience: Patience, *, answered: bool
) -> Stored:
    """Count what is stored of records; of an insert that was not answered, wait for the end."""
    while True:
        try:
            while not answered and store.insert_running(records):
                patience.pause(TimeoutError("an insert is still running"))
            return store.stored(log.table, records)
        except CLIENT_ERRORS as error:
            patience.pause(error)
