"""The list of everything in a bundle, with hashes, and the note that signs it. Pure.

The key is that of the catalogue's log: who signed the trees and the results answers for the
bundle too. Its first line keeps the note from being taken for a checkpoint or a result.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sinks.bundle import layout
from sinks.bundle.bounded_json import read_json
from sinks.bundle.faults import BundleFault, Lacking, Unreadable, lowest, told
from sinks.bundle.layout import (
    AUDITOR,
    FORMATS,
    HELD_BYTES_MAX,
    MANIFEST,
    MANIFEST_NOTE,
    POLICY,
    PUBLIC,
    VERSION,
)
from sinks.bundle.packing import Bundle, Packed
from sinks.transparency.notes import Refused, Verifier, open_note, to_base64
from sinks.transparency.policy import parse_policy


HEAD = "scrutin bundle v1"
_FORMAT_OF = {version: name for name, version in FORMATS.items()}
PARTITIONS_MAX = 1_024
"""As many as the settings allow."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle is of."""

    kind: str
    consultation: str
    topic_prefix: str
    partitions: int
    votes: tuple[int, ...]
    """Last votes offset counted, by partition."""
    catalogue: int
    version: int = VERSION
    """Of the format."""


def write_manifest(manifest: Manifest, files: Iterable[Packed]) -> bytes:
    """Write the list of files."""
    return json.dumps({
        "format": _FORMAT_OF[manifest.version], "kind": manifest.kind,
        "consultation": manifest.consultation,
        "topic_prefix": manifest.topic_prefix, "partitions": manifest.partitions,
        "as_of": {"votes": manifest.votes, "catalogue": manifest.catalogue},
        "files": {one.name: {"bytes": one.size, "sha256": one.sha256} for one in files},
    }, ensure_ascii=False, indent=1).encode() + b"\n"


def note_text(manifest: Manifest, body: bytes) -> str:
    """Write what is signed of a manifest."""
    return "".join(f"{line}\n" for line in (
        HEAD, f"kind {manifest.kind}", f"consultation {json.dumps(manifest.consultation)}",
        _hash_line(body)))


def read_manifest(body: bytes) -> tuple[Manifest, dict[str, dict[str, Any]]]:
    """Read a manifest and its files; raise Unreadable."""
    try:
        found = read_json(MANIFEST, body, HELD_BYTES_MAX[MANIFEST])
        if found["format"] not in FORMATS:
            raise Unreadable(MANIFEST, f"its format is {told(found['format'])}, this version "
                             f"reads {' and '.join(map(repr, FORMATS))}")
        manifest = Manifest(
            found["kind"], found["consultation"], found["topic_prefix"], found["partitions"],
            tuple(found["as_of"]["votes"]), found["as_of"]["catalogue"],
            FORMATS[found["format"]])
        files: dict[str, dict[str, Any]] = {
            name: {"bytes": one["bytes"], "sha256": one["sha256"]}
            for name, one in found["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(MANIFEST, f"not a manifest: {type(error).__name__} {error}") from error
    if not _is_whole(manifest):
        raise Unreadable(MANIFEST, "kind, partitions or positions are none")
    return manifest, files


def _is_whole(manifest: Manifest) -> bool:
    return (manifest.kind in (PUBLIC, AUDITOR) and isinstance(manifest.consultation, str)
            and isinstance(manifest.partitions, int)
            and 0 < manifest.partitions <= PARTITIONS_MAX
            and len(manifest.votes) == manifest.partitions
            and all(isinstance(offset, int) and offset >= -1
                    for offset in (*manifest.votes, manifest.catalogue)))


def catalogue_verifier(logs: Mapping[str, Verifier]) -> Verifier:
    """Find the key that signs results and bundles; raise Refused."""
    found = [verifier for origin, verifier in logs.items() if origin.endswith("/catalogue/0")]
    if len(found) != 1:
        raise Refused(f"the policy names {len(found)} logs of a catalogue, it must name one")
    return found[0]


def require_whole(bundle: Bundle, policy: str | None) -> tuple[Manifest, dict[str, Verifier]]:
    """Hold every file against the signed manifest; return the keys too, by the name of each log.

    Raises a fault of the lowest layer: unreadable and missing before changed.
    """
    for name in (MANIFEST, MANIFEST_NOTE, POLICY):
        if name not in bundle.files:
            raise Lacking(name, "the bundle has no such file")
    body = bundle.read(MANIFEST)
    try:
        logs = parse_policy(policy if policy is not None else bundle.text(POLICY))
        signed = open_note(bundle.text(MANIFEST_NOTE), [catalogue_verifier(logs)])
    except (Refused, Unreadable) as error:
        raise BundleFault(MANIFEST_NOTE, str(error)) from error
    if signed.splitlines()[-1] != _hash_line(body):
        raise BundleFault(MANIFEST, "it is not the one that was signed")
    manifest, files = read_manifest(body)
    if signed != note_text(manifest, body):
        raise BundleFault(MANIFEST_NOTE, "it is the note of another bundle")
    faults = list(_compare(bundle, files))
    if not faults and bundle.damaged:
        faults.append(Unreadable(bundle.damaged[0], "the checksum beside it was changed"))
    if policy is not None and not faults:
        faults += _other_keys(bundle, logs)
    if faults:
        raise lowest(faults)
    return manifest, logs


def _other_keys(bundle: Bundle, logs: dict[str, Verifier]) -> Iterable[BundleFault]:
    """Compare the keys in the bundle with those that were given."""
    try:
        ours = parse_policy(bundle.text(POLICY))
        # A log's key may have been changed since: one that both name is enough.
        if ours.keys() != logs.keys() or any(
                not {*key.publics} & {*logs[origin].publics} for origin, key in ours.items()):
            yield BundleFault(POLICY, "its keys are not those you gave")
    except Refused as error:
        yield Unreadable(POLICY, str(error))


def require_layout(bundle: Bundle, manifest: Manifest) -> None:
    """Raise where the bundle has a file that none of its kind has, or lacks one that each has."""
    names = layout.names(manifest.kind, manifest.partitions, manifest.version)
    for name in bundle.files:
        if name not in names and not layout.is_schema(name):
            raise BundleFault(name, "no bundle has a file of this name")
    for name in sorted(names - bundle.files.keys()):
        raise Lacking(name, "the bundle has no such file")


def _hash_line(body: bytes) -> str:
    return f"sha256 {to_base64(hashlib.sha256(body).digest())}"


def _compare(bundle: Bundle, files: Mapping[str, Mapping[str, Any]]) -> Iterable[BundleFault]:
    """Compare the files with the manifest, in the order of the bundle."""
    for name in files:
        if name not in bundle.files:
            yield Lacking(name, "the bundle has no such file")
    for name, packed in bundle.files.items():
        if name in (MANIFEST, MANIFEST_NOTE):
            continue
        if name not in files:
            yield BundleFault(name, "the signed manifest does not name it")
        elif files[name] != {"bytes": packed.size, "sha256": packed.sha256}:
            yield BundleFault(name, "it is not the one that was signed: its hash differs")
    order = [name for name in bundle.files if name not in (MANIFEST, MANIFEST_NOTE)]
    if order != list(files):
        first = next((name for name, other in zip(order, files, strict=False) if name != other),
                     MANIFEST)
        yield BundleFault(first, "the signed manifest names another file at this place")
