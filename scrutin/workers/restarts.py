"""When a worker is started again, and when none is any more. Pure: moments come in.

Theory of operation: all start together once. Of those that end later one starts at a time: the next
one waits until it takes requests or has ended, so that no fault that all of them meet has all of
them reading the log at once while nobody answers. One that ends soon after it began to take
requests, or before, waits longer each time, and after RESTARTS_MOST such ends in a row one more
start will not cure it: then the whole process ends and says why, and whoever supervises it sees.
"""

from collections.abc import Iterable, Iterator

from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED, EXIT_UNREADABLE, EXIT_USAGE


RESTARTS_MOST = 5
"""So often in a row a worker is started again that soon ends."""
STEADY_SECONDS = 60.0
"""A worker that took requests for so long begins a new row when it ends."""
PAUSE_SECONDS = 0.5
"""Pause before the first start of a row, doubled with each one..."""
PAUSE_SECONDS_MOST = 8.0
"""... up to this."""
TOLD = frozenset((EXIT_USAGE, EXIT_MISSING, EXIT_UNREADABLE))
"""Statuses of a process that has said what it lacks."""


class GivenUp(Exception):
    """The workers are not started again: says why, and with which status the process ends."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Restarts:
    """How so many workers stand, by their numbers from 1 on."""

    def __init__(self, workers: int) -> None:
        self._starting: set[int] = set()
        self._taking: dict[int, float] = {}
        """Since when each takes requests."""
        self._again: dict[int, float] = dict.fromkeys(range(1, workers + 1), 0.0)
        """Who is to be started, and not before when."""
        self._row: dict[int, int] = {}
        self._together = True
        """Until all have been started once."""
        self.restarts = 0
        """Starts after the first of each."""

    @property
    def taking(self) -> int:
        """How many take requests."""
        return len(self._taking)

    def due(self, now: float) -> Iterator[int]:
        """Yield whom to start now, all at first, later one at most; they count as starting."""
        found: Iterable[int] = sorted(self._again, key=self._again.__getitem__)
        if not self._together:
            found = [] if self._starting else [
                each for each in found if self._again[each] <= now][:1]
            self.restarts += len(found)
        self._together = False
        for worker in found:
            del self._again[worker]
            self._starting.add(worker)
            yield worker

    def wait_seconds(self, now: float) -> float | None:
        """Return how long nobody has to be started; None: until something happens."""
        if self._starting or not self._again:
            return None
        return max(0.0, min(self._again.values()) - now)

    def takes(self, worker: int, now: float) -> None:
        """Note that a worker takes requests."""
        self._starting.discard(worker)
        self._taking[worker] = now

    def ended(self, worker: int, status: int, now: float) -> None:
        """Note how a worker ended that nobody told to; raise GivenUp where that is the end.

        Status 0 of one that took requests: somebody told it alone to stop, to have it begin anew.
        """
        self._starting.discard(worker)
        taken_at = self._taking.pop(worker, None)
        never = taken_at is None and not self._taking and not self.restarts
        if never and status in TOLD:
            raise GivenUp(f"worker {worker} ended at its first start", status)
        steady = taken_at is not None and now - taken_at >= STEADY_SECONDS
        told = status == 0 and taken_at is not None
        row = 0 if told else 1 if steady else self._row.get(worker, 0) + 1
        self._row[worker] = row
        if row > RESTARTS_MOST:
            raise GivenUp(
                f"worker {worker} ended {row} times in a row, at last with status {status}",
                status if status in TOLD else EXIT_STOPPED)
        pause = min(PAUSE_SECONDS * 2.0 ** (row - 1), PAUSE_SECONDS_MOST) if row else 0.0
        self._again[worker] = now + pause
