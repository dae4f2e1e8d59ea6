"""A command on a machine whose clock is wrong: `python -m tests.faults.clock SECONDS gateway`.

Whatever asks for the time in Python gets the wrong one, `datetime.now` apart; the clocks that
nobody sets are right.
"""

import sys
import time

from scrutin.main import main


def shift(seconds: float) -> None:
    """Let this process's clock be ahead of the machine's by so many seconds from now on."""
    true, true_nanoseconds = time.time, time.time_ns
    time.time = lambda: true() + seconds
    time.time_ns = lambda: true_nanoseconds() + int(seconds * 1e9)


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    main()
