"""Texts that people wrote, in cells of a spreadsheet: none of them is ever computed. Pure.

Theory of operation: a spreadsheet computes a cell of a CSV file that begins with a sign of a
formula. Which signs those are depends on the program (some take full-width ones, some skip spaces,
line ends or characters that nobody sees first), and where a cell begins depends on what it takes
for a separator: a French one splits at semicolons, and then a quotation mark within a line quotes
nothing. So an apostrophe goes to the beginning of a text, and behind anything that may end a cell,
wherever a sign follows, whatever unseen lies between. Numbers are written as numbers and are not
concerned. The text itself stands unchanged in results.json, and in the workbook, whose cells say
that they are texts.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


SEPARATORS = ",;\t\r\n|\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""Whatever a spreadsheet may be told ends a cell or a row."""

SIGNS = "".join(
    character for character in map(chr, range(0x10000))
    if character in "=+-@\u2212"
    or (character not in SEPARATORS and unicodedata.normalize("NFKC", character) in set("=+-@")))
"""What begins a formula: = + - @ and minus, as written in any width."""

_SKIPPED = "".join(
    character for character in map(chr, range(0x10000))
    if unicodedata.category(character) in ("Cc", "Cf", "Zs") and character not in SEPARATORS)
"""What a program may leave out before it looks: spaces, controls, characters without width."""

_BEGINNING = re.compile(
    f"(^|[{re.escape(SEPARATORS)}])([{re.escape(_SKIPPED)}]*)(?=[{re.escape(SIGNS)}])")
_FIRST = re.compile(f"[{re.escape(SEPARATORS)}\0]")


@dataclass(frozen=True)
class Column:
    """One column: its name, what it means, and where its cells come from."""

    name: str
    meaning: str
    cell: Callable[[Any], Any]


def guarded(value: Any) -> Any:
    """Write a cell of a CSV file: texts so that none is computed, all else as it is.

    The work grows with the length of the text alone.
    """
    if not isinstance(value, str):
        return value
    made = _BEGINNING.sub(r"\1'\2", value)
    # A file may be cut at its control characters: a cell never begins with one.
    return f"'{made}" if _FIRST.match(made) else made
