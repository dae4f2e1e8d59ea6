"""Python's cyclic collector, as workers want it that handle thousands of records at once."""

import gc


COLLECTOR_THRESHOLDS = (100_000, 50, 100)
"""Objects made between two runs of the cyclic collector, by generation: a fetch makes 40,000 of
them and no cycle, and looking for some each time cost a fifth of the archive's throughput."""


def relax() -> None:
    """Have the collector look seldom; what is not in a cycle is freed at once all the same."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
