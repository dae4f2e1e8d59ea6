"""Bundles that are made to take memory: one for each kind of file and each kind of bomb.

All are signed, each file by the key that must sign it: only the operator could make them, so
nothing is refused before the bomb is met.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from schemas import codec, hot
from sinks.ballots import consultation_of
from sinks.bundle import ballots, layout
from sinks.bundle.bounded_json import held_bytes_at_most
from sinks.bundle.keys import NAMED_KEYS_MAX
from sinks.bundle.layout import (
    AUDITOR,
    CONSULTATIONS_MAX,
    PROPOSALS_MAX,
    PUBLIC,
    RECORD_BYTES_MAX,
    read_entries,
    write_record,
)
from sinks.bundle.manifest import note_text, read_manifest, write_manifest
from sinks.bundle.packing import FILES_MAX, Packer
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint, split_checkpoints
from sinks.transparency.entries import entry_of
from sinks.transparency.hashing import leaf_hashes
from sinks.transparency.notes import NOTE_BYTES_MAX, Signer, text_of
from sinks.transparency.results_notes import hash_line, results_text
from sinks.transparency.tiles import WIDTH, write_bundle
from sinks.transparency.tree import Tree
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, ORIGIN
from tests.sinks.bundle.making import Made, signer_of
from tests.sinks.bundle.parts import contents


MEBIBYTE = 1 << 20
Pieces = Iterable[bytes]


@dataclass
class Changed:
    """What is put into an honest bundle: files, and positions where logs have others."""

    files: dict[str, Pieces] = field(default_factory=dict)
    votes: dict[int, int] = field(default_factory=dict)
    catalogue: int | None = None
    document: Callable[[Any], None] | None = None
    """Changes the results document before it is signed."""


@dataclass(frozen=True)
class Bomb:
    """A change, and how the command must end."""

    kind: str
    change: Callable[[Made], Changed]
    exit_code: int
    said: str
    memory_bytes: int | None = None
    """What is enough, where it would take long to need all that is promised."""


def written(made: Made, kind: str, changed: Changed, path: Path) -> Path:
    """Write a bundle with changes, signed anew wherever a signature is needed."""
    held = contents(made.bundle(kind))
    manifest = read_manifest(held[layout.MANIFEST])[0]
    votes = tuple(changed.votes.get(number, last) for number, last in enumerate(manifest.votes))
    manifest = replace(manifest, votes=votes, catalogue=(
        manifest.catalogue if changed.catalogue is None else changed.catalogue))
    document = json.loads(held[layout.RESULTS])
    document["as_of"] |= {"votes": votes, "ranking": votes, "catalogue": manifest.catalogue}
    if changed.document:
        changed.document(document)
    body = json.dumps(document, ensure_ascii=False).encode()
    files: dict[str, Pieces] = {
        **{name: [one] for name, one in held.items()}, layout.RESULTS: [body],
        layout.RESULTS_NOTE: [made.signer.sign(results_text(body)).encode()], **changed.files}
    ends = [(name, files.pop(name)) for name in (layout.MANIFEST, layout.MANIFEST_NOTE)]
    with path.open("w+b") as file:
        packer = Packer(file)
        for name, pieces in files.items():
            packer.add(name, pieces)
        listed = write_manifest(manifest, packer.files)
        signed = made.signer.sign(note_text(manifest, listed)).encode()
        for (name, pieces), own in zip(ends, (listed, signed), strict=True):
            packer.add(name, pieces if name in changed.files else [own])
        packer.close()
    return path


# Pieces of large files

def repeated(unit: bytes, size: int, begin: bytes = b"", end: bytes = b"") -> Iterator[bytes]:
    """Yield a file of about a size: one unit again and again between two ends."""
    piece = unit * max(1, MEBIBYTE // len(unit))
    yield begin
    yield from (piece for _ in range(size // len(piece)))
    yield unit * (size % len(piece) // len(unit)) + end


def logged(made: Made, folder: str, entries: Sequence[bytes]) -> dict[str, Pieces]:
    """Make the files of a log of these entries, under one signed checkpoint."""
    signer, tree = _signer(made, folder), Tree()
    for at in range(0, len(entries), WIDTH):
        for _ in tree.append(leaf_hashes(entries[at:at + WIDTH])):
            pass
    note = signer.sign(Checkpoint(signer.verifier.name, tree.size, tree.root()).text())
    return {
        f"{folder}/checkpoints": [note.encode()],
        f"{folder}/entries": (write_bundle(entries[at:at + WIDTH])
                              for at in range(0, len(entries), WIDTH))}


def _signer(made: Made, folder: str) -> Signer:
    _, topic, partition = folder.split("/")
    name = made.topics.catalogue if topic == "catalogue" else made.topics.votes
    return signer_of(made.topics, name, int(partition))


def recorded(values: Iterable[bytes | None]) -> Iterator[bytes]:
    """Write records from offset 0 on."""
    for offset, value in enumerate(values):
        yield write_record(offset, value)


def voting(made: Made, values: Sequence[bytes], decisions: Pieces) -> Changed:
    """Put votes into partition 0 of an auditor's bundle, with decisions of anybody's make."""
    entries = [entry_of(consultation_of(value), value) for value in values]
    return Changed({
        **logged(made, layout.votes_log(0), entries), layout.votes(0): recorded(values),
        layout.decisions(0): decisions}, votes={0: len(values) - 1})


def rules(made: Made) -> bytes:
    """Make the first record of partition 0."""
    return codec.encode(
        "RulesAdopted", event_id=bytes(16), ledger_version=1, partition=0,
        partitions=made.topics.partitions, salt=bytes(16), origin="operator", occurred_at=BEGAN_AT)


def vote(number: int, voter: bytes, proposal: str) -> bytes:
    """Make a vote."""
    return hot.encoder("VoteCast")(
        number.to_bytes(16, "big"), voter, bytes(16), 0, 0, ORIGIN, CONSULTATION, proposal,
        BEGAN_AT)


# The bombs

def results(body: Callable[[bytes], Pieces]) -> Callable[[Made], Changed]:
    """Make a document whose note signs its bytes: what it says is read only after that."""
    def change(made: Made) -> Changed:
        made_of = b"".join(body(contents(made.public)[layout.RESULTS]))
        held = json.loads(contents(made.public)[layout.RESULTS])
        signed = results_text(json.dumps(held).encode()).splitlines()[:-1]
        note = made.signer.sign("\n".join([*signed, hash_line(made_of)]) + "\n")
        return Changed({layout.RESULTS: [made_of], layout.RESULTS_NOTE: [note.encode()]})
    return change


def junk(unit: bytes, *, at: int = layout.HELD_BYTES_MAX[layout.RESULTS]) -> Callable[
        [Made], Changed]:
    """Put as many units into the document as it may hold."""
    def body(honest: bytes) -> Pieces:
        each = (held_bytes_at_most(unit * 4_096) - held_bytes_at_most(b"")) / 4_096
        count = int(0.98 * (at - 2 * held_bytes_at_most(honest)) / each)
        count = min(count, (layout.WHOLE_BYTES_MAX[layout.RESULTS] - len(honest) - 64) // len(unit))
        return [honest[:-1], b', "x": [', unit * count, b"0]}"]
    return results(body)


def named(path: Sequence[str], most: int) -> Callable[[Made], Changed]:
    """Put an object of many names somewhere into the document."""
    def change(made: Made) -> Changed:
        def fill(document: Any) -> None:
            for name in path[:-1]:
                document = document[name]
            document[path[-1]] = {f"{number:x}": number for number in range(most)}
        return Changed(document=fill)
    return change


def entries(made: Made) -> Changed:
    """List many more proposals than there are."""
    def fill(document: Any) -> None:
        document["proposals"] = [{"id": 1, "rank": 0}] * 300_000
    return Changed(document=fill)


def file_of(name: str, pieces: Callable[[], Pieces]) -> Callable[[Made], Changed]:
    """Put other bytes into a file."""
    return lambda _made: Changed({name: pieces()})


def many_names(made: Made, number: int = CONSULTATIONS_MAX + WIDTH) -> Changed:
    """Log the records of more consultations than are held."""
    listed = [entry_of(f"{each:063}", b"") for each in range(number)]
    return _only_logged(made, listed)


def _only_logged(made: Made, listed: Sequence[bytes]) -> Changed:
    """Put entries into a log whose records are not in the bundle."""
    return Changed({**logged(made, layout.votes_log(0), listed), layout.votes(0): [b""]},
                   votes={0: len(listed) - 1})


def long_names(made: Made) -> Changed:
    """Log consultations with names of 64 KB."""
    listed = [b"%065502d\0" % number + bytes(32) for number in range(3 * WIDTH)]
    return _only_logged(made, listed)


def checkpoints(made: Made, number: int = 8_000) -> Changed:
    """Sign one size again and again: each is checked, none is held."""
    name = f"{layout.CATALOGUE_LOG}/checkpoints"
    *before, last = split_checkpoints(contents(made.public)[name].decode())
    return Changed({name: ["".join(before).encode(), last.encode() * number]})


def large_checkpoints(made: Made) -> Changed:
    """Sign one size again and again in notes as large as any, of letters of four bytes."""
    name = f"{layout.CATALOGUE_LOG}/checkpoints"
    *before, last = split_checkpoints(contents(made.public)[name].decode())
    head = parse_checkpoint(text_of(last))
    large = made.signer.sign(head._replace(extensions=(
        *head.extensions, "\U0001f600" + "x" * (NOTE_BYTES_MAX - 1_024))).text()).encode()
    return Changed({name: chain(["".join(before).encode()], (large for _ in range(150)))})


def described(text: str, number: int, *, proposals: int) -> Callable[[Made], Changed]:
    """Describe proposals in the catalogue, some of them again and again."""
    def change(made: Made) -> Changed:
        values = [codec.encode(
            "ProposalAccepted", event_id=bytes(16), proposal=f"{count % proposals:063}",
            text={"fr": text}, author=None, consultation=CONSULTATION, origin="operator",
            occurred_at=BEGAN_AT) for count in range(number)]
        listed = [entry_of(CONSULTATION, value) for value in values]
        return Changed({**logged(made, layout.CATALOGUE_LOG, listed),
                        layout.CATALOGUE: recorded(values)}, catalogue=number - 1)
    return change


def named_keys(made: Made, number: int = NAMED_KEYS_MAX + 1) -> Changed:
    """Name keys without end in the catalogue."""
    held = contents(made.public)
    listed = list(chain.from_iterable(read_entries("", [held[f"{layout.CATALOGUE_LOG}/entries"]])))
    values = [codec.encode(
        "PublicKeyNamed", event_id=bytes(16), kind="receipt", name="",
        public=each.to_bytes(32, "big"), state="in_use", salt=bytes(16), origin="operator",
        occurred_at=BEGAN_AT)
        for each in range(number)]
    offsets = range(len(listed), len(listed) + len(values))
    return Changed({
        **logged(made, layout.CATALOGUE_LOG, [*listed, *(entry_of("", one) for one in values)]),
        layout.KEYS: (write_record(*record) for record in zip(offsets, values, strict=True))})


def large_records(made: Made) -> Changed:
    """Log records as large as any, which nobody can decode: as many as are compared at once."""
    large = RECORD_BYTES_MAX - 1
    values = [rules(made), *(b"\1" * large for _ in range(WIDTH - 2))]
    return voting(made, values, recorded([b"\0"] * len(values)))


def large_decisions(made: Made) -> Changed:
    """Record decisions as large as any, of small votes."""
    values = [rules(made), *(b"\1" for _ in range(200))]
    return voting(made, values, recorded(b"\0" * (RECORD_BYTES_MAX - 1) for _ in values))


def suspended(made: Made, small: int = 15_000) -> Changed:
    """Suspend a voter of 5,000 votes again and again: each record makes a decision of 400 KB.

    The more small records lie before, the more suspensions are let pass: 450 by themselves.
    """
    voter = bytes(16)
    values = [rules(made), *(vote(number, voter, f"{number:063}") for number in range(5_000)),
              *(b"\1" for _ in range(small))]
    values += [codec.encode(
        ("VoterSuspended", "VoterReinstated")[number % 2],
        event_id=(10**6 + number).to_bytes(16, "big"), voter=voter, consultation=CONSULTATION,
        reason="", salt=bytes(16), origin="operator", occurred_at=BEGAN_AT)
        for number in range(3_000)]
    return voting(made, values, recorded([b"\0"] * len(values)))


def proposals(made: Made) -> Changed:
    """Vote on more proposals than a document can list."""
    values = [rules(made), *(
        vote(number, bytes(4) + (number // 4_000).to_bytes(12, "big"), f"{number:063}")
        for number in range(PROPOSALS_MAX + 1))]
    return voting(made, values, recorded([b"\0"] * len(values)))


def rows(lines: Callable[[], Pieces]) -> Callable[[Made], Changed]:
    """Put other rows into the table."""
    return lambda _made: Changed({layout.BALLOTS: _headed(lines())})


def _headed(lines: Pieces) -> Iterator[bytes]:
    yield ballots.header()
    yield from lines


def of_proposals() -> Iterator[bytes]:
    """Yield one row for each of too many proposals."""
    numbers = b",1,1,agree,,," + b",".join([b"0"] * len(ballots.BECAME)) + b"\n"
    for number in range(PROPOSALS_MAX + 1):
        yield b"%08d,%032x,2022-03-22" % (number, number) + numbers


BOMBS = {
    # The container
    "files without end": Bomb(PUBLIC, lambda _made: Changed({
        f"{number:05}": [b""] for number in range(FILES_MAX)}), 5, "has more than 8,192 files"),
    "a name of 60 KB": Bomb(PUBLIC, lambda _made: Changed({"x" * 60_000: [b""]}), 5,
                            "no file of a bundle begins so"),
    # What is read before a key is known to be anybody's
    "a manifest of objects": Bomb(PUBLIC, file_of(layout.MANIFEST, lambda: [
        b'{"x": [' + b"{}," * (MEBIBYTE + 300_000) + b"0]}"]), 4, "manifest"),
    "notes of a mebibyte": Bomb(PUBLIC, file_of(layout.MANIFEST_NOTE, lambda: repeated(
        b"a\n", MEBIBYTE - 2)), 4, "manifest.note the note has no text"),
    # The documents
    "results of objects": Bomb(PUBLIC, results(lambda honest: [
        honest[:-1], b', "x": [', b"{}," * 8_000_000, b"0]}"]), 5, "once it is read"),
    "results of as many objects as are read": Bomb(
        PUBLIC, junk(b"{},"), 1, "results.json, x published ["),
    "results of lists": Bomb(PUBLIC, junk(b"[0],"), 1, "results.json, x published ["),
    "results of numbers": Bomb(PUBLIC, junk(b"1e5,"), 1, "results.json, x published ["),
    "results of texts": Bomb(PUBLIC, junk(b'"ab",'), 1, "results.json, x published ["),
    "results of one wide text": Bomb(PUBLIC, results(lambda honest: [
        honest[:-1], b', "x": "', "\U0001f600".encode(), b"a" * 30_000_000, b'"}']), 1,
        "results.json, x published '"),
    "results that nest": Bomb(PUBLIC, results(lambda honest: [
        honest[:-1], b', "x": ', b"[" * 1_000_000, b"]" * 1_000_000, b"}"]), 5, "RecursionError"),
    "results with outcomes without end": Bomb(
        PUBLIC, named(("totals", "decided"), 900_000), 1, "totals.decided"),
    "results with names without end": Bomb(
        PUBLIC, named(("consultation", "more"), 900_000), 1, "consultation.more"),
    "results with entries without end": Bomb(PUBLIC, entries, 1, "published 300,000 entries"),
    "leaves of lists": Bomb(PUBLIC, file_of(layout.LEAVES, lambda: [
        b'{"x": [' + b"[]," * 2_700_000 + b"0]}"]), 5, "leaves.json it may take more"),
    "leaves of more consultations than are held": Bomb(PUBLIC, file_of(layout.LEAVES, lambda: [
        json.dumps({"suspensions": 0, "consultations": {
            f"{number}": 1 for number in range(CONSULTATIONS_MAX + 1)}}).encode()]), 5,
        "leaves.json it names more than"),
    # The logs
    "checkpoints that are none": Bomb(PUBLIC, lambda _made: Changed({
        f"{log}/checkpoints": repeated(b"a\n", 16 * MEBIBYTE)
        for log in (layout.CATALOGUE_LOG, layout.votes_log(0))}), 4, "the list of checkpoints"),
    "a checkpoint without an end": Bomb(PUBLIC, file_of(
        f"{layout.CATALOGUE_LOG}/checkpoints", lambda: repeated(b"a", 64 * MEBIBYTE)), 4,
        "a line without an end"),
    "checkpoints of nothing": Bomb(PUBLIC, file_of(
        f"{layout.CATALOGUE_LOG}/checkpoints", lambda: repeated(b"\n", 16 * MEBIBYTE)), 4,
        "a note without a signature"),
    "checkpoints again and again": Bomb(PUBLIC, checkpoints, 0, "EQUAL: "),
    "checkpoints as large as any": Bomb(PUBLIC, large_checkpoints, 0, "EQUAL: "),
    "entries of nothing": Bomb(PUBLIC, lambda _made: Changed({
        f"{layout.votes_log(0)}/entries": repeated(b"\0\0", 2 * MEBIBYTE),
        layout.votes(0): [b""]}), 4, "the entries do not have the root"),
    "consultations without end": Bomb(PUBLIC, many_names, 5, "names more than"),
    "consultations with long names": Bomb(PUBLIC, long_names, 5, "longer than any of ours"),
    # The catalogue
    "more proposals than are listed": Bomb(PUBLIC, described(
        "x", PROPOSALS_MAX + 1, proposals=PROPOSALS_MAX + 1), 5, "more than 10,000 proposals"),
    "more words than are held": Bomb(PUBLIC, described(
        "\U0001f600" + "x" * 1_900, 9_000, proposals=9_000), 5, "the words of the consultation"),
    "words that are replaced": Bomb(PUBLIC, described(
        "\U0001f600" + "x" * 1_900, 9_000, proposals=4), 1, "published"),
    "keys without end": Bomb(PUBLIC, named_keys, 5, "more than 20,000 changes of keys"),
    # The records
    "records without a size": Bomb(AUDITOR, file_of(layout.votes(0), lambda: [
        struct.pack(">QI", 0, 0xFFFFFFFE), bytes(MEBIBYTE)]), 5, "no record begins at byte 0"),
    "records as large as any": Bomb(AUDITOR, large_records, 5, "records/decisions/0, offset 0"),
    "decisions as large as any": Bomb(AUDITOR, large_decisions, 5, "records/decisions/0, offset 0"),
    "suspensions again and again": Bomb(AUDITOR, suspended, 5, "take more steps",
                                        memory_bytes=220_000_000),
    "votes on more proposals than are listed": Bomb(AUDITOR, proposals, 5, "votes on more than"),
    # The table
    "a quote that never ends": Bomb(PUBLIC, rows(lambda: repeated(
        b'"\n",', 16 * MEBIBYTE)), 5, "a row has more than"),
    "a line that never ends": Bomb(PUBLIC, rows(lambda: repeated(b",", 16 * MEBIBYTE)), 5,
                                   "a line has no end"),
    "a line of a mebibyte": Bomb(PUBLIC, rows(lambda: [b"," * (MEBIBYTE // 2), b"\n"]), 5,
                                 "a line has more than"),
    "rows of too many proposals": Bomb(PUBLIC, rows(of_proposals), 5, "it names more than"),
    # What nobody reads
    "pages of 64 MiB": Bomb(PUBLIC, file_of("README.md", lambda: repeated(
        b"x", 64 * MEBIBYTE)), 0, "follow no advice in them unread: README.md"),
}
