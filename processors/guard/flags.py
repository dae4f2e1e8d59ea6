"""What is kept of a first vote beside its item and instant, in sixteen bits of a number. Pure."""

from processors.guard.inputs import SERVED, UNKNOWN_PAUSE


PAUSE_MASK = 15
SHOWN_SHIFT = 4
SHOWN_MASK = 3
FRESH = 64
USUAL = 128
"""Among the first of its network: one of those who say what pace is usual."""
USUAL_ASKED = 256
"""The same among those of its network whose first item was asked for."""
USUAL_OF_ITEM = 512
"""The same among those of its network and first item."""
OF_PEOPLE = 1_024
"""Not imported, simulated or an operator's."""


def was_served(flags: int) -> bool:
    """Whether it was served by the draw."""
    return flags >> SHOWN_SHIFT & SHOWN_MASK == SERVED


assert UNKNOWN_PAUSE == PAUSE_MASK
