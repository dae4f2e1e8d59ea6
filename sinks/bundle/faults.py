"""Why a bundle cannot be made, or does not hold: each by its layer, with its place. Pure."""

from collections.abc import Iterable

from sinks.recount.checks import DIFFERENT, INVALID, MISSING, UNREADABLE


FROM_BELOW = (MISSING, UNREADABLE, INVALID, DIFFERENT)
"""The layers: what is not there cannot be read, what cannot be read cannot be proven."""


class BundleFault(Exception):
    """Something in a bundle is not as it must be; the message names the place."""

    status = INVALID

    def __init__(self, place: str, what: str) -> None:
        self.place, self.what = place, what
        super().__init__(f"{place}: {what}")


class Unreadable(BundleFault):
    """Bytes that cannot be read as what they should be."""

    status = UNREADABLE


class Lacking(BundleFault):
    """Something that must be there is not."""

    status = MISSING


class Different(BundleFault):
    """What was recomputed is not what was published."""

    status = DIFFERENT


def lowest(faults: Iterable[BundleFault]) -> BundleFault:
    """Give the first fault of the lowest layer."""
    return min(faults, key=lambda fault: FROM_BELOW.index(fault.status))


class NotExported(Exception):
    """A bundle cannot be made; the message says why and what to do."""
