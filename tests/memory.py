"""Counting the memory that something takes and keeps."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Traced:
    """What was allocated and is still there when counting ends."""

    size_bytes: int = 0


@contextmanager
def traced() -> Iterator[Traced]:
    """Count what is allocated and kept meanwhile.

    Python keeps some thousands of empty tuples and the like for whoever asks next, more or fewer by
    what ran before; collecting garbage gives them back.
    """
    found = Traced()
    gc.collect()
    tracemalloc.start()
    try:
        yield found
        gc.collect()
        found.size_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
