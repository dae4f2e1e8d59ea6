"""The password of a local ClickHouse: random, one a stack, in a file that only its owner reads."""

import os
import secrets
import stat
from pathlib import Path

from deploy.machine.files import FOLDER_MODE, OTHERS


USER = "scrutin"
PASSWORD_FILE = "password"  # noqa: S105 -- a file's name
PASSWORD_BYTES = 32
"""256 random bits: nobody guesses them, so failed attempts need not be counted."""


def password_of(folder: Path) -> str:
    """Return the password of the ClickHouse in `folder`; make it where there is none.

    One that others could read may be known to them: it is replaced.
    """
    path = folder / PASSWORD_FILE
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        if not stat.S_IMODE(path.stat().st_mode) & OTHERS and (found := path.read_text().strip()):
            return found
        path.unlink()
    except FileNotFoundError:
        pass
    try:
        return _made(path)
    except FileExistsError:
        # Somebody else made it in this moment.
        return path.read_text().strip()


def _made(path: Path) -> str:
    """Write a new password under its name at once: a reader finds all of it or none."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{password}\n")
    try:
        os.link(unfinished, path)
    finally:
        unfinished.unlink()
    return password
