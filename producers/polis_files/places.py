"""Where something stands in a file, and what was assumed while it was read. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from producers.errors import InvalidInput


SHOWN_CHARACTERS_MOST = 60
"""So much of what stands in a file is quoted in a message: a line of a terminal."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def wrong(self, column: str, what: str) -> InvalidInput:
        """Make the error about a column of this line."""
        return InvalidInput(f"{self.file}, line {self.line}, column {column}: {what}")


class Notes:
    """What was assumed about a file; the same assumption about many lines is one sentence."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, tuple[int | None, int]] = {}

    def add(self, what: str, line: int | None = None) -> None:
        """Remember an assumption, about a line or (None) about the whole file."""
        first, times = self._found.get(what, (line, 0))
        self._found[what] = first, times + 1

    def sentences(self) -> Iterator[str]:
        """Say every assumption once, with the first of its lines and how many more there are."""
        for what, (line, times) in self._found.items():
            more = f" (and {times - 1:,} more)" if times > 1 else ""
            yield f"{self.file}{'' if line is None else f', line {line}{more}'}: {what}"


class Assumed:
    """The notes of several files, in the order in which they were begun."""

    def __init__(self) -> None:
        self._files: dict[str, Notes] = {}

    def about(self, file: str) -> Notes:
        """Return the notes of a file."""
        return self._files.setdefault(file, Notes(file))

    def sentences(self) -> tuple[str, ...]:
        """Say everything that was assumed."""
        return tuple(said for notes in self._files.values() for said in notes.sentences())


def shown(text: str) -> str:
    """Quote what stands in a file: short, and with nothing that a terminal would obey."""
    cut = text if len(text) <= SHOWN_CHARACTERS_MOST else f"{text[:SHOWN_CHARACTERS_MOST]}…"
    return repr(cut)
