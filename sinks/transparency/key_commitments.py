"""A checkpoint commits to the service's public keys, in a line of its own. Pure.

Theory of operation: behind its root a checkpoint may have further lines (C2SP tlog-checkpoint).
Ours says how many records of the catalogue were read, and the hash of the list of keys that these
name. The list only grows, and the records lie in the catalogue's own log, so an auditor recomputes
the line; and a voter holds a receipt's key against any later list. The standard advises against
further lines because nobody can audit them: this one everybody can.
"""

from typing import NamedTuple

from schemas.named_keys import KeyList
from sinks.transparency.checkpoints import Checkpoint, number
from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.notes import Refused, from_base64, to_base64


WORD = "scrutin-keys"
"""Begins the line."""


class Committed(NamedTuple):
    """What a checkpoint says of keys."""

    size: int
    """Records of the catalogue whose keys the list has."""
    digest: bytes

    @property
    def line(self) -> str:
        """Write the line."""
        return f"{WORD} {self.size} {to_base64(self.digest)}"


def commitment(keys: KeyList, size: int) -> str:
    """Write the line that commits to the keys of the first records of the catalogue."""
    return Committed(size, keys.digest(size)).line


def committed(checkpoint: Checkpoint) -> Committed | None:
    """Read the line; None where there is none. Raise Refused where it is not as we write it."""
    lines = [line for line in checkpoint.extensions if line.partition(" ")[0] == WORD]
    if not lines:
        return None
    words = lines[0].split(" ")
    size = number(words[1]) if len(words) == 3 else None
    digest = from_base64(words[2]) if len(words) == 3 else None
    if len(lines) > 1 or size is None or digest is None or len(digest) != HASH_BYTES:
        raise Refused(f"{_said(checkpoint)} has a line `{WORD}` that cannot be read, or two")
    return Committed(size, digest)


def require_committed(checkpoint: Checkpoint, keys: KeyList) -> bool:
    """Whether a checkpoint commits to a list; raise Refused where it commits to another one."""
    found = committed(checkpoint)
    if found is not None and found.digest != keys.digest(found.size):
        raise Refused(f"{_said(checkpoint)} commits to other keys than those named in the first "
                      f"{found.size} records of the catalogue")
    return found is not None


def _said(checkpoint: Checkpoint) -> str:
    return f"the checkpoint of {checkpoint.origin} of size {checkpoint.size}"
