"""Whether somebody who reads a log stands still while it goes on. Pure.

Theory of operation: a consumer without a group is thrown out by nobody, but what fetches for it may
end without a word, and whoever waits for its records then waits for ever. The end of a log is asked
for apart from its records. So who stands before an end for STALL_SECONDS, and has not moved, ends
with a reason: a new consumer goes on from there.
"""

STALL_SECONDS = 60.0
"""Longest time at one offset while the log goes on: a broker's restart takes less."""
LOOK_SECONDS = 10.0
"""So often the ends are asked for, where nobody else asks."""


class Stalled(TimeoutError):
    """Nothing more came of a log that goes on."""

    def __init__(self, log: str, offset: int, end: int) -> None:
        super().__init__(
            f"{log} goes on to offset {end}, and nothing came from offset {offset} on for "
            f"{STALL_SECONDS:.0f} s. Nothing is lost: a restart reads on.")


class Standing:
    """Where one reader of a log stands, and since when."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._place: int | None = None
        """Where it stood before the end; None while it is there."""
        self._since = 0.0

    def see(self, offset: int, end: int, now: float) -> None:
        """Note the next offset to come, and the log's end; raise Stalled past STALL_SECONDS.

        Now is in seconds, on a clock that nobody sets.
        """
        if offset >= end:
            self._place = None
        elif offset != self._place:
            self._place, self._since = offset, now
        elif now - self._since > STALL_SECONDS:
            raise Stalled(self._log, offset, end)

    def forget(self) -> None:
        """Begin anew: the broker was away, or nothing was asked for."""
        self._place = None
