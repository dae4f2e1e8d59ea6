"""Notes: what a browser is told of its own act, so that the booth's pages can believe it. Pure.

Theory of operation: the booth's script votes through `/v1`, where no paper goes along, and shows
the booth's pages what it did afterwards. They believe what the gateway signed: each answer to a
browser bears a note of what was recorded, for this voter alone. It says nothing that the receipt
beside it does not; but a receipt's signature is for others, and is dear to check.
"""

import base64
import binascii
from typing import NamedTuple

from pydantic_core import from_json, to_json

from producers.gateway.identity import IDENTIFIER_BYTES, Key


NOTE_CHARACTERS = 640
"""Longest note: that of a proposal whose identifier is 63 bytes that JSON writes with six each."""


class Note(NamedTuple):
    """An act that was recorded, and where."""

    kind: str
    """Name of the event, as in the schemas."""
    proposal: str
    word: str
    """The choice or qualification; empty for a withdrawn vote."""
    trusted: bool
    partition: int
    offset: int


def written(key: Key, voter: bytes, note: Note) -> str:
    """Sign a note for a voter."""
    content = to_json(note)
    raw = key.code(b"noted", voter, content) + content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(key: Key, voter: bytes, text: str) -> Note | None:
    """Read a note; None where we did not sign it for this voter."""
    if len(text) > NOTE_CHARACTERS:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    code, content = raw[:IDENTIFIER_BYTES], raw[IDENTIFIER_BYTES:]
    return Note(*from_json(content)) if key.signed(code, b"noted", voter, content) else None
