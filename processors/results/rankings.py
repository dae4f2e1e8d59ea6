"""The rankings of a consultation as records of a publication, and back. Pure.

Theory of operation: a ranking names every ranked entry, and a record is 1 MiB at most; so it lies
in pieces, each under a key of its own, all written in one publication: a reader applies them at
once or not at all. The first piece has the key that a whole ranking had before there were pieces.
Pieces are put together from the ranks as `ranks` keeps them, byte for byte as the generic codec
writes them (tested).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from processors.results.ranks import Ranks
from processors.results.results_document import AsOf
from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import long, read_long, short_string
from schemas.registry import HEADER_BYTES, current


RANKS_PER_RECORD = 10_000
"""A rank takes 80 bytes at most: its identifier 64, three numbers."""
_RANKED, _DRAWN = (current(event).header for event in ("ProposalsRanked", "DrawnRanked"))

Rank = dict[str, int]
"""Position, best and worst."""


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


class Rows(Mapping[str, Rank]):
    """Ranks by name as records hold them, the best first; each is read when it is asked for."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.encoded = rows
        """By encoded name: three encoded numbers."""

    def __getitem__(self, name: str) -> Rank:
        row = self.encoded[short_string(name)]
        position, at = read_long(row, 0)
        best, at = read_long(row, at)
        return {"position": position, "best": best, "worst": read_long(row, at)[0]}

    def __iter__(self) -> Iterator[str]:
        return (name[1:].decode() for name in self.encoded)

    def __len__(self) -> int:
        return len(self.encoded)

    def and_then(self, others: "Rows") -> "Rows":
        """Return these ranks and others behind them."""
        return Rows(self.encoded | others.encoded)


NO_ROWS = Rows({})


def read(value: bytes) -> dict[str, Any] | None:
    """Read a ProposalsRanked or DrawnRanked without looking at each rank.

    Returns None where it is another version of them; raises Undecodable.
    """
    if value[:HEADER_BYTES] not in (_RANKED, _DRAWN):
        return None
    try:
        at = HEADER_BYTES + 1 + (value[HEADER_BYTES] >> 1)
        found: dict[str, Any] = {"consultation": value[HEADER_BYTES + 1:at].decode()}
        found["offsets"], at = _read_array(value, at, read_long)
        found["ideas"], at = _read_rows(value, at)
        found["proposals"], at = _read_rows(value, at)
        if value[:HEADER_BYTES] == _RANKED:
            found["controversial"], at = _read_array(value, at, _read_name)
    except (IndexError, UnicodeDecodeError) as error:
        raise Undecodable(f"a ranking that ends too early: {error}") from error
    if at != len(value):
        raise Undecodable("a ranking that does not end where it should")
    return found


def _read_array(
    value: bytes, at: int, item: Callable[[bytes, int], tuple[Any, int]]
) -> tuple[list[Any], int]:
    """Read an array as it is written here: one block, or none."""
    items = []
    number, at = read_long(value, at)
    for _ in range(number):
        each, at = item(value, at)
        items.append(each)
    return items, _array_end(value, at, number)


def _array_end(value: bytes, at: int, number: int) -> int:
    if number and value[at]:
        raise Undecodable("an array in more than one block")
    return at + 1 if number else at


def _read_name(value: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + (value[at] >> 1)
    return value[at + 1:end].decode(), end


def _read_rows(value: bytes, at: int) -> tuple[Rows, int]:
    rows = {}
    number, at = read_long(value, at)
    for _ in range(number):
        named = end = at + 1 + (value[at] >> 1)
        # Three numbers, each of bytes above 127 and one that is not: told one by one, for
        # there are tens of thousands of ranks.
        while value[end] > 127:
            end += 1
        end += 1
        while value[end] > 127:
            end += 1
        end += 1
        while value[end] > 127:
            end += 1
        end += 1
        rows[value[at:named]] = value[named:end]
        at = end
    return Rows(rows), _array_end(value, at, number)


def joined(pieces: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put the pieces of a ranking together, as `published_records.read` gave them by number.

    Those of another vector than the first are left over from a longer ranking.
    """
    first = pieces.get("", {"offsets": [], "ideas": NO_ROWS, "proposals": NO_ROWS,
                            "controversial": []})
    found = {**first}
    for name in sorted(filter(None, pieces), key=int):
        if pieces[name]["offsets"] == first["offsets"]:
            for kind in ("ideas", "proposals"):
                found[kind] = found[kind].and_then(pieces[name][kind])
    return found


def hold(found: Mapping[str, Mapping[str, Any]], offsets: Sequence[int]) -> list[int]:
    """Return the vector that the rankings hold, of what was read and is shown at a vector."""
    if found.get("rankings_held", {}).get("", {}).get("held", False):
        return list(offsets)
    return list(found.get("ranking", {}).get("", {"offsets": ()})["offsets"])
