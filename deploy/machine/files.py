"""Small files that other processes read while we write them, and the folder that holds them all."""

import os
import stat
from pathlib import Path

from deploy.machine.errors import FolderExposedError


FOLDER_MODE = 0o700
EVERYBODY, OTHERS = 0o007, 0o077
"""Bits by which everybody, or everybody and a group, may do anything with a folder."""


def write_atomically(path: Path, text: str) -> None:
    """Replace a file as a whole: a reader sees the old text or the new one, never half of it."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.write_text(text)
    unfinished.replace(path)


def keep_private(folder: Path, *, make: bool = True) -> str:
    """Make a data folder for its owner alone, or close one that others may open.

    It holds keys, passwords and who voted: what lies in it is as private as the folder itself.
    Returns a sentence about what was closed, empty where nothing was. A folder of somebody else
    that is open to a group alone is left: an administrator shares it so.
    Raises `FolderExposedError` where everybody may open it and we may not close it.
    """
    if make:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except FileNotFoundError:
        return ""
    if not mode & OTHERS:
        return ""
    try:
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        if mode & EVERYBODY:
            raise FolderExposedError(folder, mode, error.strerror or "") from error
        return ""
    return (f"the data folder {folder} could be opened by others than its owner (mode "
            f"{mode:04o}): it has mode {FOLDER_MODE:04o} now")
