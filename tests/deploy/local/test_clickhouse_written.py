"""The local ClickHouse refuses an insert whose bytes the disk has not taken."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local import services
from deploy.local.clickhouse_written import PARTS_REMEMBERED_MAX, Written


FULL_BYTES = 4_096
"""No file may grow beyond it, as on a full disk: a body is smaller, and what is stored is not."""
ROWS = 30_000
WORD = "x" * 100
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

    written = Written()
    assert written.cut(run, 0) == []
    first = len(asked)
    assert written.cut(run, 0) == []

    assert first == 1 + len(names)
    assert len(asked) - first == 2, "the one that was forgotten"
