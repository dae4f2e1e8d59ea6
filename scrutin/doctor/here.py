"""What lies on this machine: settings, the data folder, its disk, keys, certificates."""

import datetime as dt
import os
import platform
import resource
import stat
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from deploy.machine.files import OTHERS
from schemas.private_files import KeyRefused, read_private
from scrutin import addresses
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.process.descriptors import FILES_MOST
from scrutin.process.foreign_files import NotOfItsKind, read_witnesses
from scrutin.process.surroundings import CERTIFICATES, certificate_end, disk_of
from scrutin.settings import Settings
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import Refused, text_of
from sinks.transparency.quorum import Quorum
from sinks.transparency.serving import ServedLogs


FREE_BYTES_LEAST = 1 << 30
FREE_SHARE_LEAST = 0.05
"""A disk with less room than both is full soon: tiles and snapshots grow with votes."""
KEYS_MOST = 10_000
"""So many key files are looked at: a deployment has some for each consultation."""
WITNESSED_SECONDS = 600.0
"""Logs that have grown for so long without cosignatures are said; the alert waits as long."""
ENDS_SOON_DAYS = 14.0
"""A certificate that ends sooner should have been replaced by now."""


def examined(settings: Settings) -> Iterator[Answer]:
    """Look at what lies here; nothing is changed."""
    yield _versions()
    yield _folder(settings.data_folder)
    yield _disk(settings.data_folder)
    yield _open_files()
    yield from _keys(settings)
    yield witnesses(settings)
    for name in CERTIFICATES:
        if path := getattr(settings, name):
            yield _certificate(path)


def _versions() -> Answer:
    return good("versions.scrutin", f"scrutin {metadata.version('scrutin')} on Python "
                f"{platform.python_version()}")


def _folder(folder: Path) -> Answer:
    about = "machine.data"
    try:
        found = folder.stat().st_mode
    except FileNotFoundError:
        return good(about, f"{folder} is not there yet: what needs it makes it")
    except OSError as error:
        return unknown(about, f"{folder} cannot be looked at: {error.strerror}",
                       "Run this as the user that scrutin runs as.")
    mode = stat.S_IMODE(found)
    if not stat.S_ISDIR(found):
        return bad(about, f"{folder} is no folder", "Set SCRUTIN_DATA_DIR to a folder.")
    if mode & OTHERS:
        return bad(about, f"{folder} can be opened by others than its owner (mode {mode:04o})",
                   f"chmod 700 {folder}; change keys that others may have read.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return bad(about, f"{folder} cannot be written by this user",
                   "Give it to the user that scrutin runs as (chown).")
    return good(about, f"{folder} is its owner's alone")


def _disk(folder: Path) -> Answer:
    about = "machine.disk"
    try:
        free, total = disk_of(folder)
    except OSError as error:
        return unknown(about, f"the disk of {folder} does not say its room: {error.strerror}",
                       "Look with df.")
    return room(about, f"the disk of {folder}", free, total)


def room(about: str, disk: str, free: int, total: int) -> Answer:
    """Judge how much room is left on a disk."""
    said = f"{disk} has {free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < FREE_BYTES_LEAST or free < FREE_SHARE_LEAST * total:
        return bad(about, said, "Free space, or move what lies there to a larger disk.")
    return good(about, said)


def _open_files() -> Answer:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    about = "machine.files"
    if hard not in (resource.RLIM_INFINITY, -1) and hard < FILES_MOST:
        return bad(about, f"a process may open {hard} files, views and gateway want {FILES_MOST}",
                   "Raise LimitNOFILE of the unit, or ulimit -n.")
    return good(about, "a process may open as many files as it has connections")


def _keys(settings: Settings) -> Iterator[Answer]:
    folders = {"keys.gateway": addresses.keys_folder(settings),
               "keys.control": addresses.control_keys_folder(settings)}
    for about, folder in folders.items():
        inner = folders["keys.control"] if about == "keys.gateway" else None
        yield _key_folder(about, folder, inner)


def _key_folder(about: str, folder: Path, apart: Path | None) -> Answer:
    """Try each key of a folder as whoever signs with it would; what it holds is forgotten."""
    try:
        found = [path for path in sorted(folder.rglob("*.key"))
                 if apart is None or apart not in path.parents][:KEYS_MOST]
        wrong = [said for path in found if (said := _refused(path))]
    except OSError as error:
        return unknown(about, f"{folder} cannot be looked at: {error.strerror}",
                       "Run this as the user that scrutin runs as.")
    if wrong:
        return bad(about, f"{len(wrong)} of {len(found)} keys in {folder} are refused; the first: "
                   f"{wrong[0]}", "Do what the sentence says; docs/operate.md, Changing keys.")
    return good(about, f"{len(found)} keys in {folder}, each its owner's alone" if found
                else f"no keys in {folder}: those that are needed are made at their first use")


def _refused(path: Path) -> str:
    try:
        read_private(path)
    except KeyRefused as error:
        return str(error)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def witnesses(settings: Settings) -> Answer:
    """Read who countersigns, and how far they have; nobody is asked."""
    about = "witnesses"
    if settings.witnesses is None:
        return good(about, "nobody is asked to countersign (SCRUTIN_WITNESSES is empty)")
    try:
        quorum = read_witnesses(settings.witnesses)
    except (NotOfItsKind, OSError, UnicodeDecodeError) as error:
        return bad(about, f"SCRUTIN_WITNESSES cannot be used: {error}",
                   "Correct the file; docs/operate.md, Witnesses, has one.")
    folder, topics = addresses.transparency_folder(settings), addresses.topics(settings)
    behind = [each for each in sorted(ServedLogs(folder, topics).places)
              if _lacks_witnesses(LogFolder(folder / each), quorum)]
    if behind:
        return bad(about, f"{len(behind)} logs have not had {quorum.said()} for more than "
                   f"{WITNESSED_SECONDS / 60:.0f} minutes; the first: {behind[0]}",
                   "The notary's log says what each witness answers.")
    return good(about, f"{quorum.said()} countersign the logs in {folder}")


def _lacks_witnesses(log: LogFolder, quorum: Quorum) -> bool:
    """Whether a log has grown for a while behind the last checkpoint with enough cosignatures."""
    try:
        newest, seen = log.checkpoint(), log.witnessed.checkpoint()
        if newest is None or (seen is not None and text_of(seen) == text_of(newest)):
            return False
        latest = quorum.seen_at(quorum.require(seen)) if seen is not None else 0
    except (Refused, UnicodeDecodeError):
        latest = 0
    return time.time() - latest > WITNESSED_SECONDS


def _certificate(path: Path) -> Answer:
    about = f"certificates.{path.name}"
    try:
        ends = certificate_end(path)
    except (OSError, ValueError) as error:
        return bad(about, f"{path} cannot be read as certificates: {error}",
                   "Put PEM certificates there.")
    return lasting(about, f"{path}", ends)


def lasting(about: str, whose: str, ends: dt.datetime) -> Answer:
    """Judge how long a certificate still holds."""
    days = (ends - dt.datetime.now(dt.UTC)).total_seconds() / 86_400
    if days < ENDS_SOON_DAYS:
        when = f"ends in {days:.1f} days" if days > 0 else "has ended"
        return bad(about, f"{whose} {when} ({ends:%Y-%m-%d %H:%M} UTC)",
                   "Replace it: files are read again for each new connection.")
    return good(about, f"{whose} holds until {ends:%Y-%m-%d}")
