"""The rankings of a consultation as records of a publication, and back. Pure.

Theory of operation: a ranking names every ranked entry, and a record is 1 MiB at most; so it lies
in pieces, each under a key of its own, all written in one publication: a reader applies them at
once or not at all. The first piece has the key that a whole ranking had before there were pieces.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from processors.results import scores
from processors.results.results_document import AsOf, Block
from schemas import codec


RANKS_PER_RECORD = 10_000
"""A rank takes 80 bytes at most: its identifier 64, three numbers."""

Rank = dict[str, Any]
Blocks = Mapping[str, Block]


def ranking(
    consultation: str, ideas: Blocks, proposals: Blocks, as_of: AsOf
) -> Iterator[tuple[bytes, bytes]]:
    """Rank all counted votes: yield key and value of each piece."""
    controversial = scores.controversial(proposals)
    for number, piece in enumerate(_pieces(ideas, proposals)):
        yield _key(consultation, "ranking", number), codec.encode(
            "ProposalsRanked", consultation=consultation, offsets=list(as_of.votes), **piece,
            controversial=[] if number else controversial)


def drawn_ranking(
    consultation: str, ideas: Blocks, proposals: Blocks, as_of: AsOf
) -> Iterator[tuple[bytes, bytes]]:
    """Rank drawn votes: yield key and value of each piece."""
    for number, piece in enumerate(_pieces(ideas, proposals)):
        yield _key(consultation, "drawn_ranking", number), codec.encode(
            "DrawnRanked", consultation=consultation, offsets=list(as_of.votes), **piece)


def held(consultation: str, *, held: bool) -> tuple[bytes, bytes]:
    """Say whether the rankings hold what a publication holds: its key and value."""
    return f"{consultation}\0rankings_held".encode(), codec.encode(
        "RankingsHeld", consultation=consultation, held=held)


def _key(consultation: str, kind: str, number: int) -> bytes:
    return f"{consultation}\0{kind}\0{number}".encode() if number else (
        f"{consultation}\0{kind}".encode())


def _pieces(ideas: Blocks, proposals: Blocks) -> Iterator[dict[str, Sequence[Rank]]]:
    """Cut both rankings into pieces, at least one."""
    both = [(kind, {"id": key, **rank}) for kind, blocks in (
        ("ideas", ideas), ("proposals", proposals)) for key, rank in scores.ranks(blocks).items()]
    for first in range(0, max(1, len(both)), RANKS_PER_RECORD):
        piece = both[first:first + RANKS_PER_RECORD]
        yield {kind: [rank for of, rank in piece if of == kind] for kind in ("ideas", "proposals")}


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
