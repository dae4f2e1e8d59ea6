"""A notary begins its turn by taking the folder, from a predecessor that stands still too."""

import asyncio
import os
import signal
from pathlib import Path

from schemas.topics import Topics
from scrutin.notary.turn import NotaryTurn
from sinks.transparency.notary import NotaryPolicy
from tests.deploy.machine.test_locks import start_holder


def test_a_notary_takes_the_folder_of_one_that_was_frozen(tmp_path: Path) -> None:
    """Frozen, not dead, it would keep it for ever: its successor ends it."""
    policy = NotaryPolicy(
        kafka="127.0.0.1:9", topics=Topics("t", 1), folder=tmp_path / "transparency",
        keys=tmp_path / "keys", origin="localhost/log", checkpoint_seconds=15.0)
    with start_holder(policy.folder / "t.lock") as frozen:
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            lock = asyncio.run(NotaryTurn(policy, None)._lock())
        finally:
            frozen.kill()

    assert lock is not None
    lock.release()
