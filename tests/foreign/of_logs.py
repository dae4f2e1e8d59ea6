"""Readers of what logs and bundles are made of: notes, proofs, tiles, records, events."""

import io
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec, named_keys
from schemas.codec import Undecodable
from schemas.hot import decoder
from schemas.registry import UnknownSchema
from sinks.bundle import ballots, layout
from sinks.bundle.faults import BundleFault
from sinks.bundle.manifest import Manifest, read_manifest, write_manifest
from sinks.bundle.packing import Bundle, Packer
from sinks.bundle.verify import verify
from sinks.transparency import tiles
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint, split_checkpoints
from sinks.transparency.entries import entry_of, parse_entry
from sinks.transparency.hashing import leaf_hash
from sinks.transparency.notes import Refused, Signer, open_note, parse_verifier
from sinks.transparency.policy import parse_policy, write_policy
from sinks.transparency.proofs import included, is_consistent
from sinks.transparency.results_notes import require_signed, results_text
from sinks.transparency.tlog_proof import TlogProof, parse_proof
from sinks.transparency.tlog_proof import verify as verify_proof
from tests.foreign.readers import Reader
from tests.sinks.transparency.receipts import vote
from tests.sinks.transparency.trees import Grown


SIGNER = Signer("example.org/log/scrutin/votes/0", Ed25519PrivateKey.from_private_bytes(bytes(32)))
LOGS = {SIGNER.verifier.name: SIGNER.verifier}
ENTRY = entry_of("town", b"a record")
GROWN = Grown([leaf_hash(each) for each in (b"0", ENTRY, b"2")])
CHECKPOINT = Checkpoint(SIGNER.verifier.name, 3, GROWN.tree.root())
PROOF = TlogProof(1, GROWN.prover().inclusion(1), SIGNER.sign(CHECKPOINT.text()))
RESULTS = json.dumps({
    "consultation": {"id": "town"}, "as_of": {"votes": [3], "catalogue": 1}, "final": True,
    "rules_version": 1, "scores_version": "make-org/2022"}).encode()


def _text(raw: bytes) -> str:
    """Read bytes as a file of text is; the page or command does so before the reader sees them."""
    return raw.decode(errors="replace")


def _proof(raw: bytes) -> Any:
    return verify_proof(
        parse_proof(_text(raw)), index=1, entry=ENTRY, logs=LOGS, origin=SIGNER.verifier.name)


def _path(raw: bytes) -> Any:
    """Climb by a path of hashes, to sizes of any kind."""
    index, size = int.from_bytes(raw[:9], "big"), int.from_bytes(raw[9:18], "big")
    path = tiles.split_hashes(raw[18:])
    return included(bytes(32), index, size, path), is_consistent(
        index, bytes(32), size, bytes(32), path)


def _results(raw: bytes) -> None:
    note, _, body = raw.partition(b"\0")
    require_signed(_text(note), body, SIGNER.verifier)


def _manifest() -> bytes:
    return write_manifest(Manifest("public", "town", "scrutin", 1, (3,), 1), [])


def _packed() -> bytes:
    file = io.BytesIO()
    packer = Packer(file)
    for name, body in ((layout.MANIFEST, _manifest()), (layout.POLICY, b"quorum none\n")):
        packer.add(name, [body])
    packer.close()
    return file.getvalue()


def _verified(raw: bytes) -> Any:
    return verify(io.BytesIO(raw), say=lambda _said: None)


def _pieces(raw: bytes) -> list[bytes]:
    return [raw[at:at + 100] for at in range(0, len(raw), 100)]


READERS = (
    Reader("notes", lambda raw: open_note(_text(raw), [SIGNER.verifier]), (Refused,), (
        SIGNER.sign("a text\n").encode(),)),
    Reader("note_keys", lambda raw: parse_verifier(_text(raw)), (Refused,), (
        SIGNER.verifier.vkey.encode(),)),
    Reader("checkpoints", lambda raw: parse_checkpoint(_text(raw)), (Refused,), (
        CHECKPOINT.text().encode(),)),
    Reader("lists_of_checkpoints", lambda raw: split_checkpoints(_text(raw)), (Refused,), (
        2 * SIGNER.sign(CHECKPOINT.text()).encode(),)),
    Reader("policies", lambda raw: parse_policy(_text(raw)), (Refused,), (
        write_policy([SIGNER.verifier]).encode(),)),
    Reader("tlog_proofs", _proof, (Refused,), (PROOF.text().encode(),)),
    Reader("inclusion_paths", _path, (), (
        (1).to_bytes(9, "big") + (3).to_bytes(9, "big") + bytes(64),)),
    Reader("results_notes", _results, (Refused,), (
        SIGNER.sign(results_text(RESULTS)).encode() + b"\0" + RESULTS,)),
    Reader("results", results_text, (Refused,), (RESULTS,)),
    Reader("tile_addresses", lambda raw: tiles.parse(_text(raw)), (), (
        b"tile/0/x001/234.p/5", b"tile/entries/000")),
    Reader("tiles", lambda raw: (tiles.split_hashes(raw), tiles.read_bundle(raw)), (), (
        tiles.write_bundle([ENTRY, ENTRY]),)),
    Reader("entries", parse_entry, (), (ENTRY,)),
    Reader("events", codec.decode, (Undecodable, UnknownSchema), (vote(1),)),
    Reader("hot_events", decoder("VoteCast"), (Undecodable,), (vote(1),)),
    Reader("keys", lambda raw: named_keys.parse_keys(_text(raw)), (ValueError,), (
        named_keys.KeyList().text().encode(),)),
    Reader("bundles", lambda raw: Bundle(io.BytesIO(raw)), (BundleFault,), (_packed(),)),
    Reader("verified_bundles", _verified, (), (_packed(),)),
    Reader("manifests", read_manifest, (BundleFault,), (_manifest(),)),
    Reader("records", lambda raw: list(layout.read_records("r", _pieces(raw))), (BundleFault,), (
        layout.write_record(0, vote(1)) + layout.write_record(1, None),)),
    Reader("bundled_entries", lambda raw: list(layout.read_entries("e", _pieces(raw))),
           (BundleFault,), (tiles.write_bundle([ENTRY] * 300), tiles.write_bundle([ENTRY, b"a"]))),
    Reader("rows", lambda raw: ballots.sum_rows("b", _pieces(raw)), (BundleFault,), (
        ballots.header(),)),
)
