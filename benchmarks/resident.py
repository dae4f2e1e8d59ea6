"""Print the resident bytes of a live vote in a pure ledger: `python -m benchmarks.resident FILE`.

The votes come from a file, so that nothing but the ledger is in this process's memory.
"""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.votes import votes
from processors.ledger.ledger import Ledger
from schemas.genesis import first_rules_adopted
from schemas.topics import Topics


LENGTH_BYTES = 2


def write(path: Path, count: int) -> None:
    """Write votes of one partition, each behind its length."""
    with path.open("wb") as file:
        for _, _, value in votes(count, 1):
            file.write(len(value).to_bytes(LENGTH_BYTES, "big") + value)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while length := file.read(LENGTH_BYTES):
            yield file.read(int.from_bytes(length, "big"))


def main(path: Path) -> None:
    """Decide the votes of a file and compare the memory before and after."""
    ledger = Ledger(0, 1)
    ledger.decide(0, first_rules_adopted(Topics("benchmark", 1), 0, 0))
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    for offset, value in enumerate(_read(path), 1):
        ledger.decide(offset, value)
    gc.collect()
    print((process.memory_info().rss - before) / ledger.live_votes)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
