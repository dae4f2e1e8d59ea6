"""The first moment of every command: whoever is told to stop then ends.

Theory of operation: a program takes seconds to load, and only then says what it does when it is
told to stop. As the first process of a container it would be told in vain until then: the kernel
gives no such process a signal that it does not ask for. So signals are asked for before anything
is loaded. The image has them held back (`env --block-signal`) from its first instruction on, and
here they are let through: none is lost, and what nobody has begun ends at once.
"""

import os
import signal
from collections.abc import Sequence
from types import FrameType

from schemas.exit_codes import EXIT_TERMINATED


SERVICES = frozenset(
    ("ledger", "ideas", "patrol", "archive", "notary", "views", "gateway"))
"""Commands that run until they are told to stop, and then are done. Each takes signals over as
soon as it has something to end in order."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listen(arguments: Sequence[str]) -> None:
    """End by signals from now on: services with 0, others by SIGTERM with EXIT_TERMINATED.

    By Ctrl-C others are interrupted, as Python has it.
    """
    service = bool(SERVICES.intersection(arguments[:1]))
    for number in _SIGNALS if service else _SIGNALS[:1]:
        signal.signal(number, _done if service else _terminated)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _done(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_TERMINATED)
