"""The text of a file whose encoding nobody tells: UTF-8 or as its mark says, else what is assumed.

Theory of operation: bytes that are UTF-8 are UTF-8, and a mark at the beginning says UTF-16. A
file without a mark that is not UTF-8 was saved by a spreadsheet of Western Europe: Windows-1252,
which is assumed and said. It is not assumed where other letters of the file are good UTF-8, for
then the file is damaged: two files were joined, or bytes were lost.
"""

import codecs
from itertools import islice
from pathlib import Path

from producers.errors import InvalidInput, Missing
from producers.polis_files.places import Notes, shown


FILE_BYTES_MOST = 128 << 20
"""No export is larger: over a million votes. The whole file is held in memory while it is read, and
some 650 bytes for each vote."""
FILES_LISTED_MOST = 1_000
"""So many files of a folder are looked at for a name that ends as the one that is missing."""
NEW_LINE = b"\n"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))


def find_file(directory: Path, name: str, notes: Notes) -> Path:
    """Return the file of this name, or the only one that a report gave its date and name before it.

    Downloads are named as in 2025-06-19-1201-3phdex2kjf-votes.csv. Raises InvalidInput where
    several are; where none is, the file is the one that is missing.
    """
    path = directory / name
    others = tuple(f"{who}-{name}" for who in ("participant", "participants"))
    try:
        found = [] if path.exists() else sorted(
            each.name for each in islice(directory.iterdir(), FILES_LISTED_MOST)
            if each.name.endswith(f"-{name}") and not each.name.endswith(others))
    except OSError:
        # Whoever reads the file says what is wrong with it.
        return path
    if len(found) > 1:
        raise InvalidInput(f"{path}: no such file, but {shown(found[0])} and {shown(found[1])}. "
                           "Put the files of one export alone into a folder.")
    if not found:
        return path
    notes.add(f"read from {shown(found[0])}")
    return directory / found[0]


def read_text(path: Path, notes: Notes) -> str:
    """Read a file; raise Missing where there is none, InvalidInput where it is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MOST + 1)
    except FileNotFoundError as error:
        raise Missing(f"{path}: no such file. A Polis export is a folder with votes.csv and "
                      "comments.csv.") from error
    except NotADirectoryError as error:
        raise InvalidInput(f"{path.parent}: not a folder. If it is a zip, unpack it first."
                           ) from error
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror}).") from error
    if len(raw) > FILE_BYTES_MOST:
        raise InvalidInput(f"{path}: more than {FILE_BYTES_MOST:,} bytes. No Polis export is that "
                           "large: is it another file?")
    text = decoded(raw, notes)
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InvalidInput(f"{path}, line {line}: holds a NUL, so it is no text. Save it as CSV in "
                           "UTF-8.")
    return text


def decoded(raw: bytes, notes: Notes) -> str:
    """Turn bytes into text; an encoding that is assumed is noted, a damaged one refused."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            try:
                return raw[len(mark):].decode(name)
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"{notes.file}{_line(raw, error.start + len(mark))}: begins with the mark of "
                    f"{name.upper()}, but is not: {error.reason}. Save it as CSV in UTF-8."
                ) from error
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        return _assumed(raw, error, notes)


def _assumed(raw: bytes, error: UnicodeDecodeError, notes: Notes) -> str:
    line = raw.count(NEW_LINE, 0, error.start) + 1
    if _holds_utf_8(raw):
        raise InvalidInput(
            f"{notes.file}, line {line}: byte 0x{raw[error.start]:02x} is no UTF-8, while other "
            "letters of the file are. Were two files joined? Save all of it as UTF-8."
        ) from error
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as second:
        raise InvalidInput(
            f"{notes.file}, line {raw.count(NEW_LINE, 0, second.start) + 1}: byte "
            f"0x{raw[second.start]:02x} belongs to neither UTF-8 nor Windows-1252. Save the file "
            "as CSV in UTF-8."
        ) from second
    begin = max(error.start - 10, 0)
    around = raw[begin:error.start + 10].decode("cp1252").splitlines()[-1]
    notes.add(f"not UTF-8: read as Windows-1252, as spreadsheets save it. Is {shown(around)} as it "
              "should be? Else save the file as UTF-8", line)
    return text


def _holds_utf_8(raw: bytes) -> bool:
    """Tell whether some letter beyond ASCII is written in UTF-8."""
    return not raw.decode(errors="ignore").isascii()


def _line(raw: bytes, at: int) -> str:
    return f", line {raw.count(NEW_LINE, 0, at) + 1}"
