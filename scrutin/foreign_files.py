"""Files that a command is given and somebody else may have written: none is read without end."""

from pathlib import Path
from typing import BinaryIO


KEY_FILE_BYTES_MAX = 1 << 20
"""A policy, a list of keys, a note or a checkpoint: as large as a note may be."""
RECEIPT_BYTES_MAX = 6 << 20
"""A receipt with its proof is below 10 KB, and the list of all keys, which it may have with it, has
4 MiB at most. JSON of so many bytes takes 150 MB, whatever it is."""
DOCUMENT_BYTES_MAX = 32 << 20
"""A results document, as large as one in a bundle."""


class TooLong(Exception):
    """A file is longer than any of its kind; the message names it."""


def read_foreign(place: Path | BinaryIO, bytes_max: int) -> bytes:
    """Read a file; raise TooLong before more than the bound is taken into memory."""
    if isinstance(place, Path):
        with place.open("rb") as file:
            found = file.read(bytes_max + 1)
    else:
        found = place.read(bytes_max + 1)
    if len(found) > bytes_max:
        name = place if isinstance(place, Path) else "what came on stdin"
        raise TooLong(f"{name} has more than {bytes_max:,} bytes: no file of its kind is so long")
    return found


def read_foreign_text(path: Path, bytes_max: int = KEY_FILE_BYTES_MAX) -> str:
    """Read a file of text; raise TooLong, or UnicodeDecodeError."""
    return read_foreign(path, bytes_max).decode()
