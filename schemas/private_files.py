"""Files that their owner alone may read: keys, in every room.

A file is made with mode 0600 from its first moment, in folders of mode 0700, and appears whole or
not at all; of two that are made at once the first stays. Where the folder's file system has no
links it is made in its place instead, and who reads it in the very moment is told to try again. One
that others could read is refused: whoever read it can sign as we do, and nobody would ever know.
What a platform mounts as a secret, of root, for one group and read-only, is the process's alone.
Here because every room may import this one.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple


FILE_MODE = 0o600
FOLDER_MODE = 0o700
OTHERS = 0o077
"""Bits by which a group or everybody may do anything with a file."""
OF_A_PLATFORM = 0o440
"""Mode of a secret that a platform mounts for the group of one process."""
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems say that have no second names of a file."""
KEY_BYTES = 32
"""Length of every key: what SHA-256 and Ed25519 take."""
_DRAFT_BYTES = 8
"""Of the random end of a draft's name: two makers of one key never write the same draft."""
KEYS_MAX = 8
"""Keys of one use at once: a forged cookie or proof costs as many hashes, a microsecond each."""


class KeyRefused(Exception):
    """A secret file is not used; the message says why and what to do."""


class Exposed(KeyRefused):
    """Others than its owner can read or replace a secret file; the message says what to do."""


class WrongSize(KeyRefused):
    """A key has another length than every key; the message says what to do."""


def read_private(path: Path, *, size: int = KEY_BYTES) -> bytes | None:
    """Read a secret file of a size; None where there is none.

    Raises Exposed where others may read it, WrongSize where it has another size, OSError.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        # Of the file that was opened: another one may take its name meanwhile.
        read_only = bool(os.fstatvfs(opened).f_flag & os.ST_RDONLY)
        require_private(path, os.fstat(opened), read_only=read_only)
        found = os.read(opened, size + 1)
    finally:
        os.close(opened)
    if len(found) != size:
        raise WrongSize(f"the key {path} has {'more' if len(found) > size else len(found)} bytes, "
                        f"not {size}: restore it from its copy, or try again if another process "
                        "is making it this moment")
    return found


def require_private(path: Path, found: os.stat_result, *, read_only: bool = False) -> None:
    """Raise Exposed where others than its owner can read a file, or the owner is somebody else.

    `read_only` says that it lies on a file system that nobody here can write to.
    """
    if not stat.S_ISREG(found.st_mode):
        raise Exposed(f"{path} is no plain file: put the key itself there.")
    if found.st_uid not in (os.geteuid(), 0):
        raise Exposed(
            f"{path} belongs to user {found.st_uid}, who can read it: chown it to user "
            f"{os.geteuid()}, as whom this runs.{_AFTER}")
    groups = {os.getegid(), *os.getgroups()}
    is_mounted = (read_only and found.st_uid == 0 and found.st_gid in groups
                  and stat.S_IMODE(found.st_mode) == OF_A_PLATFORM)
    if found.st_mode & OTHERS and not is_mounted:
        raise Exposed(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, so that others than its owner can "
            f"read or change it: chmod 600 it.{_AFTER}")


_AFTER = (" If others could read it, they may have signed with it: replace it (`scrutin keys`, "
          "docs/operate.md). Secrets that a platform mounts for a group (0440) are taken where the "
          "mount is read-only and they are root's, of a group of this process.")


class TooManyKeys(KeyRefused):
    """More keys of one use lie in a folder than are tried."""


class KeyFile(NamedTuple):
    """A key's file and the moment it begins to sign, in seconds since 1970."""

    since: int
    path: Path


def key_files(folder: Path, name: str, *, bounded: bool = True) -> list[KeyFile]:
    """Name the keys of one use, `name.key` and `name.SECONDS.key`, the newest first.

    Raises TooManyKeys, but for whoever looks for some to retire.
    """
    pattern = re.compile(rf"{re.escape(name)}(?:\.([1-9]\d{{0,11}}))?\.key", re.ASCII)
    listed = folder.iterdir() if folder.exists() else ()
    found = [KeyFile(int(match[1] or 0), path) for path in listed
             if (match := pattern.fullmatch(path.name))]
    if bounded and len(found) > KEYS_MAX:
        raise TooManyKeys(f"{folder} holds {len(found)} keys `{name}`, at most {KEYS_MAX} are "
                          "tried: retire old ones with `scrutin keys retire`.")
    return sorted(found, reverse=True)


def make_private(path: Path, data: bytes) -> bytes:
    """Make a secret file, or leave the one that somebody else has made; return what it holds."""
    make_private_folder(path.parent)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(_DRAFT_BYTES)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _appear(draft, path, data)
    finally:
        draft.unlink()
    sync_folder(path.parent)
    held = read_private(path, size=len(data))
    assert held is not None, "it was made, and nobody takes it away"
    return held


def _appear(draft: Path, path: Path, data: bytes) -> None:
    """Give a file its name, if nobody else has: by a link, or by making it where it shall lie."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(draft, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            opened = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())


def destroy(path: Path) -> None:
    """Delete a secret file, and the drafts of it that deaths in the middle of making it left."""
    draft = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{{2 * _DRAFT_BYTES}}}", re.ASCII)
    for found in list(path.parent.iterdir()):
        if draft.fullmatch(found.name):
            found.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, and those above it that are missing."""
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(mode=FOLDER_MODE, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the disk hold what became of the files of a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
