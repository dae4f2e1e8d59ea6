"""Locks on folders that belong to one process at a time.

The lock is one of an open file description (fcntl(2), F_OFD_SETLK) on a file that also carries the
holder's pid. The kernel frees it when the holder dies, however it dies, so a stale file never
blocks anybody; and asking who holds it (F_OFD_GETLK) takes nothing, so a `scrutin status` can
never make a start fail.
"""

import contextlib
import fcntl
import os
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from deploy.machine.errors import FolderHeldError
from deploy.machine.files import FOLDER_MODE
from deploy.machine.waiting import until


# The holder writes its pid right after taking the lock: a reader in between waits this long.
PID_WAIT_SECONDS = 1.0
PID_POLL_SECONDS = 0.01
WORK_SECONDS = 600.0
"""Longest wait for work of another process that must be done once: a slow download..."""
WORK_POLL_SECONDS = 0.1
"""... whose end is looked for so often."""

# struct flock: l_type, l_whence, l_start, l_len (0: to the end), l_pid (0 as OFD locks demand).
_FLOCK = "hhqqi"


class FolderLock:
    """Hold a folder until `release`, by the lock file at `path`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path, refusal: str) -> Self:
        """Take the lock or raise `FolderHeldError`; `refusal` may name `{pid}`, the holder's."""
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
        except BlockingIOError:
            pid = _wait_for_pid(descriptor)
            os.close(descriptor)
            raise FolderHeldError(refusal.format(pid=pid or "unknown"), pid) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the folder back; calling it again does nothing."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def holder_pid(path: Path) -> int | None:
    """Name the process that holds the lock at `path`, or None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _wait_for_pid(descriptor) if _is_held(descriptor) else None
    finally:
        os.close(descriptor)


def end_stopped_holder(path: Path) -> int | None:
    """End a holder that was stopped by a signal (SIGSTOP); return its pid, None for any other.

    To be called by who knows that the holder's time is over. That it is the holder its open files
    show; one that is slow, or of another container or machine, is left alone.
    """
    pid = holder_pid(path)
    if pid is None:
        return None
    try:
        # What was looked at is what is ended: another process under its number is not.
        process = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if not (_has_open(pid, path) and _is_stopped(pid) and holder_pid(path) == pid):
            return None
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        return pid
    finally:
        os.close(process)


def _has_open(pid: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        wanted = path.stat()
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found = opened.stat()
                if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                    return True
    return False


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def _is_held(descriptor: int) -> bool:
    question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def _wait_for_pid(descriptor: int) -> int | None:
    def written() -> str:
        return os.pread(descriptor, 32, 0).decode(errors="replace").strip()

    # Released meanwhile, or the holder cannot write: then its name stays unknown.
    until(lambda: written().isdigit() or not _is_held(descriptor),
          seconds=PID_WAIT_SECONDS, poll_seconds=PID_POLL_SECONDS)
    text = written()
    return int(text) if text.isdigit() else None


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, waiting for whoever holds it: for work that must be done once.

    Raise FolderHeldError where it is held for WORK_SECONDS.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not until(lambda: _is_taken(file), seconds=WORK_SECONDS, poll_seconds=WORK_POLL_SECONDS):
            raise FolderHeldError(
                f"{path} has been held by another process for {WORK_SECONDS:.0f} s: it may hang. "
                "End it, and start again.", holder_pid=None)
        yield


def _is_taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
