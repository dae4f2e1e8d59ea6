"""The chdb engine behind the HTTP interface: sessions, settings, inserts from files, kills.

Theory of operation: one engine, one folder, one process. A connection of the engine carries
session state (USE, SET) and runs one statement at a time, while different connections run in
parallel; so each HTTP session owns a connection, and a request without a session gets a fresh one
(0.5 ms). Settings of a request are applied with SET and taken back with SET … = DEFAULT, because
DDL and inserts take no common SETTINGS clause; what the session itself had SET is then replayed.
A request's query id travels as the setting `log_comment`, which the engine shows in
`system.processes` and by which its own KILL QUERY finds the query.
"""

import contextlib
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from deploy.local import clickhouse_statement as sql
from deploy.local.clickhouse_queries import RunningQueries, RunningQuery, as_table
from deploy.local.clickhouse_wall import StatementRefusedError, require_harmless
from deploy.local.clickhouse_written import CUT, MERGE_CUT, UNREADABLE, Written


# Sessions kept open at once; each costs one connection of the engine (a few hundred kB).
SESSIONS_MAX = 256
# A killed query ends at its next block; it is told again in case it had not begun when first told.
KILL_AGAIN_SECONDS = 0.1
# Between two looks at what merges wrote, where nobody could not read it before: what they were made
# of is kept for eight minutes.
MERGES_SECONDS = 30.0
# Statements of a session that are replayed after each request of it.
JOURNAL_STATEMENTS_MAX = 100

# Formats of which the engine makes objects of Python instead of bytes.
PYTHON_FORMATS = frozenset({"dataframe", "arrowtable"})
READ_ONLY = "Code: 164. DB::Exception: a GET changes nothing: send it as a POST. (READONLY)"
SESSION_IS_LOCKED = (
    "Code: 373. DB::Exception: Session {name} is locked by a concurrent client. (SESSION_IS_LOCKED)"
)


class EngineError(Exception):
    """Carry the engine's own message, from its `Code: <number>.` on."""

    def __init__(self, message: str) -> None:
        super().__init__(message[max(0, message.find("Code: ")) :])


@dataclass(frozen=True)
class Request:
    """What came with a statement: where, how and under which id it is to run."""

    query: RunningQuery
    session: str = ""
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    output_format: str = "TabSeparated"
    read_only: bool = False
    """As ClickHouse does for a GET: nothing is changed, and no session is used."""


@dataclass(frozen=True)
class Answer:
    body: bytes
    output_format: str | None = None
    written_rows: int = 0
    written_bytes: int = 0
    read_rows: int = 0
    read_bytes: int = 0


class Session:
    """One connection of the engine with what its user has set on it."""

    def __init__(self, path: str) -> None:
        self.connection = chdb.connect(path)  # type: ignore[no-untyped-call]  # chdb's own gap
        self.lock = threading.Lock()
        self._database = self._active_database = "default"
        self._journal: list[str] = []

    @contextmanager
    def prepared(self, request: Request) -> Iterator[None]:
        """Apply a request's database and settings, and take the settings back afterwards."""
        wanted = request.database or self._database
        if wanted != self._active_database:
            self.run(f"USE {sql.quote_identifier(wanted)}")
            self._active_database = wanted
        settings = {**request.settings, sql.QUERY_ID_SETTING: request.query.query_id}
        try:
            self.run(sql.set_statement(settings))
        except ValueError as error:
            raise EngineError(f"Code: 115. DB::Exception: {error}. (UNKNOWN_SETTING)") from error
        if request.read_only:
            # The engine gives this back to nobody.
            self.run("SET readonly = 1")
        if request.read_only or not request.session:
            yield  # The connection is closed after the request, and its settings go with it.
            return
        try:
            yield
        finally:
            self.run(sql.unset_statement(settings))
            for statement in self._journal:
                self.run(statement)

    def run(
        self, statement: str, output_format: str = "Null", parameters: Mapping[str, str] = {}
    ) -> Any:
        try:
            bound = {"params": dict(parameters)} if parameters else {}
            return self.connection.query(statement, output_format, **bound)
        except (RuntimeError, chdb.ChdbError) as error:
            raise EngineError(str(error)) from error

    def remember(self, statement: str) -> None:
        """Keep what a statement changed in the session for the requests that follow."""
        database = sql.used_database(statement)
        if database is not None:
            self._database = self._active_database = database
        elif sql.is_set(statement):
            self._journal = [*self._journal, statement][-JOURNAL_STATEMENTS_MAX:]


class Engine:
    """Own the engine of one folder; methods block and may be called from any thread."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        self._path = f"{folder}?config-file={configuration}"
        # The engine ends with its last connection: this one holds it until `close`.
        self._keeper = Session(self._path)
        _without_files(self._keeper, folder / "metadata")
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()
        self._written = Written()
        self.queries = RunningQueries()
        self.timezone = self._keeper.run("SELECT timezone()", "TSVRaw").bytes().decode().strip()
        self._look, self._closing = threading.Event(), False
        self._watching = threading.Thread(target=self._watch_merges, name="merges", daemon=True)
        self._watching.start()

    def run(self, request: Request, statement: str) -> Answer:
        """Run one statement, and with it the request's query, to its end."""
        with self._ending(request.query):
            _require_harmless(statement)
            kill = sql.parse_kill(statement)
            return self._run(request, statement) if kill is None else self._kill(request, kill)

    def _run(self, request: Request, statement: str) -> Answer:
        text = sql.show_query_ids(statement)
        wanted = sql.output_format(text, request.output_format)
        if wanted.lower() in PYTHON_FORMATS:
            raise EngineError(f"Code: 73. DB::Exception: Unknown format {wanted}. (UNKNOWN_FORMAT)")
        with self._session(request) as session, self._whole(statement):
            request.query.require_not_cancelled()
            result = session.run(sql.without_format(text), wanted, request.parameters)
            session.remember(statement)
        return _answer(result, wanted if sql.returns_rows(statement) else None)

    def insert(
        self, request: Request, head: sql.InsertHead, path: Path, compression: str = ""
    ) -> Answer:
        """Run an insert whose data lies in a file, and with it the request's query."""
        statement = sql.infile_statement(head, str(path), compression)
        with self._ending(request.query):
            _require_harmless(head.statement)
            return self._insert(request, statement)

    def _insert(self, request: Request, statement: str) -> Answer:
        with self._session(request) as session, self._whole(statement):
            request.query.require_not_cancelled()
            return _answer(session.run(statement, "Null"), None)

    @contextmanager
    def _whole(self, statement: str) -> Iterator[None]:
        """Refuse an insert afterwards whose bytes the disk has not taken."""
        began = time.time()
        try:
            yield
        finally:
            if sql.is_insert(statement):
                self._require_whole(began)

    def _require_whole(self, began: float) -> None:
        with self._fresh() as session:
            if cut := self._written.cut(session.run, began):
                raise EngineError(CUT.format(parts=", ".join(cut)))

    def _watch_merges(self) -> None:
        """Look until closed after merges, which nobody waits for, and parts left by inserts."""
        while True:
            self._look.wait(MERGES_SECONDS)
            self._look.clear()
            if self._closing:
                return
            with contextlib.suppress(EngineError), self._fresh() as session:
                self._written.cut(session.run, time.time())
                if cut := self._written.mend(session.run):
                    sys.stderr.write(MERGE_CUT.format(parts=", ".join(cut)))

    def stream(self, request: Request, statement: str) -> Iterator[bytes]:
        """Run a SELECT in a concatenable format; its query ends with the iterator."""
        text = sql.show_query_ids(statement)
        wanted = sql.output_format(text, request.output_format)
        bound = {"params": dict(request.parameters)} if request.parameters else {}
        with ExitStack() as held:
            # Also when the stream is dropped half way: a KILL may be waiting for this query.
            held.enter_context(self._ending(request.query))
            _require_harmless(statement)
            session = held.enter_context(self._session(request))
            request.query.require_not_cancelled()
            try:
                chunks = session.connection.send_query(sql.without_format(text), wanted, **bound)
                held.callback(chunks.close)
                for chunk in chunks:
                    yield chunk.bytes()
            except (RuntimeError, chdb.ChdbError) as error:
                raise EngineError(str(error)) from error

    def _kill(self, request: Request, kill: sql.Kill) -> Answer:
        """Cancel the queries that match; synchronously: return only when they have ended."""
        if request.read_only:
            raise EngineError(READ_ONLY)
        queries = self.queries.others(request.query)
        matching = self._matching(queries, kill.condition) if queries else []
        if not kill.only_test:
            for query in matching:
                query.cancelled = True
            self._cancel(matching)
        while kill.synchronous and (left := [q for q in matching if not q.ended.is_set()]):
            # Told again: a query may have passed its last check before the engine knew it.
            if not left[0].ended.wait(KILL_AGAIN_SECONDS):
                self._cancel(left)
        return self._killed(matching, kill)

    @contextmanager
    def _ending(self, query: RunningQuery) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            if str(error).startswith(UNREADABLE):
                self._look.set()
            raise
        finally:
            self.queries.end(query)

    def _matching(self, queries: list[RunningQuery], condition: str) -> list[RunningQuery]:
        # The condition is the sender's own SQL, as everything that comes over this interface.
        statement = f"SELECT number FROM {as_table(queries)} WHERE {condition}"  # noqa: S608 - see above
        with self._fresh() as session:
            numbers = session.run(statement, "TSV").bytes().split()
        return [queries[int(number)] for number in numbers]

    def _cancel(self, queries: list[RunningQuery]) -> None:
        if not queries:
            return
        names = ", ".join(sql.quote(query.query_id) for query in queries)
        with self._fresh() as session:
            session.run(f"KILL QUERY WHERE {sql.QUERY_ID_EXPRESSION} IN ({names}) ASYNC")

    def _killed(self, queries: list[RunningQuery], kill: sql.Kill) -> Answer:
        if not queries:
            return Answer(b"", kill.output_format)
        status = "finished" if kill.synchronous else "waiting"
        columns = f"{sql.quote(status)} AS kill_status, query_id, user, query"
        with self._fresh() as session:
            statement = f"SELECT {columns} FROM {as_table(queries)}"  # noqa: S608 - all quoted
            result = session.run(statement, kill.output_format)
        return _answer(result, kill.output_format)

    @contextmanager
    def _session(self, request: Request) -> Iterator[Session]:
        if request.read_only or not request.session:
            with self._fresh() as session, session.prepared(request):
                yield session
            return
        session = self._named(request.session)
        if not session.lock.acquire(blocking=False):
            raise EngineError(SESSION_IS_LOCKED.format(name=request.session))
        try:
            with session.prepared(request):
                yield session
        finally:
            session.lock.release()

    def _named(self, name: str) -> Session:
        with self._lock:
            session = self._sessions.get(name)
            if session is None:
                session = self._sessions[name] = Session(self._path)
            self._sessions.move_to_end(name)
            self._drop_oldest_idle()
            return session

    def _drop_oldest_idle(self) -> None:
        idle = (name for name, session in self._sessions.items() if not session.lock.locked())
        while len(self._sessions) > SESSIONS_MAX and (name := next(idle, None)) is not None:
            self._sessions.pop(name).connection.close()
            idle = (name for name, session in self._sessions.items() if not session.lock.locked())

    @contextmanager
    def _fresh(self) -> Iterator[Session]:
        session = Session(self._path)
        try:
            yield session
        finally:
            session.connection.close()

    def close(self, wait_seconds: float) -> None:
        """Cancel what runs, wait for it at most `wait_seconds`, then close the engine."""
        deadline = time.monotonic() + wait_seconds
        self._closing = True
        self._look.set()
        left = self.queries.others(RunningQuery("", ""))
        self._cancel(left)
        for query in left:
            query.ended.wait(max(0.0, deadline - time.monotonic()))
        self._watching.join(max(0.0, deadline - time.monotonic()))
        for session in [*self._sessions.values(), self._keeper]:
            session.connection.close()


def _without_files(session: Session, metadata: Path) -> None:
    """Replace the database `default`, in which every name is also that of a file on disk.

    The engine starts with it each time; what was created in it stays, in one that is as a server's.
    """
    session.run("DETACH DATABASE default")
    tables, definition = metadata / "default", metadata / "default.sql"
    if not tables.is_symlink():
        # It never held a table.
        definition.unlink(missing_ok=True)
        session.run("CREATE DATABASE default ENGINE = Atomic")
    elif definition.exists():
        session.run("ATTACH DATABASE default")
    else:
        identity = sql.quote(tables.readlink().name)
        session.run(f"ATTACH DATABASE default UUID {identity} ENGINE = Atomic")


def _require_harmless(statement: str) -> None:
    try:
        require_harmless(statement)
    except StatementRefusedError as error:
        raise EngineError(f"Code: 497. DB::Exception: {error}. (ACCESS_DENIED)") from error


def _answer(result: Any, output_format: str | None) -> Answer:
    return Answer(
        body=result.bytes() or b"",
        output_format=output_format,
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        read_rows=result.rows_read(),
        read_bytes=result.bytes_read(),
    )
