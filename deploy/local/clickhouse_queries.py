"""The queries of this process by the ids that came over HTTP, from their first byte on.

The engine knows a query only once it runs. An archive that fences its predecessor must also catch
an insert that is still being received: so every request is noted here before its body is read.
"""

import threading
import time
from dataclasses import dataclass, field

from deploy.local.clickhouse_statement import quote


class QueryCancelledError(Exception):
    """Tell that a query was killed before the engine began it."""


@dataclass(eq=False)
class RunningQuery:
    query_id: str
    user: str
    statement: str = ""
    began: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    # Whether the engine has it: then the engine ends it, even if its request was given up.
    in_engine: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def require_not_cancelled(self) -> None:
        if self.cancelled:
            raise QueryCancelledError(self.query_id)


class RunningQueries:
    """Note queries as they come and go; used by the event loop and by worker threads."""

    def __init__(self) -> None:
        self._queries: set[RunningQuery] = set()
        self._lock = threading.Lock()

    def begin(self, query_id: str, user: str) -> RunningQuery:
        query = RunningQuery(query_id, user)
        with self._lock:
            self._queries.add(query)
        return query

    def end(self, query: RunningQuery) -> None:
        with self._lock:
            self._queries.discard(query)
        query.ended.set()

    def others(self, query: RunningQuery) -> list[RunningQuery]:
        """List all queries but this one."""
        with self._lock:
            return [other for other in self._queries if other is not query]


def as_table(queries: list[RunningQuery]) -> str:
    """Write queries as a SQL table with the columns a KILL's condition may name."""
    now = time.monotonic()
    rows = ", ".join(
        f"({number}, {quote(query.query_id)}, {quote(query.user)}, "
        f"{quote(query.statement)}, {now - query.began:.6f})"
        for number, query in enumerate(queries)
    )
    structure = "number UInt32, query_id String, user String, query String, elapsed Float64"
    return f"values({quote(structure)}, {rows})"
