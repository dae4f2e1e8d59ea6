"""Python's memory, as programs want it that handle records by the thousand."""

import ctypes
import gc


GARBAGE_THRESHOLDS = (100_000, 50, 100)
"""Objects made between two runs of the cyclic collector, by generation: a fetch makes 40,000 of
them and no cycle, and looking for some each time cost a fifth of the archive's throughput."""
TABLE_BYTES = 2 << 20
"""Memory asked for at once that is at least so large is a table's, and not a piece of a file."""

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of mallopt(3)."""


def relax() -> None:
    """Have the collector look seldom; what is not in a cycle is freed at once all the same."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def return_tables() -> bool:
    """Have large tables go back to the system when they are freed; say whether the C library can.

    glibc keeps ever larger ones, up to 32 MB, for later: holes that nothing fits into.
    """
    library = ctypes.CDLL(None)
    return hasattr(library, "mallopt") and bool(library.mallopt(_MMAP_THRESHOLD, TABLE_BYTES))
