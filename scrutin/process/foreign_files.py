"""Files that a command is given and somebody else may have written: none is read without end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from schemas.named_keys import LIST_BYTES_MAX, KeyList, parse_keys
from sinks.transparency.checkpoints import parse_checkpoint
from sinks.transparency.notes import Refused, Verifier, text_of
from sinks.transparency.policy import parse_policy, parse_witnesses
from sinks.transparency.quorum import Quorum


KEY_FILE_BYTES_MAX = 1 << 20
"""A policy, a list of keys, a note or a checkpoint: as large as a note may be."""
RECEIPT_BYTES_MAX = 6 << 20
"""A receipt with its proof is below 10 KB, and the list of all keys, which it may have with it, has
4 MiB at most. JSON of so many bytes takes 150 MB, whatever it is."""
DOCUMENT_BYTES_MAX = 32 << 20
"""A results document, as large as one in a bundle."""


class NotOfItsKind(Exception):
    """A file that a command was given cannot be what it should be; the message names it."""


class TooLong(NotOfItsKind):
    """A file is longer than any of its kind."""


def read_foreign(place: Path | BinaryIO, bytes_max: int) -> bytes:
    """Read a file; raise TooLong before more than the bound is taken into memory."""
    if isinstance(place, Path):
        with place.open("rb") as file:
            found = file.read(bytes_max + 1)
    else:
        found = place.read(bytes_max + 1)
    if len(found) > bytes_max:
        name = place if isinstance(place, Path) else "what came on stdin"
        raise TooLong(f"{name} has more than {bytes_max:,} bytes: no file of its kind is so long")
    return found


def read_foreign_text(path: Path, bytes_max: int = KEY_FILE_BYTES_MAX) -> str:
    """Read a file of text; raise TooLong, or UnicodeDecodeError."""
    return read_foreign(path, bytes_max).decode()


def read_policy(path: Path) -> dict[str, Verifier]:
    """Read the public keys of logs that a command was given; raise NotOfItsKind."""
    return parse_policy(read_policy_text(path))


def read_policy_text(path: Path) -> str:
    """Read a policy that a command was given, once (it may be a pipe); raise NotOfItsKind."""
    with _of_its_kind(path, "policy", "/log/PREFIX/policy"):
        text = read_foreign_text(path)
        parse_policy(text)
    return text


def read_witnesses(path: Path) -> Quorum:
    """Read which witnesses a notary asks, and where; raise NotOfItsKind."""
    text = read_foreign_text(path)
    try:
        quorum = parse_witnesses(text)
    except Refused as error:
        raise NotOfItsKind(f"{path}: {error}") from error
    if quorum is None:
        raise NotOfItsKind(f"{path}: it asks for no witness (quorum none); leave the setting out")
    if lacking := [each.label for each in quorum.witnesses if not _is_address(each.url)]:
        raise NotOfItsKind(f"{path}: no address of http or https, without user, password, ? and #, "
                           f"stands behind the key of {', '.join(lacking)}")
    return quorum


def _is_address(url: str) -> bool:
    """Whether an address can be asked, and published: a password in it everybody could read."""
    try:
        parts = urlsplit(url)
        return (parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
                and not {*"@?#"} & {*url})
    except ValueError:
        return False


def read_checkpoint_text(path: Path) -> str:
    """Read a checkpoint that a command was given, signatures unseen; raise NotOfItsKind."""
    with _of_its_kind(path, "checkpoint", "/log/LOG/checkpoint"):
        text = read_foreign_text(path)
        parse_checkpoint(text_of(text))
    return text


def read_keys(path: Path) -> KeyList:
    """Read a list of public keys that a command was given; raise NotOfItsKind."""
    with _of_its_kind(path, "list of keys", "/log/PREFIX/keys"):
        return parse_keys(read_foreign_text(path, LIST_BYTES_MAX))


@contextlib.contextmanager
def _of_its_kind(path: Path, kind: str, address: str) -> Iterator[None]:
    """Name the file that is none of its kind, and where one is had.

    Who names a wrong file has found no forgery: this is never what `Refused` says of a log.
    """
    try:
        yield
    except (Refused, ValueError) as error:
        raise NotOfItsKind(f"{path} is no {kind} that this version reads: {error}. Give the saved "
                           f"answer of {address}") from error
