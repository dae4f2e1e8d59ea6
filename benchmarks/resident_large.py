"""Print what a large consultation takes in memory: `python -m benchmarks.resident_large PROPOSALS`.

In a process of its own, so that nothing but ideas and views is in its memory.
"""

import gc
import json
import random
import sys
from collections.abc import Callable

import psutil

from benchmarks.house import PARTITIONS
from benchmarks.large import CONSULTATION, accepted, tallied
from processors.results.ideas import Ideas
from processors.results.vectors import headers, vector_of
from views.documents import Documents
from views.flushes import Flushes


def main(proposals: int) -> None:
    """Fold the catalogue and a flush of every partition, publish, and show it."""
    ideas, flushes = Ideas(PARTITIONS), Flushes()

    def fold() -> None:
        for offset in range(proposals):
            ideas.apply_catalogue(accepted(offset), offset)
        tallied(ideas, proposals, random.Random(1))

    def read() -> None:
        for key, value in ideas.take(0, ranked=True):
            flushes.receive_result(key, value, vector_of(headers(ideas.as_of())))
        for offset in range(proposals):
            flushes.receive_catalogue(offset, accepted(offset))

    documents = Documents(flushes)
    print(json.dumps({
        "ideas_megabytes_at_100000_proposals": _megabytes(fold),
        "views_megabytes_at_100000_proposals": _megabytes(read),
        "document_megabytes_at_100000_proposals": _megabytes(
            lambda: kept.append(documents.document(CONSULTATION))),
    }))


kept: list[object] = []
"""The document, as long as its memory is looked at."""


def _megabytes(work: Callable[[], None]) -> float:
    """Return what some work leaves in memory."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    work()
    gc.collect()
    return float(psutil.Process().memory_info().rss - before) / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]))
