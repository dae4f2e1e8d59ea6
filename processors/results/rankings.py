"""The rankings of a consultation as records of a publication, and back. Pure.

Theory of operation: a ranking names every ranked entry, and a record is 1 MiB at most; so it lies
in pieces, each under a key of its own, all written in one publication: a reader applies them at
once or not at all. The first piece has the key that a whole ranking had before there were pieces.
Pieces are put together from the ranks as `ranks` keeps them, byte for byte as the generic codec
writes them (tested).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from processors.results.ranks import Ranks
from processors.results.results_document import AsOf
from schemas import codec
from schemas.hot import long, short_string
from schemas.registry import current


RANKS_PER_RECORD = 10_000
"""A rank takes 80 bytes at most: its identifier 64, three numbers."""
_RANKED, _DRAWN = (current(event).header for event in ("ProposalsRanked", "DrawnRanked"))


def ranking(
    consultation: str, ideas: Ranks, proposals: Ranks, controversial: Sequence[str], as_of: AsOf
) -> Iterator[tuple[bytes, bytes]]:
    """Lay out the ranking of all counted votes: yield key and value of each piece."""
    for number, piece in enumerate(_pieces(ideas, proposals)):
        listed = [] if number else [short_string(name) for name in controversial]
        yield _key(consultation, "ranking", number), b"".join((
            _RANKED, _begun(consultation, as_of), piece, _array(listed)))


def drawn_ranking(
    consultation: str, ideas: Ranks, proposals: Ranks, as_of: AsOf
) -> Iterator[tuple[bytes, bytes]]:
    """Lay out the ranking of drawn votes: yield key and value of each piece."""
    for number, piece in enumerate(_pieces(ideas, proposals)):
        yield _key(consultation, "drawn_ranking", number), b"".join((
            _DRAWN, _begun(consultation, as_of), piece))


def held(consultation: str, *, held: bool) -> tuple[bytes, bytes]:
    """Say whether the rankings hold what a publication holds: its key and value."""
    return f"{consultation}\0rankings_held".encode(), codec.encode(
        "RankingsHeld", consultation=consultation, held=held)


def _key(consultation: str, kind: str, number: int) -> bytes:
    return f"{consultation}\0{kind}\0{number}".encode() if number else (
        f"{consultation}\0{kind}".encode())


def _begun(consultation: str, as_of: AsOf) -> bytes:
    return short_string(consultation, 1) + _array([long(offset) for offset in as_of.votes])


def _pieces(ideas: Ranks, proposals: Ranks) -> Iterator[bytes]:
    """Cut both rankings into pieces, at least one, the ideas first."""
    first, then = ideas.rows(), proposals.rows()
    for start in range(0, max(1, len(first) + len(then)), RANKS_PER_RECORD):
        end = start + RANKS_PER_RECORD
        yield _array(first[start:end]) + _array(
            then[max(start - len(first), 0):max(end - len(first), 0)])


def _array(items: Sequence[bytes]) -> bytes:
    """Encode an array of what is encoded."""
    return b"".join((long(len(items)), *items, b"\0")) if items else b"\0"


def joined(pieces: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put the pieces of a ranking together, as `published_records.read` gave them by number.

    Those of another vector than the first are left over from a longer ranking.
    """
    first = pieces.get("", {"offsets": [], "ideas": [], "proposals": [], "controversial": []})
    rest = [pieces[name] for name in sorted(pieces, key=lambda name: int(name or 0))
            if name and pieces[name]["offsets"] == first["offsets"]]
    return {**first, **{kind: [rank for piece in (first, *rest) for rank in piece[kind]]
                        for kind in ("ideas", "proposals")}}


def hold(found: Mapping[str, Mapping[str, Any]], offsets: Sequence[int]) -> list[int]:
    """Return the vector that the rankings hold, of what was read and is shown at a vector."""
    if found.get("rankings_held", {}).get("", {}).get("held", False):
        return list(offsets)
    return list(found.get("ranking", {}).get("", {"offsets": ()})["offsets"])
