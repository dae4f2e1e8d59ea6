"""The service's public keys, as the catalogue names them: who signed cannot be denied. Pure.

Theory of operation: the catalogue names each key in use, and says when one is retired; nothing
takes a name back. Written as a list, a line an event with its offset, the list only grows: that of
any prefix of the catalogue is the lines with smaller offsets. Each checkpoint commits to the list
of a prefix by size and hash, so whoever holds a checkpoint and any later list can tell that the
service has named a key, and when.
"""

import base64
import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple


EVENT = "PublicKeyNamed"
KINDS = ("receipt", "log")
"""What keys sign."""
IN_USE, RETIRED = "in_use", "retired"
HEAD = "scrutin keys v1\n"
KEY_ID_BYTES = 8
"""Of the hash of a public key, by which receipts and controls name it: keys are few, and nobody
chooses ours."""
LIST_BYTES_MAX = 4 << 20
"""No list of ours comes near it: 1,024 logs and eight keys of each take two million bytes."""

_LINE = re.compile(
    r"(0|[1-9]\d{0,18}) (receipt|log) (in_use|retired) ([0-9a-f]{16}) ([A-Za-z0-9+/]{43}=) "
    r"(\".*\")", re.ASCII)


def key_id(public: bytes) -> str:
    """Name a key by its hash."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES].hex()


class NamedKey(NamedTuple):
    """A key and how it stands."""

    kind: str
    name: str
    """Of a log's key the log's name; empty of a receipt's."""
    public: bytes
    state: str


class KeyList:
    """All keys named so far; fold events with `apply`, in the order of the log."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, bytes], NamedKey] = {}
        self._lines: list[str] = []
        self._offsets: list[int] = []
        self._first: dict[tuple[str, str, bytes], int] = {}
        self._hash = hashlib.sha256(HEAD.encode())
        self._digests = [self._hash.digest()]
        """Of the list before its first line, and after each: checkpoints ask for them often."""

    def __len__(self) -> int:
        return len(self._lines)

    def apply(self, fields: Mapping[str, Any], offset: int = 0) -> None:
        """Fold one PublicKeyNamed; nothing calls a retired key back."""
        key = NamedKey(fields["kind"], fields["name"], fields["public"], fields["state"])
        known = self._keys.get(key[:3])
        if known is not None and known.state in (RETIRED, key.state):
            return
        self._keys[key[:3]] = key
        self._first.setdefault(key[:3], offset)
        self._offsets.append(offset)
        self._lines.append(_line(offset, key))
        self._hash.update(self._lines[-1].encode())
        self._digests.append(self._hash.digest())

    def of(self, kind: str) -> list[NamedKey]:
        """Return the keys of a kind, in the order they were named."""
        return [key for key in self._keys.values() if key.kind == kind]

    def find(self, kind: str, public: bytes, name: str = "") -> NamedKey | None:
        """Return a key as it stands; None where it was never named."""
        return self._keys.get((kind, name, public))

    def named_at(self, kind: str, public: bytes, name: str = "") -> int | None:
        """Return the offset of the record that names a key first, for this use; None where none."""
        return self._first.get((kind, name, public))

    def text(self, size: int | None = None) -> str:
        """Write the list of the first `size` records of the catalogue, or of all."""
        return HEAD + "".join(self._lines[:self._number(size)])

    def digest(self, size: int | None = None) -> bytes:
        """Return the hash that a checkpoint commits to the list by."""
        return self._digests[self._number(size)]

    def _number(self, size: int | None) -> int:
        """Say how many lines are of the first `size` records."""
        return len(self._lines) if size is None else bisect_left(self._offsets, size)


def _line(offset: int, key: NamedKey) -> str:
    public = base64.b64encode(key.public).decode()
    return (f"{offset} {key.kind} {key.state} {key_id(key.public)} {public} "
            f"{json.dumps(key.name)}\n")


def parse_keys(text: str) -> KeyList:
    """Read a list; raise ValueError where it is none that we would write."""
    if len(text) > LIST_BYTES_MAX:
        raise ValueError(f"a list of keys has at most {LIST_BYTES_MAX:,} characters")
    found, before = KeyList(), -1
    for line in text.removeprefix(HEAD).splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a line of a list of keys: {line[:80]!r}")
        offset, kind, state, _, public, name = match.groups()
        # In their order, or a line behind others could pass for one of a shorter list.
        if int(offset) <= before:
            raise ValueError(f"the lines of a list of keys do not stand in their order: {offset}")
        before = int(offset)
        found.apply({
            "kind": kind, "state": state, "public": base64.b64decode(public),
            "name": json.loads(name)}, int(offset))
    if found.text() != text:
        raise ValueError("not a list of keys as the service writes it")
    return found
