"""Write a bundle: the signed result of a consultation, and all it rests on.

Theory of operation: the result names the offsets; each log is taken up to its first checkpoint
that covers them, with every checkpoint before it; where witnesses countersign, to the first that
enough of them have. Contents and their order follow from these, and
in a public bundle from the key its pseudonyms are made with, which is drawn here and lost.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from processors.results.catalogue import Consultation
from processors.results.results_document import shares_hidden
from schemas.topics import Topics
from schemas.withheld import read, without_words
from sinks.bundle import layout
from sinks.bundle.ballots import KEY_BYTES, Row, header, write_rows
from sinks.bundle.enclosed import enclosed
from sinks.bundle.faults import NotExported
from sinks.bundle.layout import AUDITOR, PUBLIC, Record, write_record
from sinks.bundle.manifest import Manifest, note_text, write_manifest
from sinks.bundle.packing import Packer
from sinks.bundle.withheld import is_said
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint
from sinks.transparency.entries import parse_entry
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import Refused, Signer, text_of
from sinks.transparency.policy import POLICY
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from sinks.transparency.results_notes import require_signed
from sinks.transparency.tiles import ENTRIES, WIDTH, Tile, read_bundle, width_of


PIECE_RECORDS = 4_096
"""Records joined before they are written: a quarter of a megabyte."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Signed:
    """What was signed of a consultation, where the notary left it."""

    folder: Path
    """Of the transparency logs of one topic generation."""
    document: dict[str, Any]
    body: bytes
    note: str

    def log(self, folder: str) -> LogFolder:
        """Return a log by its name in the bundle."""
        return LogFolder(self.folder / folder.removeprefix("logs/"))


def signed_result(folder: Path, topics: Topics, consultation: str, signer: Signer) -> Signed:
    """Read the newest signed result; raise NotExported."""
    results = ResultsFolder(folder / topics.prefix / RESULTS)
    note, body = results.note(consultation), results.document(consultation)
    if note is None or body is None:
        raise NotExported(
            f"no signed result of {consultation!r} in {folder}: `scrutin notary` signs one every "
            "ten minutes and when voting has closed. Run this where its folder is.")
    try:
        require_signed(note, body, signer.verifier)
    except Refused as error:
        raise NotExported(f"the signed result of {consultation!r} cannot be used: {error}. If the "
                          "notary signed another one this moment, try again.") from error
    document = json.loads(body)
    if shares_hidden(document):
        raise NotExported(f"shares of {consultation!r} are hidden until voting has closed, and a "
                          "bundle would show them: export it then.")
    return Signed(folder / topics.prefix, document, body, note)


class Source(Protocol):
    """Where the records of one consultation are, up to the offsets of its result."""

    def wait(self, catalogue: int, say: Say) -> None: ...
    def catalogue(self, last: int) -> Iterable[Record]: ...
    def keys(self, size: int) -> Iterable[Record]: ...
    def hidden_now(self) -> set[str]: ...
    def known(self, last: int) -> Consultation | None: ...
    def endings(self, partition: int) -> Iterable[Record]: ...
    def suspensions(self) -> int: ...
    def votes(self, partition: int) -> Iterable[Record]: ...
    def decisions(self, partition: int) -> Iterable[Record]: ...
    def ballots(self, zone: str) -> Iterable[tuple[str, Iterable[Row]]]: ...


class Export:
    """One bundle being written."""

    def __init__(
        self, signed: Signed, archived: Source, topics: Topics, signer: Signer, say: Say,
    ) -> None:
        as_of = signed.document["as_of"]
        self._signed, self._archived, self._signer, self._say = signed, archived, signer, say
        self._consultation: str = signed.document["consultation"]["id"]
        self._votes, self._catalogue = tuple(as_of["votes"]), as_of["catalogue"]
        self._topics = topics
        self._leaves: Counter[str] = Counter()

    def write(self, file: BinaryIO, kind: str, key: bytes | None = None) -> Manifest:
        """Write the bundle; a key is given only to make the same public one again."""
        # Words may have been hidden since the result was signed: as far as the notary knows.
        self._archived.wait(max(self._catalogue, self._last_signed()), self._say)
        manifest = Manifest(kind, self._consultation, self._topics.prefix, len(self._votes),
                            self._votes, self._catalogue)
        packer = Packer(file)
        for name, body in enclosed(kind, self._consultation).items():
            packer.add(name, [body])
        packer.add(layout.RESULTS, [self._signed.body])
        packer.add(layout.RESULTS_NOTE, [self._signed.note.encode()])
        packer.add(layout.POLICY, [(self._signed.folder / POLICY).read_bytes()])
        size = self._write_log(packer, layout.CATALOGUE_LOG, self._catalogue, Counter())
        packer.add(layout.CATALOGUE, _joined(self._shown()))
        # Checkpoints commit to the keys named up to here, beyond the result.
        self._archived.wait(size - 1, self._say)
        packer.add(layout.KEYS, _joined(self._archived.keys(size)))
        for partition, last in enumerate(self._votes):
            self._write_log(packer, layout.votes_log(partition), last, self._leaves)
            self._write_records(packer, partition, kind)
            self._say(f"partition {partition}: written up to offset {last:,}")
        if kind == PUBLIC:
            packer.add(layout.BALLOTS, self._rows(key or secrets.token_bytes(KEY_BYTES)))
        packer.add(layout.LEAVES, [json.dumps({
            "consultations": dict(sorted(self._leaves.items())),
            "suspensions": self._archived.suspensions()}, ensure_ascii=False, indent=1).encode()])
        body = write_manifest(manifest, packer.files)
        packer.add(layout.MANIFEST, [body])
        packer.add(layout.MANIFEST_NOTE, [self._signer.sign(note_text(manifest, body)).encode()])
        packer.close()
        return manifest

    def _last_signed(self) -> int:
        """Return the last offset of the catalogue that has a checkpoint; -1 without one."""
        notes = [*self._signed.log(layout.CATALOGUE_LOG).history()]
        return _checkpoint(notes[-1]).size - 1 if notes else -1

    def _hidden(self) -> set[str]:
        """List the proposals whose words nobody is shown; raise NotExported where the result does.
        """
        hidden = {entry["id"] for entry in self._signed.document["proposals"]
                  if (entry.get("retired") or {}).get("text_hidden")}
        if shown := self._archived.hidden_now() - hidden:
            raise NotExported(
                f"the signed result shows words that are hidden since ({', '.join(sorted(shown))}):"
                " the notary signs another one within ten minutes, export then.")
        return hidden

    def _shown(self) -> Iterator[Record]:
        """Yield the catalogue's records, without the words that are hidden.

        Raises NotExported where a retirement that names what holds them does not name them all.
        """
        hidden, known = self._hidden(), self._archived.known(self._catalogue)
        for offset, value in self._archived.catalogue(self._catalogue):
            shown = without_words(value, hidden)
            found = read(shown)
            if found is not None and not is_said(known, found.proposal, offset, shown or b""):
                raise NotExported(
                    f"the words of {found.proposal!r} were said again since they were hidden: run "
                    f"`scrutin retire {found.proposal} --hide-text --reason …` again, and export "
                    "the result that is signed then.")
            yield offset, shown

    def _write_records(self, packer: Packer, partition: int, kind: str) -> None:
        if kind == AUDITOR:
            packer.add(layout.votes(partition), _joined(self._archived.votes(partition)))
            packer.add(layout.decisions(partition), _joined(self._archived.decisions(partition)))
        else:
            packer.add(layout.votes(partition), _joined(self._archived.endings(partition)))

    def _write_log(self, packer: Packer, folder: str, last: int, leaves: Counter[str]) -> int:
        """Write the checkpoints and entries of a log up to the first checkpoint that covers it.

        Where witnesses countersign: the first that they have. Returns how many entries there are.
        """
        log = self._signed.log(folder)
        notes, size = _covering(log, last)
        if size <= last:
            raise NotExported(f"no checkpoint of {log.path} covers offset {last}: see that "
                              "`scrutin notary` runs and what it logs.")
        packer.add(f"{folder}/checkpoints", [note.encode() for note in notes])
        packer.add(f"{folder}/entries", _entries(log, size, last, leaves))
        return size

    def _rows(self, key: bytes) -> Iterator[bytes]:
        rules = self._signed.document["rules_version"]
        yield header(rules)
        zone = self._signed.document["consultation"]["time_zone"]
        for proposal, rows in self._archived.ballots(zone):
            yield write_rows(proposal, rows, key, rules)


def _covering(log: LogFolder, last: int) -> tuple[list[str], int]:
    """Return the checkpoints of a log up to the first that covers an offset, and its size."""
    witnessed = next((note for note in log.witnessed.history() if _checkpoint(note).size > last),
                     None)
    until = _checkpoint(witnessed).size if witnessed else last + 1
    notes, size = [], -1
    for note in log.history():
        if size >= until:
            break
        notes.append(note)
        size = _checkpoint(note).size
    if witnessed and notes and text_of(notes[-1]) == text_of(witnessed):
        notes[-1] = witnessed
    return notes, size


def _checkpoint(note: str) -> Checkpoint:
    return parse_checkpoint(note.rpartition("\n\n")[0] + "\n")


def _entries(log: LogFolder, size: int, last: int, leaves: Counter[str]) -> Iterator[bytes]:
    """Yield the entry bundles of a log, and count the entries up to an offset by consultation."""
    for number in range(-(-size // WIDTH)):
        tile = Tile(ENTRIES, number, width_of(ENTRIES, number, size))
        data = log.read(tile)
        entries = read_bundle(data or b"")
        if data is None or entries is None or len(entries) != tile.width:
            raise NotExported(f"{log.path / tile.path} is missing or damaged: restore it from a "
                              "copy; `scrutin audit log` checks the whole folder.")
        for entry in entries[:max(0, last + 1 - number * WIDTH)]:
            read = parse_entry(entry)
            leaves[read.consultation if read else ""] += 1
        yield data


def _joined(records: Iterable[Record]) -> Iterator[bytes]:
    """Write records, many in one piece."""
    held = []
    for record in records:
        held.append(write_record(*record))
        if len(held) == PIECE_RECORDS:
            yield b"".join(held)
            held = []
    yield b"".join(held)
