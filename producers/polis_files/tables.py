"""A CSV file of an export as rows with their lines, whatever spreadsheet saved it.

Theory of operation: the header says which separator a file has: the one by which the columns that
must be there are there. So nothing is guessed from the rows. Columns that are not asked for are
kept apart: no row means another thing by them, and the notes name them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.errors import InvalidInput
from producers.polis_files.places import Notes, Place, shown
from producers.polis_files.texts import read_text


SEPARATORS = ",;\t|"
FIELD_CHARACTERS_MOST = 1 << 20
"""No field of an export is longer; a longer one is a missing quotation mark."""
NAMES_SHOWN_MOST = 20
"""So many columns are named in a message."""
_FOLDED = str.maketrans("_ ", "--")
_AROUND = " \t\r\n\u00a0\"'"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column, and where it begins."""

    place: Place
    values: dict[str, str]


def read_table(
    path: Path, needed: Sequence[str], silent: Sequence[str], notes: Notes
) -> Iterator[Row]:
    """Yield the rows of a file that has the needed columns.

    Columns that are in neither `needed` nor `silent` are noted as not read. Raises Missing and
    InvalidInput.
    """
    text = read_text(path, notes)
    csv.field_size_limit(FIELD_CHARACTERS_MOST)
    separator = _separator(text, needed, notes)
    rows = _rows(text, separator, notes)
    header_line, header = next((row for row in rows if any(row[1])), (1, []))
    names = _names(header, needed, Place(notes.file, header_line), notes)
    _note_unread([name for name in names if name and name not in needed and name not in silent],
                 notes)
    for line, fields in rows:
        if any(field.strip() for field in fields):
            yield Row(Place(notes.file, line), _values(fields, names, separator, line, notes))
        elif fields:
            notes.add("empty rows are left out", line)


def _note_unread(names: Sequence[str], notes: Notes) -> None:
    for name in names[:NAMES_SHOWN_MOST]:
        notes.add(f"column {shown(name)} is not read: no row means another thing by it")
    if len(names) > NAMES_SHOWN_MOST:
        notes.add(f"{len(names) - NAMES_SHOWN_MOST:,} more columns are not read either")


def folded(name: str) -> str:
    """Return the one form of a column's name: small letters and dashes, nothing around."""
    return name.strip(_AROUND).casefold().translate(_FOLDED)


def parsed(text: str, separator: str) -> list[list[str]]:
    """Parse a few rows; give none where the text is no CSV."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return []


def _rows(text: str, separator: str, notes: Notes) -> Iterator[tuple[int, list[str]]]:
    """Yield each row but spreadsheets' first line `sep=;`, with the line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInput(
                f"{notes.file}, line {line}: the row that begins here is no CSV ({error}). Is a "
                "quotation mark missing, or not doubled? Mend the row."
            ) from error
        if line == 1 and text[:4].casefold() == "sep=":
            continue
        yield line, fields


def _separator(text: str, needed: Sequence[str], notes: Notes) -> str:
    found = {}
    for separator in SEPARATORS:
        try:
            header = next((row for _, row in _rows(text, separator, notes) if any(row)), [])
        except InvalidInput:
            continue
        found[separator] = len(set(needed) & {folded(name) for name in header})
    best = max(found, key=lambda separator: found[separator], default=",")
    if best != "," and found[best]:
        notes.add(f"fields are separated by {shown(best)}, as the header shows")
    return best


def _names(
    header: Sequence[str], needed: Sequence[str], place: Place, notes: Notes
) -> list[str]:
    names = [folded(name) for name in header]
    missing = [name for name in needed if name not in names]
    if missing:
        found = ", ".join(shown(name) for name in header[:NAMES_SHOWN_MOST]) or "none"
        raise InvalidInput(
            f"{place.file}, line {place.line}: missing columns {', '.join(missing)}; found are "
            f"{found}. The first line of the file must name its columns as Polis does.")
    twice = [name for name in needed if names.count(name) > 1]
    if twice:
        raise place.wrong(twice[0], "stands twice: nobody can tell which one is meant. Take one "
                                    "of them out.")
    if any(name and name != given for name, given in zip(names, header, strict=True)):
        notes.add("names of columns are read without regard to case, spaces and underscores",
                  place.line)
    return names


def _values(
    fields: list[str], names: Sequence[str], separator: str, line: int, notes: Notes
) -> dict[str, str]:
    place = Place(notes.file, line)
    if len(fields) == 1 < len(names):
        unwrapped = parsed(fields[0], separator)
        if len(unwrapped) == 1 and len(unwrapped[0]) == len(names):
            notes.add("rows that a spreadsheet took for one field are taken apart", line)
            fields = unwrapped[0]
    while len(fields) > len(names) and not fields[-1]:
        fields = fields[:-1]
    if len(fields) != len(names):
        raise InvalidInput(
            f"{notes.file}, line {line}: {len(fields)} fields, the header names {len(names)}. "
            "Export the set again, or mend the row: is a text with a separator not in quotation "
            "marks?")
    for name, value in zip(names, fields, strict=True):
        if not name and value.strip():
            raise place.wrong("without a name", f"holds {shown(value)}. Name the column in the "
                                                "first line, or empty it.")
    return dict(zip(names, fields, strict=True))
