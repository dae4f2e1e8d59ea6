"""Signed results on disk: a folder a consultation, the note naming the document beside it."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from sinks.transparency.folder import sync_folder, write_whole


RESULTS = "results"
"""The folder of signed results, beside the logs of their topics."""


class ResultsFolder:
    """The newest signed result of each consultation, and every note there was."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _of(self, consultation: str) -> Path:
        # Identifiers are free text; the letter before keeps "." and ".." from being folders.
        return self._path / f"c-{quote(consultation, safe='')}"

    def note(self, consultation: str) -> str | None:
        """Read the newest note; None before there is one."""
        try:
            return (self._of(consultation) / "note").read_text("utf-8")
        except OSError:
            return None

    def document(self, consultation: str) -> bytes | None:
        """Read the document under the newest note."""
        note = self.note(consultation)
        try:
            return None if note is None else self._document(consultation, note).read_bytes()
        except FileNotFoundError:
            return None

    def _document(self, consultation: str, note: str) -> Path:
        named = hashlib.sha256(note.encode()).hexdigest()
        return self._of(consultation) / f"{named}.json"

    def publish(self, consultation: str, note: str, body: bytes) -> None:
        """Keep a note and its document; documents of earlier notes go, a final one stays."""
        folder, before = self._of(consultation), self.note(consultation)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._document(consultation, note), body)
        with (folder / "notes").open("ab") as notes:
            notes.write(note.encode())
        write_whole(folder / "note", note.encode())
        sync_folder(folder)
        if before is not None and before != note and "\nfinal yes\n" not in before:
            self._document(consultation, before).unlink(missing_ok=True)
