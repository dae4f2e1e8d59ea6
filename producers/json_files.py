"""A JSON file that people wrote: its value and where everything stands, or what is wrong. Pure.

Theory of operation: the parser of the standard library decides what is JSON. What it lets pass and
nobody means is refused here: the same key twice, NaN, numbers of endless digits, nesting without
end. A second reading of the text, which is known to be JSON then, notes where each key and value
begins, so that whoever checks the meaning can name line and column.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from producers.errors import InvalidInput


FILE_BYTES_MOST = 32 << 20
"""No description is longer: five thousand proposals in two languages, each as long as may be."""
NESTING_MOST = 20
"""A description is four deep; the parser's own bound is the stack's."""
DIGITS_MOST = 18
"""No whole number of ours has more; longer ones do not fit into events."""
NAME_CHARACTERS_MOST = 60
"""So much of a key is quoted in a message."""
_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++')
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_MENDED_BY = {
    "'": 'Text stands in double quotation marks: "…".',
    "“": 'Text stands in plain double quotation marks, ", not in typographic ones.',
    "”": 'Text stands in plain double quotation marks, ", not in typographic ones.',
    "«": 'Text stands in plain double quotation marks, ", not in typographic ones.',
    "/": "JSON has no comments: take it out.",
    "#": "JSON has no comments: take it out.",
    "}": "Is there a comma before the bracket? Take it out.",
    "]": "Is there a comma before the bracket? Take it out.",
    "\n": "A text ends on its line; a new line in it is written \\n.",
    "": "The file ends too early: a bracket or quotation mark is not closed.",
}

Path = tuple[str | int, ...]
"""Where something stands: keys, and places in lists from 0."""


@dataclass(frozen=True, order=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True)
class Json:
    """The value of a file, and where everything in it stands."""

    text: str
    value: Any
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Return the place of something, or of the nearest thing around it that is there."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


def read(raw: bytes, file: str) -> Json:
    """Read JSON; raise InvalidInput, which names the file, line and column."""
    if len(raw) > FILE_BYTES_MOST:
        raise InvalidInput(f"{file}: more than {FILE_BYTES_MOST:,} bytes. Is it another file?")
    text = _text(raw, file)
    _check_nesting(text, file)
    try:
        # The number is not made here: a long one would take its time, and is refused below.
        value = json.loads(text, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{file}, {_place(text, error.pos)}: not JSON: {error.msg}. {_mended(text, error.pos)}"
        ) from error
    return Json(text, value, _places(text, file))


def named(path: Path) -> str:
    """Write where something stands, as in proposals[0].text.fr; keys safe for a terminal."""
    said = ""
    for step in path:
        if isinstance(step, int):
            said += f"[{step}]"
        elif re.fullmatch(r"\w+", step, re.ASCII) and len(step) <= NAME_CHARACTERS_MOST:
            said += f".{step}"
        else:
            said += f"[{json.dumps(step[:NAME_CHARACTERS_MOST])}]"
    return said.removeprefix(".") or "the whole"


def _text(raw: bytes, file: str) -> str:
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if raw.startswith(mark)), (b"", "utf-8"))
    try:
        return raw[len(mark):].decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[len(mark):][:error.start].decode(encoding, errors="replace")
        raise InvalidInput(
            f"{file}, {_place(before, len(before))}: byte 0x{error.object[error.start]:02x} is not "
            f"{encoding.upper()}. Save the file as UTF-8."
        ) from error


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= DIGITS_MOST else 0


def _mended(text: str, at: int) -> str:
    rest = text[at:].lstrip(" \t\r") if at < len(text) else ""
    return _MENDED_BY.get(rest[:1], "Mend it there or just before.")


def _place(text: str, at: int) -> Place:
    begin = text.rfind("\n", 0, at) + 1
    return Place(text.count("\n", 0, at) + 1, at - begin + 1)


def _check_nesting(text: str, file: str) -> None:
    """Refuse what is nested too deep before any parser goes down into it."""
    depth = 0
    for found in _PIECE.finditer(text):
        piece = found[0]
        depth += (piece in "[{") - (piece in "]}")
        if depth > NESTING_MOST:
            raise InvalidInput(
                f"{file}, {_place(text, found.start())}: more than {NESTING_MOST} brackets in each "
                "other. No description of a consultation is that deep.")


def _places(text: str, file: str) -> dict[Path, Place]:
    """Note where every key, and every value in a list, of a text that is JSON begins."""
    found: dict[Path, Place] = {}
    steps: list[str | int] = []
    """Of each open bracket: the key or the number that is read inside it."""
    is_key, line, begin, looked = False, 1, 0, 0
    for match in _PIECE.finditer(text):
        piece, at = match[0], match.start()
        line += text.count("\n", looked, at)
        begin = max(begin, text.rfind("\n", looked, at) + 1)
        looked, place = at, Place(line, at - begin + 1)
        if piece in "]}":
            steps.pop()
        elif piece == ",":
            is_key = isinstance(steps[-1], str)
            steps[-1] = "" if is_key else int(steps[-1]) + 1
        elif piece == ":":
            is_key = False
        elif is_key:
            steps[-1] = json.loads(piece)
            if tuple(steps) in found:
                raise InvalidInput(f"{file}, {place}: {named(tuple(steps))} stands there twice; "
                                   f"first in {found[tuple(steps)]}. Take one of them out.")
            found[tuple(steps)] = place
        else:
            found.setdefault(tuple(steps), place)
            _check_number(piece, file, place)
            if piece in "[{":
                is_key = piece == "{"
                steps.append("" if is_key else 0)
    return found


def _check_number(piece: str, file: str, place: Place) -> None:
    """Refuse what the parser takes for a number and JSON does not know, or nobody can store."""
    if piece in ("NaN", "Infinity", "-Infinity"):
        raise InvalidInput(f"{file}, {place}: {piece} is no number of JSON. Mend it.")
    if piece[0] in "-0123456789" and len(piece) > DIGITS_MOST:
        raise InvalidInput(f"{file}, {place}: a number of more than {DIGITS_MOST} digits. Mend it.")
