"""clickhouse-connect talks to the engine exactly as it talks to a server."""

import os
import signal
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    StreamFailureError,
)

from deploy.local import services
from deploy.local.clickhouse_body import STATEMENT_BYTES_MAX
from deploy.local.errors import PortTakenError
from deploy.local.status import wait_for
from deploy.machine.errors import FolderHeldError


WAIT_SECONDS = 20.0
ROWS = 1000
# Runs for minutes unless it is killed: a rare condition over many numbers.
ENDLESS = "FROM numbers(100000000000) WHERE sipHash64(number) = 1"

Connect = Callable[..., Any]


@pytest.fixture
def connect(clickhouse: services.ClickHouse, topic_prefix: str) -> Iterator[Connect]:
    """Make clients that share a database of this test's own and are closed after it."""
    clients = []

    def make(**options: Any) -> Any:
        chosen = {"database": topic_prefix, **options}
        client = clickhouse_connect.get_client(dsn=clickhouse.url, **chosen)
        clients.append(client)
        return client

    administrator = make(database=None)
    administrator.command(f"CREATE DATABASE {topic_prefix}")
    make().command(
        "CREATE TABLE events (number UInt64, word String) ENGINE = MergeTree ORDER BY number "
        "SETTINGS non_replicated_deduplication_window = 1000"
    )
    yield make
    administrator.command(f"DROP DATABASE {topic_prefix}")
    for client in clients:
        client.close()


def _rows(beginning: int = 0) -> pa.Table:
    numbers = range(beginning, beginning + ROWS)
    return pa.table(
        {"number": pa.array(numbers, pa.uint64()), "word": [f"word {n}" for n in numbers]}
    )


def _count(client: Any) -> int:
    return int(client.query("SELECT count() FROM events").first_row[0])


@pytest.mark.parametrize("compression", ["", "lz4", "zstd"])
def test_inserts_arrive_whole_in_every_compression(connect: Connect, compression: str) -> None:
    """Arrow tables and Python rows are stored to the last row, and the summary counts them."""
    client = connect(compress=compression or False)

    summary = client.insert_arrow("events", _rows())
    assert summary.written_rows == ROWS
    summary = client.insert("events", [[5000, "a"], [5001, "it's\n"]], ["number", "word"])
    assert summary.written_rows == 2

    assert _count(client) == ROWS + 2
    assert client.query("SELECT word FROM events WHERE number = 5001").first_row == ("it's\n",)


def test_an_insert_token_counts_once(connect: Connect) -> None:
    """An insert whose answer was lost can be sent again without storing it twice."""
    client = connect()
    settings = {"async_insert": 0, "insert_deduplication_token": "votes:0:0-999"}

    client.insert_arrow("events", _rows(), settings=settings)
    client.insert_arrow("events", _rows(), settings=settings)
    assert _count(client) == ROWS

    settings["insert_deduplication_token"] = "votes:0:1000-1999"
    client.insert_arrow("events", _rows(ROWS), settings=settings)
    assert _count(client) == 2 * ROWS


def test_settings_of_one_request_do_not_leak_into_the_next(connect: Connect) -> None:
    """A token or a limit belongs to its request; what the session SET stays set."""
    client = connect()
    client.command("SET max_threads = 3")

    question = "SELECT getSetting('max_threads'), getSetting('max_block_size')"
    assert client.query(question, settings={"max_block_size": 77}).first_row == (3, 77)
    assert client.query(question).first_row[0] == 3
    assert client.query(question).first_row[1] != 77


def test_sessions_are_apart(connect: Connect) -> None:
    """What one client sets or uses changes nothing for another one."""
    first, second = connect(), connect()
    first.command("SET max_threads = 3")
    first.command("CREATE TEMPORARY TABLE mine (a UInt8)")

    assert first.command("SELECT count() FROM mine") == 0
    assert second.query("SELECT getSetting('max_threads')").first_row != (3,)
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        second.query("SELECT count() FROM mine")


def test_parameters_are_bound_as_values(connect: Connect) -> None:
    """A bound value arrives as it is, whatever it looks like."""
    client = connect()
    parameters = {"word": "it's \\ {x}\té", "numbers": [1, 2]}

    answer = client.query("SELECT {word:String}, {numbers:Array(UInt8)}", parameters=parameters)

    assert answer.first_row == ("it's \\ {x}\té", [1, 2])


def test_parameters_too_long_for_an_address_arrive(connect: Connect) -> None:
    """What the client sends as a form, because it is long, is bound like any other value."""
    words = [f"it's \\ {{{number}}}\té" for number in range(20_000)]

    answer = connect().query(
        "SELECT {words:Array(String)}, {word:String}",
        parameters={"words": words, "word": "two\nlines"})

    assert answer.first_row == (words, "two\nlines")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM nowhere", 60),
        ("SELEC 1", 62),
        ("SELECT throwIf(number = 70000) FROM numbers(100000)", 395),
        ("INSERT INTO events (absent) VALUES (1)", 16),
        ("DROP TABLE nowhere", 60),
    ],
)
def test_a_wrong_query_answers_with_clickhouse_code(
    connect: Connect, statement: str, code: int
) -> None:
    """Errors carry the number a server would send, in selects, inserts and commands."""
    with pytest.raises(DatabaseError) as caught:
        connect().query(statement)

    assert caught.value.code == code


def test_an_error_in_the_middle_of_a_stream_keeps_its_code(connect: Connect) -> None:
    """A stream that breaks off says so instead of looking complete."""
    question = "SELECT number, throwIf(number = 300000) FROM numbers(1000000)"
    with (
        pytest.raises(StreamFailureError) as caught,
        connect().query_row_block_stream(question) as blocks,
    ):
        for _ in blocks:
            pass

    assert caught.value.code == 395


def test_a_query_after_a_failed_one_works(connect: Connect) -> None:
    """An error leaves the session usable."""
    client = connect()
    with pytest.raises(DatabaseError):
        client.query("SELECT * FROM nowhere")

    assert client.query("SELECT 1").first_row == (1,)


def test_long_results_are_streamed_whole(connect: Connect) -> None:
    """Blocks and Arrow batches add up to the table, and a stream may be left early."""
    client = connect()
    client.command("INSERT INTO events SELECT number, toString(number) FROM numbers(200000)")

    with client.query_row_block_stream("SELECT number FROM events ORDER BY number") as blocks:
        rows = [row[0] for block in blocks for row in block]
    assert rows == list(range(200000))
    with client.query_arrow_stream("SELECT * FROM events") as batches:
        assert sum(batch.num_rows for batch in batches) == 200000
    with client.query_row_block_stream("SELECT * FROM events") as blocks:
        next(iter(blocks))
    assert _count(connect()) == 200000


def _run_endless(client: Any, query_id: str, failures: list[Exception]) -> threading.Thread:
    statement = f"INSERT INTO events SELECT number, '' {ENDLESS}"

    def run() -> None:
        try:
            client.command(statement, settings={"query_id": query_id})
        except DatabaseError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _running(client: Any, prefix: str) -> list[str]:
    question = "SELECT query_id FROM system.processes WHERE query_id LIKE {prefix:String}"
    rows = client.query(question, parameters={"prefix": f"{prefix}%"}).result_rows
    return [row[0] for row in rows]


def test_kill_waits_until_the_inserts_with_a_prefix_have_ended(connect: Connect) -> None:
    """After KILL QUERY … SYNC nothing with the prefix runs; others run on."""
    client, prefix = connect(), f"archive-{uuid.uuid4().hex}"
    failures: list[Exception] = []
    others: list[Exception] = []
    threads = [_run_endless(connect(), f"{prefix}-{n}", failures) for n in range(2)]
    bystander = _run_endless(connect(), f"other-{prefix}", others)
    wait_for(lambda: len(_running(client, prefix)) == 2, WAIT_SECONDS)
    wait_for(lambda: len(_running(client, f"other-{prefix}")) == 1, WAIT_SECONDS)

    client.command(f"KILL QUERY WHERE query_id LIKE '{prefix}%' SYNC")

    assert _running(client, prefix) == []
    assert len(_running(client, "other-")) == 1
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert [getattr(failure, "code", None) for failure in failures] == [394, 394]
    client.command(f"KILL QUERY WHERE query_id = 'other-{prefix}' SYNC")
    bystander.join(WAIT_SECONDS)
    assert len(others) == 1
    assert _count(client) == 0


def test_an_insert_killed_while_it_arrives_stores_nothing(
    connect: Connect, clickhouse: services.ClickHouse, topic_prefix: str
) -> None:
    """A predecessor fenced in the middle of its body cannot write afterwards."""
    client, query_id = connect(), f"archive-{uuid.uuid4().hex}"
    began, go_on = threading.Event(), threading.Event()
    statuses: list[int] = []

    def body() -> Iterator[bytes]:
        yield b"1,one\n"
        began.set()
        go_on.wait(WAIT_SECONDS)
        yield b"2,two\n"

    def send() -> None:
        url = (
            f"{clickhouse.configuration.address}/?query_id={query_id}&database={topic_prefix}"
            "&query=INSERT%20INTO%20events%20FORMAT%20CSV"
        )
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    url, data=body(), headers=clickhouse.configuration.headers)):
                statuses.append(200)
        except urllib.error.HTTPError as error:
            statuses.append(int(error.headers["X-ClickHouse-Exception-Code"]))
            error.close()

    sender = threading.Thread(target=send)
    sender.start()
    assert began.wait(WAIT_SECONDS)
    wait_for(lambda: _kill(client, query_id, "ASYNC") != "", WAIT_SECONDS)
    go_on.set()
    sender.join(WAIT_SECONDS)

    assert statuses == [394]
    assert _count(client) == 0


def _kill(client: Any, query_id: str, mode: str) -> str:
    return str(client.command(f"KILL QUERY WHERE query_id = '{query_id}' {mode}") or "")


def test_a_body_past_the_bound_is_refused(
    clickhouse: services.ClickHouse, topic_prefix: str
) -> None:
    """A statement that grows without end is cut off with a clear refusal."""
    url = f"{clickhouse.configuration.address}/"
    body = b"SELECT '" + b"x" * STATEMENT_BYTES_MAX + b"'"

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(
            url, data=body, headers=clickhouse.configuration.headers))

    with caught.value as answer:
        assert answer.code == 413
        assert b"longer than" in answer.read()


def test_data_survive_stop_and_kill(tmp_path: Path) -> None:
    """What was acknowledged is there after an orderly stop and after SIGKILL."""
    service = services.start_clickhouse(tmp_path / "house")
    try:
        _write_number(service, 1)
        service.restart()
        _write_number(service, 2)
        service.kill()
        service.start()
        with clickhouse_connect.get_client(dsn=service.url) as client:
            rows = client.query("SELECT number FROM kept ORDER BY number").result_rows
        assert rows == [(1,), (2,)]
    finally:
        service.stop()


def test_a_stop_cancels_what_runs_and_closes_in_order(tmp_path: Path) -> None:
    """SIGTERM under an endless query ends with status 0, not with a kill after the bound."""
    service = services.start_clickhouse(tmp_path / "house")
    try:
        client = clickhouse_connect.get_client(dsn=service.url)
        failures: list[Exception] = []
        thread = threading.Thread(target=_select_endless, args=(service, failures))
        thread.start()
        wait_for(lambda: len(_running(client, "endless")) == 1, WAIT_SECONDS)
        client.close()
        os.kill(service.pid, signal.SIGTERM)

        assert service.wait(services.CLICKHOUSE_STOP_SECONDS) == 0
        thread.join(WAIT_SECONDS)
        assert len(failures) == 1
    finally:
        service.stop()


def _select_endless(service: services.ClickHouse, failures: list[Exception]) -> None:
    with clickhouse_connect.get_client(dsn=service.url) as client:
        try:
            client.command(f"SELECT count() {ENDLESS}", settings={"query_id": "endless"})
        except ClickHouseError as error:
            failures.append(error)


def _write_number(service: services.ClickHouse, number: int) -> None:
    with clickhouse_connect.get_client(dsn=service.url) as client:
        client.command(
            "CREATE TABLE IF NOT EXISTS kept (number UInt8) ENGINE = MergeTree ORDER BY number"
        )
        client.insert("kept", [[number]], ["number"], settings={"async_insert": 0})


def test_a_held_folder_is_refused_with_the_holders_pid(tmp_path: Path) -> None:
    """Two processes never open one folder; the second says who has it."""
    service = services.start_clickhouse(tmp_path / "house")
    try:
        with pytest.raises(FolderHeldError, match="ClickHouse folder held") as caught:
            services.start_clickhouse(tmp_path / "house")
        assert caught.value.holder_pid == service.pid
        assert str(service.pid) in str(caught.value)
    finally:
        service.stop()


def test_a_taken_port_is_named(tmp_path: Path, clickhouse: services.ClickHouse) -> None:
    """ClickHouse refuses a taken port before it starts anything."""
    with pytest.raises(PortTakenError, match=str(clickhouse.port)):
        services.start_clickhouse(tmp_path / "house", port=clickhouse.port)
