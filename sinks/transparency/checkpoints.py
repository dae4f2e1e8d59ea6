"""Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is. Pure."""

import re
from typing import NamedTuple

from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.notes import DASH, Refused, Verifier, from_base64, open_note, to_base64


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
    """Read a checkpoint that must be of the log of this name and key; raise Refused."""
    found = parse_checkpoint(open_note(note, [verifier]))
    if found.origin != verifier.name:
        raise Refused(f"the checkpoint is of the log {found.origin}, not of {verifier.name}")
    return found


def split_checkpoints(text: str) -> list[str]:
    """Cut the list of a log's checkpoints, as we write it, into notes; raise Refused.

    A note is its lines, an empty one, and its signatures; the next begins behind the last of them.
    """
    notes, rest = whole_checkpoints(text)
    if rest:
        raise Refused("the list of checkpoints is cut short")
    return notes


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
