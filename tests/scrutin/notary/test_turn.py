"""A notary begins its turn by taking the folder, from a predecessor that stands still too."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from schemas.topics import Topics
from scrutin.notary.turn import NotaryTurn
from sinks.transparency.notary import NotaryPolicy
from tests.deploy.machine.test_locks import HOLD


def test_a_notary_takes_the_folder_of_one_that_was_frozen(tmp_path: Path) -> None:
    """Frozen, not dead, it would keep it for ever: its successor ends it."""
    policy = NotaryPolicy(
        kafka="127.0.0.1:9", topics=Topics("t", 1), folder=tmp_path / "transparency",
        keys=tmp_path / "keys", origin="localhost/log", checkpoint_seconds=15.0)
    path = policy.folder / "t.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as frozen:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == b"held\n"
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            lock = asyncio.run(NotaryTurn(policy, None)._lock())
        finally:
            frozen.kill()

    assert lock is not None
    lock.release()
