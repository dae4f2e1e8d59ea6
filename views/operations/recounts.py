"""The last verdict on each consultation, as `scrutin audit recount` leaves it in the data folder.

A file, not a table: an auditor may read the archive without being allowed to write into it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from schemas.private_files import make_private_folder


FOLDER = "recounts"
KEPT_MAX = 100
"""Consultations shown at most: more files than that are not read."""


@dataclass(frozen=True)
class Verdict:
    """How the last recount of a consultation ended."""

    consultation: str
    verdict: str
    """equal, different, invalid, unreadable, missing: as the recount says."""
    exit_code: int
    checks: int
    """Comparisons made..."""
    equal: int
    """... and those that were equal."""
    votes: list[int]
    """Votes offsets, by partition, that the recounted result holds."""
    at: float
    """When it ended, in seconds since 1970."""

    @property
    def held(self) -> bool:
        """Whether every published number was found again."""
        return self.exit_code == 0


def keep(data_folder: Path, verdict: Verdict) -> None:
    """Write a verdict in place of the one before; raise OSError where the folder takes none."""
    folder = data_folder / FOLDER
    make_private_folder(folder)
    path = folder / f"{quote(verdict.consultation, safe='')}.json"
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(verdict)), "utf-8")
    unfinished.replace(path)


def kept(data_folder: Path) -> list[Verdict]:
    """Read all verdicts, the latest first; what cannot be read is left out."""
    return sorted(_read(data_folder / FOLDER), key=lambda found: -found.at)


def _read(folder: Path) -> Iterator[Verdict]:
    for path in sorted(folder.glob("*.json"))[:KEPT_MAX]:
        try:
            yield Verdict(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            continue
