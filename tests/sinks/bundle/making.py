"""Bundles of a random consultation: archived, logged, signed and exported as in production."""

import io
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec, named_keys
from schemas.named_keys import KeyList
from schemas.topics import Topics
from sinks.bundle import layout
from sinks.bundle.archived import ArchivedConsultation
from sinks.bundle.export import Export, Say, signed_result
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.bundle.verify import Verified, verify
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment
from sinks.transparency.notes import Signer
from sinks.transparency.policy import POLICY, place_of, write_policy
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from sinks.transparency.results_notes import results_text
from tests.sinks.ballots import CONSULTATION, Box, Log
from tests.sinks.bundle.parts import Files, contents, packed
from tests.sinks.published import Archived, archived, catalogue_log
from tests.sinks.transparency.keeping import entries_of


KEY = bytes(range(32))
Corrections = Sequence[tuple[str, dict[str, Any]] | bytes]
"""What the catalogue says of words beside what it says of every box."""


def signer_of(topics: Topics, topic: str, partition: int) -> Signer:
    """Make the key of a log, always the same."""
    name = f"example.org/log/{place_of(topics, topic, partition)}"
    if topic == topics.catalogue:
        return Signer(name, catalogue_key())
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([partition + 1] * 32)))


def catalogue_key() -> Ed25519PrivateKey:
    """Make the key of every catalogue's log."""
    return Ed25519PrivateKey.from_private_bytes(bytes([255] * 32))


@dataclass
class Made:
    """A consultation's two bundles, and the keys of a dishonest operator."""

    topics: Topics
    auditor: bytes = field(repr=False)
    public: bytes = field(repr=False)

    @property
    def signer(self) -> Signer:
        """The key of results and bundles."""
        return signer_of(self.topics, self.topics.catalogue, 0)

    @property
    def policy(self) -> str:
        """The public keys, as somebody kept them."""
        return contents(self.public)[layout.POLICY].decode()

    def bundle(self, kind: str) -> bytes:
        """Return the bundle of a kind."""
        return self.auditor if kind == AUDITOR else self.public


def prepared(
    url: str, prefix: str, box: Box, data: Path, corrections: Corrections = ()
) -> Archived:
    """Archive a box; log it, sign its result and leave the keys, as the notary does."""
    state = box.randomness.getstate()
    found = archived(url, prefix, box, corrections=corrections)
    box.randomness.setstate(state)
    logs: dict[tuple[str, int], Log] = {
        **{(found.topics.votes, number): log for number, log in enumerate(box.logs)},
        (found.topics.catalogue, 0): catalogue_log(box, corrections)}
    folder = data / "transparency"
    keys = key_list(logs[found.topics.catalogue, 0])
    for place, log in logs.items():
        keep(folder / place_of(found.topics, *place), signer_of(found.topics, *place), log,
             keys=keys, catalogue=place[0] == found.topics.catalogue)
    (folder / prefix / POLICY).write_text(write_policy(
        signer_of(found.topics, *place).verifier for place in logs))
    signer = signer_of(found.topics, found.topics.catalogue, 0)
    body = json.dumps(found.document, ensure_ascii=False).encode()
    ResultsFolder(folder / prefix / RESULTS).publish(
        CONSULTATION, signer.sign(results_text(body)), body)
    return found


def exported_of(
    found: Archived, data: Path, kind: str, key: bytes | None, say: Say | None = None
) -> bytes:
    """Export a bundle."""
    signer = signer_of(found.topics, found.topics.catalogue, 0)
    signed = signed_result(data / "transparency", found.topics, CONSULTATION, signer)
    source = ArchivedConsultation(
        found.client, found.topics, CONSULTATION, found.document["as_of"]["votes"])
    into = io.BytesIO()
    Export(signed, source, found.topics, signer, say or quiet).write(into, kind, key)
    return into.getvalue()


def made(
    url: str, prefix: str, box: Box, data: Path, corrections: Corrections = ()
) -> Made:
    """Export both bundles of a box."""
    found = prepared(url, prefix, box, data, corrections)
    return Made(found.topics, *(exported_of(found, data, kind, KEY) for kind in (AUDITOR, PUBLIC)))


def key_list(catalogue: Log) -> KeyList:
    """Fold the keys that a catalogue names."""
    found = KeyList()
    for offset, value in enumerate(catalogue):
        event, fields = codec.decode(value)
        if event == named_keys.EVENT:
            found.apply(fields, offset)
    return found


def keep(path: Path, signer: Signer, log: Log, *, keys: KeyList, catalogue: bool) -> None:
    """Log records with a checkpoint halfway and one at the end.

    Each commits to keys: in the catalogue's log to those named up to there, else to two more at
    each checkpoint, from the sixth record of the catalogue on.
    """
    read = itertools.count(6, 2)
    keeper = Keeper(LogFolder(path), signer, lambda: (
        commitment(keys, keeper.size if catalogue else next(read)),))
    keeper.open()
    entries = entries_of(log)
    for part in (entries[:len(entries) // 2], entries[len(entries) // 2:]):
        keeper.append(part)
        keeper.sign()


def quiet(_progress: str) -> None:
    pass


def verified(bundle: bytes, **given: Any) -> Verified:
    """Verify a bundle."""
    return verify(io.BytesIO(bundle), say=quiet, **given)


def published(by: Made, files: Files, change: Callable[[Any], None]) -> Files:
    """Publish another document and sign it, as only the operator can."""
    document = json.loads(files[layout.RESULTS])
    change(document)
    body = json.dumps(document, ensure_ascii=False).encode()
    note = by.signer.sign(results_text(body)).encode()
    return {**files, layout.RESULTS: body, layout.RESULTS_NOTE: note}


def audited(by: Made, files: Files) -> Verified:
    """Verify what the operator hands out: put together and signed by their own key."""
    return verified(packed(files, by.signer))


def said(found: Verified) -> str:
    """Return what the auditor reads."""
    assert found.fault is not None
    assert found.claims == []
    return str(found.fault)
