"""Whoever was told to stop ends in time, whatever then gives no answer."""

import threading

from processors.workers.batch_lane import late, stop_process


class LastMoment:
    """Ends the process so long after it was told to stop, if it has not ended by itself.

    From a thread: a broker, a ClickHouse or a disk that gives no answer holds up threads, too, for
    which Python waits at its end.
    """

    def __init__(self, stop_seconds: float) -> None:
        self._timer = threading.Timer(stop_seconds, stop_process, [late(stop_seconds)])
        self._timer.daemon = True

    def begin(self) -> None:
        """Count from now; from the first time on, where it is told again."""
        if self._timer.ident is None:
            self._timer.start()
