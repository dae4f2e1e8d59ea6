"""The local ClickHouse refuses an insert whose bytes the disk has not taken, and mends a merge."""

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local import services
from deploy.local.clickhouse_engine import EngineError
from deploy.local.clickhouse_written import PARTS_REMEMBERED_MAX, Written
from tests.waiting import until


FULL_BYTES = 4_096
"""No file may grow beyond it, as on a full disk: a body is smaller, and what is stored is not."""
ROWS = 30_000
WORD = "x" * 100
FEW = 300
"""Rows of a part of 34 kB..."""
CUT_BYTES = 32_768
"""... and a merge of several is larger than that."""
TOKEN = {"async_insert": 0, "insert_deduplication_token": "votes:0:0-29999"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[services.ClickHouse]:
    """Run a ClickHouse of a test's own, whose disk may be full."""
    found = services.start_clickhouse(tmp_path / "clickhouse")
    yield found
    found.stop()


def _limit(service: services.ClickHouse, size_bytes: int) -> None:
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def _sent(client: Any) -> None:
    body = zstandard.compress(f"7\t{WORD}\n".encode() * ROWS)
    assert len(body) < FULL_BYTES
    client.raw_insert("events", ["number", "word"], body, TOKEN, "TSV", "zstd")


def _selected(client: Any) -> None:
    client.command(f"INSERT INTO events SELECT 7, '{WORD}' FROM numbers({ROWS})",
                   settings=TOKEN)


@pytest.mark.parametrize("insert", [_sent, _selected])
def test_what_the_disk_has_cut_is_refused_and_comes_whole_again(
    service: services.ClickHouse, insert: Callable[[Any], None]
) -> None:
    """The engine acknowledges it: what it wrote is looked at. The same token stores it later."""
    with clickhouse_connect.get_client(dsn=service.url) as client:
        client.command("CREATE TABLE events (number UInt64, word String) ENGINE = MergeTree "
                       "ORDER BY number SETTINGS non_replicated_deduplication_window = 1000")
        _limit(service, FULL_BYTES)
        with pytest.raises(DatabaseError, match="CANNOT_WRITE_TO_FILE_DESCRIPTOR"):
            insert(client)
        _limit(service, resource.RLIM_INFINITY)
        assert client.query("SELECT count(), any(word) FROM events").first_row == (0, "")

        insert(client)

        assert client.query("SELECT count(), sum(length(word)) FROM events").first_row == (
            ROWS, ROWS * len(WORD))
        assert client.query("SELECT count() FROM system.detached_parts").first_row == (1,)


def test_a_body_that_the_disk_does_not_take_is_refused_by_name(
    service: services.ClickHouse,
) -> None:
    """Before the engine sees it: what is to be done is said, and nothing of it stays."""
    with clickhouse_connect.get_client(dsn=service.url) as client:
        client.command("CREATE TABLE events (number UInt64) ENGINE = MergeTree ORDER BY number")
        _limit(service, FULL_BYTES)
        with pytest.raises(DatabaseError, match=r"not take the body.*File too large.*make room"):
            client.raw_insert("events", ["number"], b"7\n" * FULL_BYTES, {}, "TSV")
        _limit(service, resource.RLIM_INFINITY)

        assert client.query("SELECT count() FROM events").first_row == (0,)
        assert not list((service.configuration.folder / "incoming").iterdir())


MERGES = ("OPTIMIZE TABLE events FINAL",
          "ALTER TABLE events UPDATE word = reverse(word) WHERE 1 SETTINGS mutations_sync = 1")
"""What writes parts of parts. The second leaves their level as it was."""
STORED = "SELECT count(), uniqExact(number), sum(length(word)) FROM events"


@pytest.mark.parametrize("merge", MERGES)
async def test_a_merge_that_the_disk_has_cut_is_undone(
    service: services.ClickHouse, merge: str
) -> None:
    """The engine takes it for done: what it was made of is read again, and inserts go on."""
    with clickhouse_connect.get_client(dsn=service.url, autogenerate_session_id=False) as client:
        client.command("CREATE TABLE events (number UInt64, word String CODEC(NONE)) "
                       "ENGINE = MergeTree ORDER BY number")
        for part in range(2):
            _insert(client, part)
        _limit(service, CUT_BYTES)
        client.command(merge)
        with pytest.raises(DatabaseError, match=r"Code: \d+"):
            client.query(STORED)
        _limit(service, resource.RLIM_INFINITY)
        await until(lambda: _stored(client) == (2 * FEW, 2 * FEW, 2 * FEW * len(WORD)))

        _insert(client, 2)
        client.command(merge)
        assert _stored(client) == (3 * FEW, 3 * FEW, 3 * FEW * len(WORD))
        assert client.query("SELECT reason FROM system.detached_parts").first_row == (
            "broken-on-start",)
    assert "Nothing is lost: make room" in service.log_path.read_text()


def _insert(client: Any, part: int) -> None:
    client.command(f"INSERT INTO events SELECT number + {part * FEW}, '{WORD}' FROM numbers({FEW})")


def _stored(client: Any) -> tuple[int, ...] | None:
    """Count what is stored; None while the table is away or cannot be read."""
    try:
        return tuple(client.query(STORED).first_row)
    except DatabaseError:
        return None


class _Answer(bytes):
    def bytes(self) -> bytes:
        return self


def test_a_part_is_looked_at_once_and_memory_is_bounded() -> None:
    """Two inserts within a second meet each other's parts."""
    asked: list[str] = []
    names = [f"all_{number}_{number}_0" for number in range(PARTS_REMEMBERED_MAX + 1)]

    def run(statement: str, _format: str) -> Any:
        asked.append(statement)
        return _Answer("\n".join(f'["/{name}", "d", "t", "{name}"]' for name in names).encode()
                       if statement.startswith("SELECT") else b"1\n")

    written, now = Written(), time.time()
    assert written.cut(run, now) == []
    first = len(asked)
    assert written.cut(run, now) == []

    assert first == 1 + len(names)
    assert len(asked) - first == 2, "the one that was forgotten"


def test_an_insert_whose_part_another_one_found_cut_is_refused_as_well() -> None:
    """Both were under way: whose part it was nobody knows. One that begins later is not."""
    active = ['["/a", "d", "t", "all_1_1_0"]']

    def run(statement: str, _format: str) -> Any:
        if "DETACH PART" in statement:
            active.clear()
        return _Answer("\n".join(active).encode() if statement.startswith("SELECT") else b"0\n")

    written, began = Written(), time.time()
    found = [written.cut(run, began) for _ in range(2)]

    assert found == [["all_1_1_0"], ["all_1_1_0"]]
    assert written.cut(run, time.time()) == []


def test_what_could_not_be_looked_at_is_looked_at_later() -> None:
    """A part that no room was left to detach, however long the disk is full."""
    asked: list[str] = []

    def full(statement: str, _format: str) -> Any:
        asked.append(statement)
        if "DETACH PART" in statement:
            raise EngineError("Code: 243. DB::Exception: Cannot reserve 1.00 MiB")
        return _Answer(b'["/a", "d", "t", "all_1_1_0"]' if statement.startswith("SELECT") else b"0")

    written, began = Written(), time.time()
    with pytest.raises(EngineError):
        written.cut(full, began)
    with pytest.raises(EngineError):
        written.cut(full, began + 3_600)

    assert asked[:3] == asked[3:], "since when parts are looked at"
