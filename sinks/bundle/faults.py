"""Why a bundle cannot be made, or does not hold: each by its layer, with its place. Pure."""

import reprlib
from collections.abc import Iterable
from typing import Any

from sinks.recount.checks import DIFFERENT, INVALID, MISSING, UNREADABLE


FROM_BELOW = (MISSING, UNREADABLE, INVALID, DIFFERENT)
"""The layers: what is not there cannot be read, what cannot be read cannot be proven."""


SAID_LETTERS_MAX = 2_000
"""Of a fault so much is told: what a file holds may be as long as the file."""


def shortened(text: str) -> str:
    """Cut a text that is too long to be read."""
    return text if len(text) <= SAID_LETTERS_MAX else f"{text[:SAID_LETTERS_MAX]}…"


def told(value: Any) -> str:
    """Write a value out of a file, its beginning where it is large or nests deep."""
    return _REPR.repr(value)


_REPR = reprlib.Repr()
_REPR.maxdict = _REPR.maxlist = _REPR.maxtuple = 8
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 200


class BundleFault(Exception):
    """Something in a bundle is not as it must be; the message names the place."""

    status = INVALID

    def __init__(self, place: str, what: str) -> None:
        self.place, self.what = shortened(place), shortened(what)
        super().__init__(f"{self.place}: {self.what}")


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
    """Return the first fault of the lowest layer."""
    return min(faults, key=lambda fault: FROM_BELOW.index(fault.status))


class NotExported(Exception):
    """A bundle cannot be made; the message says why and what to do."""
