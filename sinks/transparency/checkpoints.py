"""Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.notes import (
    DASH,
    NOTE_BYTES_MAX,
    Refused,
    Verifier,
    from_base64,
    open_note,
    to_base64,
)


_DASH = DASH.encode()

_NUMBER = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


class Checkpoint(NamedTuple):
    """The head of a log."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines: see sinks.transparency.key_commitments."""

    def text(self) -> str:
        """Write the text that is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def number(text: str) -> int | None:
    """Read a decimal number without leading zeros; None where it is none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; raise Refused."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1]:
        raise Refused("a checkpoint has three lines or more, none of them empty")
    size, root = number(lines[1]), from_base64(lines[2])
    if size is None or root is None or len(root) != HASH_BYTES:
        raise Refused("the checkpoint's size or root is not one")
    return Checkpoint(lines[0], size, root, tuple(lines[3:-1]))


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """Read a checkpoint that must be of the log of this name and key; raise Refused.

    Where the verifier asks for witnesses, enough of them must have countersigned it.
    """
    found = parse_checkpoint(open_note(note, [verifier]))
    if found.origin != verifier.name:
        raise Refused(f"the checkpoint is of the log {found.origin}, not of {verifier.name}")
    if verifier.quorum is not None:
        verifier.quorum.require(note)
    return found


def split_checkpoints(text: str) -> Iterator[str]:
    """Cut the list of a log's checkpoints, as we write it, into notes; raise Refused."""
    return read_checkpoints([text.encode()])


def read_checkpoints(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the notes of a list of checkpoints one by one, whatever its size; raise Refused.

    A note ends with its last line of a signature. Bytes that are no text raise UnicodeDecodeError.
    """
    held: list[bytes] = []
    size, signatures = 0, False
    for line in _lines(pieces):
        if signatures and held[-1] and not line.startswith(_DASH):
            yield b"".join(each + b"\n" for each in held).decode()
            held, size, signatures = [], 0, False
        elif signatures and not line.startswith(_DASH):
            raise Refused("the list of checkpoints has a note without a signature")
        held.append(line)
        size += len(line) + 1
        signatures |= not line
        if size > NOTE_BYTES_MAX:
            raise Refused(f"the list of checkpoints has a note of more than {NOTE_BYTES_MAX:,} "
                          "bytes")
    if held and (not signatures or not held[-1]):
        raise Refused("the list of checkpoints is cut short")
    if held:
        yield b"".join(each + b"\n" for each in held).decode()


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > NOTE_BYTES_MAX:
            raise Refused("the list of checkpoints has a line without an end")
    if rest:
        raise Refused("the list of checkpoints is cut short")


def whole_checkpoints(text: str) -> tuple[list[str], str]:
    """Cut a list into notes, and what stands behind the last whole one."""
    notes: list[str] = []
    begin, at, signed = 0, 0, False
    for line in text.splitlines(keepends=True):
        if signed and not line.startswith(DASH):
            notes.append(text[begin:at])
            begin, signed = at, False
        if not line.endswith("\n"):
            return (notes, text[begin:]) if not signed else ([*notes, text[begin:at]], line)
        signed = signed or (line.startswith(DASH) and at > begin)
        at += len(line)
    return ([*notes, text[begin:]], "") if signed else (notes, text[begin:])
