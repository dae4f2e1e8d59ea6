"""What release 0.1.0 wrote, as bytes: its logs, and what it made of them (golden/make*.py.txt)."""

import gzip
import json
import lzma
import struct
from pathlib import Path
from typing import Any


FOLDER = Path(__file__).parent / "golden"
PARTITIONS = 2
FLUSH_KEY = b"\0flush"
NO_VALUE = 2**32 - 1
Golden = list[tuple[bytes | None, bytes]]
"""Votes with their decisions."""


def _log(data: bytes) -> Golden:
    """Read a log."""
    at, found = 0, []
    while at < len(data):
        size, decided = struct.unpack_from(">II", data, at)
        begin = at + 8
        end = begin + (0 if size == NO_VALUE else size)
        at = end + decided
        found.append((None if size == NO_VALUE else data[begin:end], data[end:at]))
    return found


def _documents(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((FOLDER / name).read_bytes()))
    return found


LOGS = [_log(gzip.decompress((FOLDER / f"log-{partition}.bin.gz").read_bytes()))
        for partition in range(PARTITIONS)]
"""Two partitions: one consultation goes on, one is closed and sealed."""
MANY = _log(lzma.decompress((FOLDER / "log-many.bin.xz").read_bytes()))
"""A partition alone, in which a voter comes to 5,000 live votes and is refused one more."""
EXPECTED = _documents("expected.json.gz")
"""What ledgers made of LOGS: flushes, sums, documents of the pure fold, a snapshot's begin."""
READ = _documents("read.json.gz")
"""What its readers made of them: results records, documents of the views, columns' digests."""


def flushes(partition: int) -> list[list[tuple[bytes, bytes]]]:
    """Return the tallies of a partition, flush by flush, the marker last."""
    return [[*[record for record in one if record[0] != FLUSH_KEY],
             *[record for record in one if record[0] == FLUSH_KEY]]
            for one in ([(bytes.fromhex(key), bytes.fromhex(value)) for key, value in flushed]
                        for flushed in EXPECTED["flushes"][partition])]


def listed(name: str) -> list[bytes]:
    """Return the catalogue, or the participants."""
    return [bytes.fromhex(value) for value in READ[name]]
