"""No statement reaches a file, a program or another machine, by whatever road."""

import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local import services
from deploy.local.clickhouse_wall import FIXED_SETTINGS


SECRET = "nobody-may-read-this"


class House:
    """A ClickHouse, what lies beside it, and a port on which nobody may call."""

    def __init__(self, service: services.ClickHouse, outside: Path, server: socket.socket) -> None:
        self.service = service
        self.outside = outside
        self._server = server
        (outside / "secret").write_text(SECRET)
        (outside / "secret.proto").write_text(f'syntax = "proto3"; message {SECRET[:6]} {{}}')
        self.before = self.files()
        self.names = {
            "secret": str(outside / "secret"), "new": str(outside / "new"),
            "folder": str(outside), "port": str(server.getsockname()[1]),
            "password": str(service.configuration.password_path),
            "inside": str(service.configuration.folder)}

    def files(self) -> set[Path]:
        return set(self.outside.rglob("*"))

    def ask(self, statement: str, settings: Mapping[str, str] = {}) -> tuple[int, str]:
        """Send a statement; give status and text of the answer."""
        parameters = urllib.parse.urlencode({"database": "tried", **settings})
        request = urllib.request.Request(
            f"{self.service.configuration.address}/?{parameters}", data=statement.encode(),
            headers=self.service.configuration.headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")

    @property
    def was_called(self) -> bool:
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run a ClickHouse of this file's own, with a table to play with."""
    outside = tmp_path_factory.mktemp("outside")
    service = services.start_clickhouse(tmp_path_factory.mktemp("house"))
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            found = House(service, outside, server)
            assert found.ask("CREATE DATABASE tried", {"database": "default"})[0] == 200
            assert found.ask("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")[0] == 200
            assert found.ask("INSERT INTO t VALUES ('kept')")[0] == 200
            yield found
    finally:
        service.stop()


READING = (
    "SELECT * FROM file('{secret}', 'RawBLOB', 'x String')",
    "SELECT * FROM file('{secret}')",
    "SELECT file('{secret}')",
    "SELECT file('{password}')",
    "SELECT file('/proc/self/environ')",
    "SELECT file('/proc/self/root{secret}')",
    "SELECT * APPLY(file) FROM (SELECT '{secret}')",
    "SELECT arrayMap(path -> file(path), ['{secret}'])",
    'SELECT "fi\\x6ce"(\'{secret}\')',
    "SELECT (SELECT file('{secret}'))",
    "SELECT * FROM view(SELECT file('{secret}'))",
    "WITH file('{secret}') AS x SELECT x",
    "SELECT * FROM t WHERE a = file('{secret}') OR throwIf(a != file('{secret}'))",
    "SELECT a FROM t ORDER BY file('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM `{secret}`",
    "SELECT * FROM default.`{secret}`",
    "DESCRIBE file('{secret}')",
    "DESCRIBE TABLE `{secret}`",
    "CREATE TABLE copied ENGINE = Memory AS SELECT * FROM file('{secret}', 'RawBLOB', 'x String')",
    "CREATE TABLE copied AS file('{secret}', 'RawBLOB', 'x String')",
    "CREATE TABLE copied (x String) ENGINE = File('RawBLOB', '{secret}')",
    "CREATE TEMPORARY TABLE copied (x String) ENGINE = File('RawBLOB', '{secret}')",
    "CREATE VIEW seen AS SELECT * FROM file('{secret}', 'RawBLOB', 'x String')",
    "CREATE VIEW seen AS SELECT file('{secret}') AS x",
    "CREATE VIEW seen SQL SECURITY NONE AS SELECT * FROM file('{secret}')",
    "CREATE VIEW seen DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM file('{secret}')",
    "CREATE MATERIALIZED VIEW seen ENGINE = Memory AS SELECT file('{secret}') AS x FROM t",
    "CREATE TABLE copied (x String DEFAULT file('{secret}')) ENGINE = Memory",
    "ALTER TABLE t ADD COLUMN x String DEFAULT file('{secret}')",
    "ALTER TABLE t UPDATE a = file('{secret}') WHERE 1",
    "CREATE FUNCTION reading AS (path) -> file(path)",
    ("CREATE DICTIONARY d (a String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
     " SOURCE(FILE(PATH '{secret}' FORMAT 'CSV'))"),
    "CREATE DATABASE files ENGINE = Filesystem('{folder}')",
    "CREATE DATABASE files ENGINE = SQLite('{secret}')",
    "CREATE DATABASE files ENGINE = Backup('tried', File('{folder}/backup'))",
    "ATTACH DATABASE files ENGINE = Filesystem('{folder}')",
    "ATTACH TABLE attached FROM '{folder}' (x String) ENGINE = MergeTree ORDER BY x",
    "INSERT INTO t FROM INFILE '{secret}' FORMAT LineAsString",
    "INSERT INTO t (a) FROM/**/InFile '{secret}' COMPRESSION 'none' FORMAT LineAsString",
    "SELECT 1; INSERT INTO t FROM INFILE '{secret}' FORMAT LineAsString",
    # What the engine itself must be able to read and write is no business of statements either.
    "INSERT INTO t FROM INFILE '{inside}/configuration/users.xml' FORMAT LineAsString -- all",
    "INSERT INTO t FROM INFILE '{inside}/data/status' FORMAT LineAsString -- all",
    "INSERT INTO t SELECT * FROM file('{secret}', 'RawBLOB', 'x String')",
    "RESTORE TABLE tried.t AS restored FROM File('{folder}/backup')",
    "SELECT * FROM sqlite('{secret}', 't')",
    "SELECT * FROM fileCluster('default', '{secret}', 'RawBLOB', 'x String')",
    "SELECT * FROM icebergLocal('{folder}')",
    "SELECT * FROM deltaLakeLocal('{folder}')",
    "SELECT * FROM paimonLocal('{folder}')",
    "SELECT * FROM url('file://{secret}', 'RawBLOB', 'x String')",
    "SELECT * FROM filesystem('{folder}')",
    "SELECT * FROM Python(secret)",
    "SELECT * FROM python(parameters)",
    'SELECT * FROM "Pyth\\x6fn"(settings)',
    "CREATE TABLE copied (x String) ENGINE = FileLog('{folder}', 'RawBLOB')",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{secret}'",
    "SELECT 1 SETTINGS format_template_row = '{secret}' FORMAT Template",
    "SELECT 1 AS x FORMAT Protobuf SETTINGS format_schema = '{secret}:X'",
    "SET format_schema = '{secret}'; SELECT 1 AS x FORMAT Protobuf",
    "SELECT 1 FORMAT DataFrame",
    "SELECT 1 FORMAT ArrowTable",
    "SELECT addressToLine(1), addressToSymbol(1)",
    "SELECT * FROM system.stack_trace",
    "SELECT * FROM system.users",
    "SHOW CREATE USER default",
)
"""Statements that would read what lies outside of the engine's own folders."""
WRITING = (
    "INSERT INTO FUNCTION file('{new}', 'RawBLOB', 'x String') SELECT 'x'",
    "INSERT INTO TABLE FUNCTION file('{new}', 'CSV', 'x String') VALUES ('x')",
    "SELECT 1 INTO OUTFILE '{new}'",
    "SELECT 1 INTO/**/OutFile '{new}' TRUNCATE FORMAT CSV",
    "SELECT 1 INTO OUTFILE '{inside}/data/new'",
    "SELECT 1 INTO OUTFILE '{inside}/incoming/new' APPEND",
    "SELECT 1; SELECT 2 INTO OUTFILE '{new}' AND STDOUT",
    "BACKUP TABLE tried.t TO File('{new}')",
    "BACKUP TABLE tried.t TO Disk('default', '{new}')",
    "BACKUP DATABASE tried TO S3('http://127.0.0.1:{port}/bucket/a')",
    ("CREATE TABLE w (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local,"
     " path = '{new}/')"),
    "CREATE TABLE w (a String) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'x'",
    "ALTER TABLE t MODIFY SETTING disk = 'x'",
    "CREATE TABLE w (a String) ENGINE = EmbeddedRocksDB(0, '{new}') PRIMARY KEY a",
    "CREATE TABLE w (a String) ENGINE = File('CSV', '{new}')",
    "SELECT 1 AS x SETTINGS output_format_schema = '{new}' FORMAT Protobuf",
    "SELECT 1 SETTINGS input_format_record_errors_file_path = '{new}'",
    "CREATE TABLE w ENGINE = Memory AS SELECT * FROM executable('id', 'CSV', 'x String')",
    ("CREATE DICTIONARY d (a String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
     " SOURCE(EXECUTABLE(COMMAND 'touch {new}' FORMAT 'CSV'))"),
    "SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM RELOAD CONFIG", "SYSTEM FLUSH LOGS",
    "CREATE USER another", "ALTER USER default IDENTIFIED BY 'x'", "GRANT FILE ON *.* TO default",
    "GRANT ALL ON *.* TO default", "CREATE ROLE r", "CREATE SETTINGS PROFILE p",
    "ALTER USER default SETTINGS NONE", "CREATE NAMED COLLECTION c AS a = 1",
    "EXECUTE AS default SELECT 1",
)
"""Statements that would write outside, start a program, or take a wall down."""
CALLING = (
    "SELECT * FROM url('http://127.0.0.1:{port}/', 'CSV', 'x String')",
    "INSERT INTO FUNCTION url('http://127.0.0.1:{port}/', 'CSV', 'x String') SELECT 'x'",
    "SELECT * FROM s3('http://127.0.0.1:{port}/bucket/a', 'CSV', 'x String')",
    "SELECT * FROM gcs('http://127.0.0.1:{port}/bucket/a', 'CSV', 'x String')",
    "SELECT * FROM remote('127.0.0.1:{port}', 'a', 'b')",
    "SELECT * FROM remoteSecure('127.0.0.1:{port}', 'a', 'b')",
    "SELECT * FROM cluster('default', 'a', 'b')",
    "SELECT * FROM mysql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
    "SELECT * FROM mongodb('127.0.0.1:{port}', 'a', 'b', 'c', 'd', 'x String')",
    "SELECT * FROM redis('127.0.0.1:{port}', 'a', 'a String')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:{port}/a', 'CSV', 'x String')",
    "SELECT * FROM azureBlobStorage('http://127.0.0.1:{port}/a', 'b', 'c', 'd', 'e')",
    "SELECT * FROM iceberg('http://127.0.0.1:{port}/bucket/a')",
    "SELECT * FROM deltaLake('http://127.0.0.1:{port}/bucket/a')",
    "SELECT * FROM arrowFlight('127.0.0.1:{port}', 'a')",
    "CREATE TABLE c (x String) ENGINE = URL('http://127.0.0.1:{port}/', 'CSV')",
    "CREATE TABLE c (x String) ENGINE = S3('http://127.0.0.1:{port}/bucket/a', 'CSV')",
    "CREATE TABLE c (x String) ENGINE = Kafka('127.0.0.1:{port}', 'a', 'b', 'CSV')",
    "CREATE TABLE c (x String) ENGINE = MySQL('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
    "CREATE TABLE c AS t ENGINE = Distributed('default', 'tried', 't')",
    "CREATE DATABASE c ENGINE = PostgreSQL('127.0.0.1:{port}', 'a', 'b', 'c')",
    "CREATE DATABASE c ENGINE = S3('http://127.0.0.1:{port}/bucket')",
    ("CREATE DICTIONARY d (a String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
     " SOURCE(HTTP(URL 'http://127.0.0.1:{port}/' FORMAT 'CSV'))"),
    ("CREATE DICTIONARY d (a String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
     " SOURCE(CLICKHOUSE(HOST '127.0.0.1' PORT {port} TABLE 'a'))"),
    ("SELECT 1 FORMAT AvroConfluent SETTINGS format_avro_schema_registry_url ="
     " 'http://127.0.0.1:{port}'"),
    "SELECT aiGenerate('x')",
)
"""Statements that would call another machine, or this one."""


@pytest.mark.parametrize("statement", [*READING, *WRITING, *CALLING])
def test_no_statement_leaves_the_house(house: House, statement: str) -> None:
    """Also with every setting of the request that it could hope for: nothing read, written, called.

    Some of them are refused, others see a file that is not there for them: none has an effect.
    """
    text = statement.format(**house.names)
    hopes: tuple[Mapping[str, str], ...] = (
        {}, {"readonly": "0", "allow_ddl": "1", "allow_introspection_functions": "1",
             "implicit_select": "1", "wait_end_of_query": "1", "session_id": "hopes"})
    for settings in hopes:
        status, answer = house.ask(text, settings)

        assert (status != 200, answer.startswith("Code: ")) == (True, True), answer
        assert not [secret for secret in (SECRET, house.service.configuration.password)
                    if secret in answer]
    assert house.files() == house.before
    assert not house.was_called
    assert house.ask("SELECT a FROM t") == (200, "kept\n")


@pytest.mark.parametrize("name", [name for name in FIXED_SETTINGS if "merge_tree_" not in name])
def test_no_request_changes_a_fixed_setting(house: House, name: str) -> None:
    """Not by its URL, nor by SET, nor by a clause, nor for a profile that would change it."""
    value = "1" if name.startswith("dynamic") else "NONE" if "security" in name else "x"

    statuses = {
        house.ask("SELECT 1", {name: value})[0],
        house.ask(f"SET {name} = '{value}'")[0],
        house.ask(f"SELECT 1 SETTINGS {name} = '{value}'")[0],
        house.ask(f"SELECT 1; SET {name} = '{value}'")[0],
    }

    assert 200 not in statuses
    assert house.ask(f"SELECT getSetting('{name}') = '{value}'") in {
        (200, "0\n"), (200, "false\n")}


def test_the_house_is_as_useful_as_before(house: House) -> None:
    """What archive, recounts and people need is allowed."""
    for statement in (
        "CREATE TABLE u (a String) ENGINE = MergeTree ORDER BY a",
        "CREATE VIEW v AS SELECT a FROM u", "INSERT INTO u SELECT a FROM t",
        "ALTER TABLE u ADD COLUMN b UInt8 DEFAULT 1", "OPTIMIZE TABLE u FINAL",
        "SELECT * FROM v", "SELECT * FROM merge('tried', '^u$')", "SELECT * FROM numbers(3)",
        "SHOW CREATE TABLE u", "EXPLAIN SELECT * FROM u", "SELECT * FROM system.parts",
        "RENAME TABLE u TO w", "TRUNCATE TABLE w", "DROP VIEW v", "DROP TABLE w SYNC",
    ):
        assert house.ask(statement)[0] == 200, statement


def test_a_text_with_a_refused_word_comes_as_a_parameter(house: House) -> None:
    """Who looks for such a word is told how, and can."""
    status, answer = house.ask("SELECT 'an outfile'")
    assert (status, "query parameters" in answer) == (403, True)
    assert house.ask("SELECT {word:String}", {"param_word": "an outfile"}) == (200, "an outfile\n")
