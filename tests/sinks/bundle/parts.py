"""Take bundles apart and put them together, as somebody does who changes them.

What it imports was in release 0.1.0 too: `tests/releases/damages.py` runs it under that release.
"""

import io
from collections.abc import Mapping

from sinks.bundle import layout
from sinks.bundle.layout import Record, read_records, write_record
from sinks.bundle.manifest import note_text, read_manifest, write_manifest
from sinks.bundle.packing import Bundle, Packer
from sinks.transparency.notes import Signer


Files = dict[str, bytes]


def contents(bundle: bytes) -> Files:
    """Take a bundle apart."""
    opened = Bundle(io.BytesIO(bundle))
    return {name: opened.read(name) for name in opened.files}


def packed(files: Mapping[str, bytes], signer: Signer | None = None) -> bytes:
    """Put a bundle together; with a key its manifest is made and signed anew."""
    into, files = io.BytesIO(), dict(files)
    packer = Packer(into)
    manifest = read_manifest(files[layout.MANIFEST])[0]
    if signer:
        files.pop(layout.MANIFEST)
        files.pop(layout.MANIFEST_NOTE)
    for name, body in files.items():
        packer.add(name, [body])
    if signer:
        body = write_manifest(manifest, packer.files)
        packer.add(layout.MANIFEST, [body])
        packer.add(layout.MANIFEST_NOTE, [signer.sign(note_text(manifest, body)).encode()])
    packer.close()
    return into.getvalue()


def records(files: Mapping[str, bytes], name: str) -> list[Record]:
    """Read the records of a file."""
    return list(read_records(name, [files[name]]))


def joined(held: list[Record]) -> bytes:
    """Write records."""
    return b"".join(write_record(*record) for record in held)
