"""The last batch of recounts without rules, as `scrutin guard recount` leaves it in a folder.

A file, as the verdicts of recounts are: whoever asks for one may read the archive without being
allowed to write anywhere else.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from schemas.private_files import make_private_folder


FOLDER = "guard"
FORMAT = "scrutin-guard-recount/1"
WHOLE = frozenset(("consultation", "recounted_at", "counted", "suppositions", "noticed"))
"""What is asked of a batch."""
KEPT_MAX = 100
"""Consultations whose batches are read, at most."""
FILE_BYTES = 8 << 20
"""A longer file is not read: sixteen suppositions of the longest lists have half of it."""

Block = dict[str, Any]


def keep(data_folder: Path, found: Block) -> None:
    """Write a batch in place of the one before; raise OSError where the folder takes none."""
    folder = data_folder / FOLDER
    make_private_folder(folder)
    path = folder / _name_of(found["consultation"])
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    unfinished.replace(path)


class Kept:
    """The batches of all consultations, as they were read last."""

    def __init__(self, data_folder: Path) -> None:
        self._folder = data_folder / FOLDER
        self._read: dict[str, tuple[int, Block]] = {}
        """By name of file, when it was written and what it says."""

    def of(self, consultation: str) -> Block | None:
        """Return the last batch of a consultation; None where there is none."""
        found = self._read.get(_name_of(consultation))
        return found[1] if found and found[1]["consultation"] == consultation else None

    def look(self) -> None:
        """Read what has changed; what cannot be read is left out. Blocking."""
        read: dict[str, tuple[int, Block]] = {}
        for path in sorted(self._folder.glob("*.json"))[:KEPT_MAX]:
            try:
                written = path.stat().st_mtime_ns
                held = self._read.get(path.name)
                read[path.name] = held if held and held[0] == written else (written, _read(path))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        self._read = read


def _name_of(consultation: str) -> str:
    return f"{quote(consultation, safe='')}.json"


def _read(path: Path) -> Block:
    with path.open("rb") as file:
        text = file.read(FILE_BYTES + 1)
    found: Block = json.loads(text) if len(text) <= FILE_BYTES else {}
    if found["format"] != FORMAT or not found.keys() >= WHOLE:
        raise ValueError(f"{path} is no batch of recounts")
    return found
