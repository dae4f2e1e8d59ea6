"""The figures of several workers as those of one process. Pure: what each says comes in.

Theory of operation: counts and what is held are summed; of all else every worker says the same, or
the one that stands worst says how all do. Whatever grows must not fall when a worker ends: whoever
reads it would take that for a new beginning, and count all of it a second time. So what an ended
worker said last is kept and counted on; of what all read alike the greatest is kept. What it
counted after that is lost, as it is where a process is alone. All begins anew with the supervisor
alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client.core import Metric

from schemas import figures


AS_ONE = frozenset(each.name for each in (
    figures.DECIDED, figures.REFUSED, figures.DEAD_LETTERS, figures.RESTARTS))
"""What grows and is no worker's own: each reads the same, so the greatest is the newest, of those
that have ended too: who is started again has all of it still to read."""
HELD = frozenset(each.name for each in (
    figures.GATEWAY_WAITING, figures.GATEWAY_WAITING_MOST, figures.LIVE_CLIENTS,
    figures.LIVE_CLIENTS_MOST)) | {
        "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds"}
"""What goes up and down in each, and is summed."""
LEAST = frozenset(each.name for each in (
    figures.READY, figures.DISK_FREE, figures.DISK_SIZE, figures.CERTIFICATE_END,
    figures.GATEWAY_CONNECTED, figures.GATEWAY_CLOCK_MEASURED, figures.ANSWERS,
    figures.RECOUNT_EQUAL)) | {figures.PROCESS_STARTED, "process_max_fds"}
"""What is worse the less it is. The supervisor is the first to start: no worker that is started
again has the whole process look as if it had been."""
FARTHEST = frozenset((figures.GATEWAY_CLOCK_AHEAD.name,))
"""What is worse the farther it is from 0. Of all other figures the greatest is told."""
_Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels."""
Plain = list[Any]
"""Families as lists, as they go over a line."""


def plain(families: Iterable[Metric]) -> Plain:
    """Write families as lists that JSON has."""
    return [[each.name, each.documentation, each.type,
             [[one.name, one.labels, one.value] for one in each.samples]] for each in families]


class Sums:
    """What workers said last, each under its number, and what ended ones leave behind."""

    def __init__(self) -> None:
        self._said: dict[int, dict[_Key, float]] = {}
        self._left: dict[_Key, float] = {}
        """What ended workers counted, or had read."""
        self._families: dict[str, Metric] = {}
        self._family_of: dict[str, str] = {}

    def say(self, worker: int, families: Plain) -> None:
        """Take what a worker says now, in the place of what it said before."""
        said: dict[_Key, float] = {}
        for name, meaning, kind, samples in families:
            self._families.setdefault(name, Metric(name, meaning, kind))
            for sample, labels, value in samples:
                self._family_of.setdefault(sample, name)
                said[sample, tuple(labels.items())] = value
        self._said[worker] = said

    def end(self, worker: int) -> None:
        """Note that a worker has ended: what it counted stays, how it stood does not."""
        for key, value in self._said.pop(worker, {}).items():
            if key[0] in AS_ONE:
                self._left[key] = max(self._left.get(key, 0.0), value)
            elif self._grows(key[0]):
                self._left[key] = self._left.get(key, 0.0) + value

    def joined(self) -> list[Metric]:
        """Return the families of all together."""
        found: dict[_Key, list[float]] = {key: [value] for key, value in self._left.items()}
        for said in self._said.values():
            for key, value in said.items():
                found.setdefault(key, []).append(value)
        families = {name: Metric(name, each.documentation, each.type)
                    for name, each in self._families.items()}
        for (name, labels), values in found.items():
            families[self._family_of[name]].add_sample(name, dict(labels), self._one(name, values))
        return [each for each in families.values() if each.samples]

    def _grows(self, name: str) -> bool:
        kind = self._families[self._family_of[name]].type
        return kind in ("counter", "histogram") and name not in AS_ONE

    def _one(self, name: str, values: Sequence[float]) -> float:
        """Make one value of what several say."""
        if name in HELD or self._grows(name):
            return sum(values)
        if name in FARTHEST:
            return max(values, key=abs)
        return min(values) if name in LEAST else max(values)
