"""A folder belongs to one process, and only as long as that process lives."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.machine import locks
from deploy.machine.errors import FolderHeldError
from deploy.machine.locks import FolderLock, holder_pid, waiting_lock


HOLD = """
import sys
from pathlib import Path
from deploy.machine.locks import FolderLock
lock = FolderLock.acquire(Path(sys.argv[1]), "held by {pid}")
print("held", flush=True)
sys.stdin.read()
"""


def start_holder(path: Path) -> subprocess.Popen[str]:
    """Have another process hold a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_folder_is_refused_and_its_holder_named(tmp_path: Path) -> None:
    """The refusal carries the pid to look for; the holder's death frees the folder."""
    path = tmp_path / "lock"
    with start_holder(path) as holder:
        assert holder_pid(path) == holder.pid
        with pytest.raises(FolderHeldError, match=f"held by {holder.pid}") as caught:
            FolderLock.acquire(path, "held by {pid}")
        assert caught.value.holder_pid == holder.pid

        holder.kill()
        holder.wait()
        FolderLock.acquire(path, "held by {pid}").release()


def test_a_holder_that_was_stopped_is_ended_and_no_other(tmp_path: Path) -> None:
    """One that works lives on; so does a stopped one whose number somebody else's file bears."""
    path, other = tmp_path / "lock", tmp_path / "other"
    with start_holder(path) as working, start_holder(other) as stopped:
        os.kill(stopped.pid, signal.SIGSTOP)
        os.waitpid(stopped.pid, os.WUNTRACED)
        left_alone = locks.end_stopped_holder(path)
        path.write_text(f"{stopped.pid}\n")
        not_its_holder = locks.end_stopped_holder(path)
        ended = locks.end_stopped_holder(other)
        stopped.kill()
        stopped.wait()
        FolderLock.acquire(other, "held by {pid}").release()
        lives = working.poll() is None
        working.kill()

    assert (left_alone, not_its_holder, ended, lives) == (None, None, stopped.pid, True)


def test_a_holder_that_ends_while_it_is_looked_at_is_not_taken_for_its_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it said that it was ended; another process may have its number by then."""
    path = tmp_path / "lock"
    with start_holder(path) as holder:

        def ends(_: int) -> bool:
            holder.kill()
            holder.wait()
            return True

        monkeypatch.setattr(locks, "_is_stopped", ends)
        assert locks.end_stopped_holder(path) is None


def test_a_lock_file_that_is_gone_ends_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed while it is looked at: whose it was can no longer be shown."""
    path = tmp_path / "lock"
    lock = FolderLock.acquire(path, "held")

    def removed(_: Path) -> int:
        path.unlink(missing_ok=True)
        return os.getpid()

    monkeypatch.setattr(locks, "holder_pid", removed)
    assert locks.end_stopped_holder(path) is None
    lock.release()


def test_nobody_holds_a_released_or_unknown_folder(tmp_path: Path) -> None:
    """A file left behind is no lock."""
    path = tmp_path / "lock"
    assert holder_pid(path) is None

    FolderLock.acquire(path, "held").release()

    assert path.exists()
    assert holder_pid(path) is None


def test_the_holder_itself_is_refused_a_second_time(tmp_path: Path) -> None:
    """Two supervisors in one process exclude each other too."""
    lock = FolderLock.acquire(tmp_path / "lock", "held by {pid}")

    with pytest.raises(FolderHeldError, match=str(os.getpid())):
        FolderLock.acquire(tmp_path / "lock", "held by {pid}")
    assert holder_pid(tmp_path / "lock") == os.getpid()

    lock.release()


def test_work_of_a_process_that_hangs_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for it ends with a reason; once it is free, the lock is taken."""
    monkeypatch.setattr(locks, "WORK_SECONDS", 0.2)
    path = tmp_path / "work.lock"
    with waiting_lock(path), pytest.raises(FolderHeldError, match="it may hang"), \
            waiting_lock(path):
        pass

    with waiting_lock(path):
        assert path.exists()
