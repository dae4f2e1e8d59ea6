"""The proposals of a consultation in the order they were accepted: a number names one. Pure.

Theory of operation: the catalogue is one log, so every gateway has the same proposals in the same
order, some of them a moment later than others, and an identifier of up to 63 bytes can be kept as
one number of two. A number is worth something within that very catalogue alone: `mark` commits to
all names up to a place, and who kept numbers keeps it with them.
"""

import hashlib
from collections.abc import Iterable
from itertools import islice


MARK_BYTES = 4
"""Of what commits to the names: whoever changes catalogues meets the same one in 4,000 million."""
_AHEAD = "\0"
"""Begins what stands for a proposal that is not known here yet: no identifier holds one."""


class Roll:
    """Names by place and places by name; it only grows."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: list[str] = []
        self._places: dict[str, int] = {}
        self._marks = [bytes(MARK_BYTES)]
        self._append(names)

    def __len__(self) -> int:
        return len(self._names)

    def follow(self, accepted: Iterable[str], count: int) -> None:
        """Take in what was accepted since; `accepted` lists all `count`, the old ones first."""
        if count > len(self._names):
            self._append(islice(accepted, len(self._names), None))

    def name(self, place: int) -> str:
        """Return the proposal at a place; a stand-in where another gateway knows more than this."""
        return self._names[place] if place < len(self._names) else f"{_AHEAD}{place}"

    def place(self, name: str) -> int | None:
        """Return the place of a proposal, or of a stand-in; None for what was never accepted."""
        return int(name[1:]) if name.startswith(_AHEAD) else self._places.get(name)

    def knows(self, count: int, mark: bytes) -> bool:
        """Whether a mark may be of the first `count` names here: what is ahead nobody can say."""
        return count >= len(self._marks) or self._marks[count] == mark

    def mark(self, count: int) -> bytes:
        """Commit to the first `count` names, as many as there are."""
        return self._marks[count]

    def _append(self, names: Iterable[str]) -> None:
        for name in names:
            self._places.setdefault(name, len(self._names))
            self._names.append(name)
            self._marks.append(hashlib.blake2b(
                self._marks[-1] + name.encode(), digest_size=MARK_BYTES).digest())
