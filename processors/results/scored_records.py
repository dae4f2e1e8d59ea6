"""The records of a publication, straight-line: hundreds are written many times a second. Pure.

Theory of operation: with counted votes, an entry always has the same shares, intervals and scores,
so between its counts and its zone everything stands at known places: names and the counts of
blocks are constants, and one call packs them with the numbers between them. Whatever the generic
codec writes for the same entry is written here, byte for byte (tested).
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import chain

from processors.results.results_document import PUBLISHED_WORDS, Computed
from processors.results.scores import SCORE_NAMES
from schemas.hot import long, short_string
from schemas.registry import current


_PROPOSAL, _IDEA, _ROUTES = (
    current(event).header for event in ("ProposalScored", "IdeaScored", "RoutesCounted"))
_SMALL = [long(number) for number in range(4_096)]
"""Most counts are small: their encodings are made once."""
_NOTHING_COMPUTED = b"\0\0\0\0"
"""Three empty maps and no zone: an entry without counted votes."""
_END = b"\0"
"""Ends an array or a map."""


def _constants() -> list[bytes]:
    """Return what stands before each number of an entry, in their order."""
    shares = [short_string(name) for name in PUBLISHED_WORDS]
    intervals = [part for name in PUBLISHED_WORDS
                 for part in (_END + short_string(name) + long(2), b"")]
    scored = [part for name in SCORE_NAMES for part in (short_string(name), b"")]
    shares[0] = long(len(PUBLISHED_WORDS)) + shares[0]
    # The first interval has no interval before it to end: it ends the map of shares instead.
    intervals[0] = _END + long(len(PUBLISHED_WORDS)) + intervals[0].removeprefix(_END)
    scored[0] = _END + _END + long(len(SCORE_NAMES)) + scored[0]
    return shares + intervals + scored


_CONSTANTS = _constants()
_PACK = struct.Struct("<" + "".join(f"{len(part)}sd" for part in _CONSTANTS)).pack


def entry(counts: Iterable[int], computed: Computed) -> bytes:
    """Encode counts, in the order of words.COUNTS, and what was computed from them."""
    shares, intervals, scored, zone = computed
    encoded = _numbers(counts)
    if zone is None:
        return encoded + _NOTHING_COMPUTED
    numbers = chain(
        shares.values(), chain.from_iterable(intervals.values()),
        chain.from_iterable(score.values() for score in scored.values()))
    packed = _PACK(*chain.from_iterable(zip(_CONSTANTS, numbers, strict=True)))
    return b"".join((encoded, packed, _END, b"\x02", short_string(zone)))


def proposal_scored(
    consultation: str, proposal: str, idea: str | None, known: bool,  # noqa: FBT001 -- as its schema
    counts: Sequence[int], computed: Computed,
) -> bytes:
    """Encode a ProposalScored; equal to the generic codec (tested)."""
    return b"".join((
        _PROPOSAL, short_string(consultation, 1), short_string(proposal, 1),
        b"\0" if idea is None else b"\x02" + short_string(idea), b"\1" if known else b"\0",
        entry(counts, computed),
    ))


def idea_scored(
    consultation: str, idea: str, proposals: int, counts: Sequence[int], computed: Computed
) -> bytes:
    """Encode an IdeaScored; equal to the generic codec (tested)."""
    return b"".join((_IDEA, short_string(consultation, 1), short_string(idea), long(proposals),
                     entry(counts, computed)))


def routes_counted(consultation: str, entry: str, rules: int, counts: Iterable[int]) -> bytes:
    """Encode a RoutesCounted, counts in the order of routes.ROUTE_COUNTS; as the codec (tested)."""
    return b"".join((_ROUTES, short_string(consultation, 1), short_string(entry), long(rules),
                     _numbers(counts)))


def _numbers(counts: Iterable[int]) -> bytes:
    return b"".join([_SMALL[n] if 0 <= n < len(_SMALL) else long(n) for n in counts])
