"""What the archive rests on, each asked of a server of somebody's own; see `__main__`."""

import asyncio
import contextlib
import hashlib
import http.client
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode, urlsplit

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.certificates import client_context
from schemas.topics import Topics
from sinks.addresses import Trust
from sinks.columns.records import Records
from sinks.kept import KeptLogs
from sinks.logs import ArchivedLog, kept_logs
from sinks.migrations import participants_database
from sinks.rights import PROCESSES, granted, quoted, rights
from sinks.store import CLIENT_ERRORS, NO_TRUST, SERVER_VERSION_MIN, Store, connect
from tests.acceptance.accounts import goes_beyond, may, works
from tests.waiting import until


GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
CONNECTIONS = 12
"""Connections made anew to see whether all lead to the same machine."""
ROWS = 65_536
"""Rows of the largest insert that the archive makes."""


@dataclass(frozen=True)
class Answer:
    """What a check found."""

    verdict: str
    said: str


@dataclass
class Server:
    """A server, and a generation of topics that nobody has, in databases of its own."""

    url: str
    reader_url: str = ""
    """With the account of views and auditors, who only read."""
    trust: Trust = NO_TRUST
    prefix: str = field(default_factory=lambda: f"scrutin_acceptance_{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.topics = Topics(self.prefix, 8)
        self.votes = kept_logs(self.topics)[0]
        self.client: Client = self.connected()
        self.store = Store(self.client, self.prefix)
        self.stand_in = not self._names_itself()

    def _names_itself(self) -> bool:
        """Whether a server of ClickHouse's own answers: that of the local stack names no machine.
        """
        connection = self.connection()
        try:
            connection.request("GET", "/ping")
            return bool(connection.getresponse().getheader("X-ClickHouse-Server-Display-Name"))
        finally:
            connection.close()

    def connection(self) -> http.client.HTTPConnection:
        """Return a plain connection, for what no client does."""
        parts = urlsplit(self.url)
        host, port = str(parts.hostname), parts.port
        if parts.scheme != "https":
            return http.client.HTTPConnection(host, port or 8123, timeout=30)
        return http.client.HTTPSConnection(host, port or 8443, timeout=30, context=client_context(
            "ClickHouse", self.trust.authorities, self.trust.certificate, self.trust.private_key))

    def connected(self) -> Client:
        """Connect as the archive does."""
        return connect(self.url, self.prefix, trust=self.trust)

    def records(self, partition: int, size: int, log: ArchivedLog | None = None) -> Records:
        """Make records that are no events, which every table takes."""
        return Records((log or self.votes).topic, partition, 0, list(range(size)),
                       [b"%d" % number for number in range(size)])

    def insert(self, records: Records, suffix: str = "") -> None:
        """Send an insert as the archive does."""
        self.store.insert(
            self.votes.table, self.votes.columns(records), records, token_suffix=suffix)

    def rows(self, records: Records) -> tuple[int, int]:
        """Count rows and distinct offsets of records."""
        found = self.store.stored(self.votes.table, records)
        return found.rows, found.offsets

    def end(self) -> None:
        """Leave nothing behind."""
        # Its own database last: without it no statement is taken.
        for database in (participants_database(self.client), self.prefix):
            self.client.command("DROP DATABASE IF EXISTS {name:Identifier}",
                                parameters={"name": database})
        self.client.close()


def version(server: Server) -> Answer:
    """Is it new enough?"""
    found = server.client.server_version
    return Answer(GOOD if server.client.min_version(SERVER_VERSION_MIN) else BAD,
                  f"{found}; {SERVER_VERSION_MIN} or later is needed")


def tables(server: Server) -> Answer:
    """May the archive make its databases and tables, and of which engine do they come?"""
    server.store.take_over(threading.Event())
    [[engine]] = server.client.query(
        "SELECT engine FROM system.tables WHERE database = currentDatabase()"
        " AND name = 'votes_log'").result_rows
    if engine == "MergeTree":
        return Answer(GOOD, "made, as MergeTree")
    return Answer(UNKNOWN, f"made, as {engine}: nobody has run the archive on it. See that inserts "
                           "and the questions after them go to one node, or that it waits for all")


def tokens(server: Server) -> Answer:
    """Is an insert that is sent again stored once, and stored again where its rows are gone?"""
    records = server.records(0, 100)
    for _ in range(3):
        server.insert(records)
    if server.rows(records) != (100, 100):
        return Answer(BAD, f"sent three times: {server.rows(records)[0]} rows of 100. "
                           "Deduplication is off: see insert_deduplicate and the table's window")
    server.client.command("ALTER TABLE votes_log DELETE WHERE partition = 0",
                          settings={"mutations_sync": 2})
    server.insert(records, ":again")
    stored = server.rows(records)
    return Answer(GOOD if stored == (100, 100) else BAD,
                  f"sent three times: 100 rows; deleted, then under another token: {stored[0]}")


def one_block(server: Server) -> Answer:
    """Is the largest insert one block, so that it is stored whole or not at all?"""
    records = server.records(1, ROWS)
    server.insert(records)
    rows = server.client.query(
        "SELECT DISTINCT _part FROM votes_log WHERE topic = {topic:String} AND partition = 1",
        parameters={"topic": server.topics.votes}).result_rows
    blocks = [name.rsplit("_", 3)[1:3] for name, in rows]
    whole = len(blocks) == 1 and blocks[0][0] == blocks[0][1]
    return Answer(GOOD if whole and server.rows(records) == (ROWS, ROWS) else BAD,
                  f"{ROWS} rows came as {len(blocks)} part(s): {blocks[:4]}")


def lost_answer(server: Server) -> Answer:
    """Is an insert whose answer was lost found whole or not at all, and stored once when repeated?
    """
    records = server.records(2, 2_000)
    _send_and_go(server, records)
    asyncio.run(until(lambda: not server.store.insert_running(records)))
    before = server.rows(records)
    server.insert(records)
    after = server.rows(records)
    fits = before in ((0, 0), (2_000, 2_000)) and after == (2_000, 2_000)
    return Answer(GOOD if fits else BAD,
                  f"{before[0]} of 2000 rows were there, {after[0]} after it was repeated")


def _send_and_go(server: Server, records: Records) -> None:
    """Send an insert whole, by its own words, and cut the connection before the answer."""
    rows = "\n".join(f"{records.topic}\t2\t{number}\t{value.decode()}"
                     for number, value in enumerate(records.values) if value)
    token = f"{records.topic}:2:0-{records.last}"
    asked = urlencode({
        "database": server.prefix, "insert_deduplication_token": token, "insert_deduplicate": 1,
        "async_insert": 0, "query_id": f"archive:{server.prefix}:{token}:{uuid.uuid4()}",
        "query": "INSERT INTO votes_log (topic, partition, offset, value) FORMAT TabSeparated"})
    parts = urlsplit(server.url)
    connection = server.connection()
    connection.request("POST", f"/?{asked}", rows.encode(), {
        "X-ClickHouse-User": unquote(parts.username or "default"),
        "X-ClickHouse-Key": unquote(parts.password or "")})
    connection.close()


def fence(server: Server) -> Answer:
    """Does a newcomer end an insert of the archive before, so that nothing of it comes later?"""
    slow = threading.Thread(target=_insert_slowly, args=(server,))
    slow.start()
    with server.connected() as watching:
        asyncio.run(until(lambda: bool(watching.query(
            "SELECT count() FROM system.processes WHERE startsWith(query_id, {id:String})",
            parameters={"id": f"archive:{server.prefix}:slow"}).result_rows[0][0])))
    ended = Store(server.client, server.prefix).take_over(threading.Event())
    slow.join(60)
    [[left]] = server.client.query(
        "SELECT count() FROM votes_log WHERE topic = 'slow'").result_rows
    return Answer(GOOD if ended == 1 and not left and not slow.is_alive() else BAD,
                  f"{ended} insert was ended, {left} of its rows are there")


def _insert_slowly(server: Server) -> None:
    with server.connected() as client:
        try:
            client.command(
                "INSERT INTO votes_log (topic, offset) SELECT 'slow', number + sleepEachRow(0.5)"
                " FROM numbers(100)", settings={
                    "query_id": f"archive:{server.prefix}:slow:1", "max_block_size": 1,
                    "function_sleep_max_microseconds_per_block": 0})
        except ClickHouseError:
            return


def nodes(server: Server) -> Answer:
    """Do all connections lead to the same machine? The fence sees that machine's queries alone."""
    names = set()
    for _ in range(CONNECTIONS):
        with server.connected() as client:
            names.add(client.query("SELECT hostName()").result_rows[0][0])
    if len(names) > 1:
        return Answer(BAD, f"{CONNECTIONS} connections led to {', '.join(sorted(names))}: give the "
                           "archive the address of one of them")
    [[hosts]] = server.client.query(
        "SELECT uniqExact(host_name) FROM system.clusters").result_rows
    if hosts > 1:
        return Answer(UNKNOWN, f"all led to {names.pop()}, and a cluster of {hosts} is known: see "
                               "that the archive's address always leads to one node")
    return Answer(GOOD, f"{CONNECTIONS} connections led to {names.pop()}")


def bytes_alike(server: Server) -> Answer:
    """Do keys, headers, odd times and any bytes come back as they were?"""
    log = next(one for one in kept_logs(server.topics) if one.topic == server.topics.participants)
    records = Records(log.topic, 0, 0, [0, -3_000_000_000_000, 20_000_000_000_000],
                      [b"\0\xff", None, b""], {1: b"", 2: b"\xfe"},
                      {0: [("a", None), ("é", b"\x80")]})
    server.store.insert(log.table, log.columns(records), records)
    found = KeptLogs(server.client, server.topics).piece(log, 0, 0, 3)
    alike = [(each.milliseconds, each.key, each.value, list(each.headers)) for each in found] == [
        (when, records.keys.get(offset), value, list(records.headers.get(offset, ())))
        for offset, (when, value) in enumerate(
            zip(records.timestamps, records.values, strict=True))]
    return Answer(GOOD if alike else BAD, f"three odd records, {'' if alike else 'not '}alike")


def views_read_little(server: Server) -> Answer:
    """Does a question for one record read a few thousand rows, through the views too?"""
    found = server.client.query(
        "SELECT value FROM votes WHERE topic = {topic:String} AND partition = 1 AND offset = 9",
        parameters={"topic": server.topics.votes})
    read = int((found.summary or {}).get("read_rows", 0))
    if not read:
        return Answer(UNKNOWN, "the server does not say how many rows it read")
    return Answer(GOOD if read < ROWS // 2 else BAD, f"{read} of {ROWS} rows were read")


def grants(server: Server) -> Answer:
    """Can the readers' account read the archive, and neither write to it nor read descriptions?"""
    if not server.reader_url:
        return Answer(UNKNOWN, "no account of readers was named: READER=URL has it tried")
    apart = participants_database(server.client)
    with connect(server.reader_url, server.prefix, create=False, trust=server.trust) as reader:
        can = [what for what, statement in (
            ("read the archive", "SELECT count() FROM votes_log"),
            ("write to it", "INSERT INTO votes_log (topic) SELECT 'lie'"),
            ("delete in it", "ALTER TABLE votes_log DELETE WHERE 0"),
            ("read descriptions", f"SELECT count() FROM {apart}.participants_log"),
        ) if may(reader, statement)]
    return Answer(GOOD if can == ["read the archive"] else BAD, f"it can {', '.join(can)}")


def accounts(server: Server) -> Answer:
    """Does a user with what `scrutin acls --format clickhouse` grants do its work, and no more?

    Makes a user for each process, and drops them.
    """
    users = {process: f"{server.prefix}_{process}" for process in PROCESSES}
    try:
        password = _made(server, users)
        found = {process: _tried(server, process, user, password)
                 for process, user in users.items()}
    except ClickHouseError as error:
        return Answer(UNKNOWN, f"this account may not make users and grant: {_first_line(error)}")
    finally:
        for user in users.values():
            with contextlib.suppress(ClickHouseError):
                server.client.command(f"DROP USER IF EXISTS {quoted(user)}")
    said = "; ".join(f"{process}: {', '.join(what)}" for process, what in found.items() if what)
    return Answer(BAD if said else GOOD, said or f"{', '.join(users)}: enough, and no more")


def _made(server: Server, users: dict[str, str]) -> str:
    """Make users with the rights that are printed; return their password."""
    password = secrets.token_urlsafe(24)
    for process, user in users.items():
        server.client.command(f"CREATE USER {quoted(user)} IDENTIFIED WITH sha256_hash BY "
                              f"'{hashlib.sha256(password.encode()).hexdigest()}'")
        for statement in granted(rights(process, server.topics, server.prefix), user):
            server.client.command(statement.rstrip(";"))
    return password


def _tried(server: Server, process: str, user: str, password: str) -> list[str]:
    parts = urlsplit(server.url)
    place = parts.netloc.rpartition("@")[2]
    url = f"{parts.scheme}://{user}:{password}@{place}"
    with connect(url, server.prefix, create=False, trust=server.trust) as client:
        try:
            works(process, client, server.topics)
        except ClickHouseError as error:
            return [f"it cannot work: {_first_line(error)}"]
        return [f"it can {what}" for what in goes_beyond(process, client, server.topics)]


def _first_line(error: Exception) -> str:
    return f"{error}".splitlines()[0]


CHECKS: tuple[Callable[[Server], Answer], ...] = (
    version, tables, tokens, one_block, lost_answer, fence, nodes, bytes_alike, views_read_little,
    grants, accounts)
ITS_OWN_WAY = {
    "fence": "it ends queries by itself, by their ids",
    "one_block": "it reads an insert from a file",
    "lost_answer": "it runs an insert only once all of it has come",
    "nodes": "it is one process",
    "grants": "it has one account",
    "accounts": "it has one account",
}
"""What the local stack's ClickHouse does otherwise than a server, and so cannot show."""


def asked(server: Server, check: Callable[[Server], Answer]) -> Answer:
    """Make a check; what a stand-in cannot show stays unknown, unless it failed there already."""
    try:
        found = check(server)
    except (*CLIENT_ERRORS, TimeoutError) as error:
        return Answer(BAD, f"{type(error).__name__}: {error}".splitlines()[0])
    own_way = ITS_OWN_WAY.get(check.__name__) if server.stand_in else None
    if own_way and found.verdict == GOOD:
        return Answer(UNKNOWN, f"{found.said}; but this is no server of its own: {own_way}")
    return found
