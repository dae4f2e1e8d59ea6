"""A program: an ideas worker that freezes between making a publication and writing it."""

import asyncio
import os
import signal
from typing import Any

from processors.workers.ideas_worker import IdeasWorker
from scrutin.commands.ideas import run
from scrutin.process.worker import begin


FREEZES_PAST = 1_000
"""Votes of the first partition that it has published when it freezes."""


class ZombieIdeas(IdeasWorker):
    """Freezes once, with a publication in its hands."""

    frozen = False

    async def _sent(self, *publication: Any) -> Any:
        if self.published[0] > FREEZES_PAST and not self.frozen:
            self.frozen = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super()._sent(*publication)


if __name__ == "__main__":
    asyncio.run(run(begin(), ZombieIdeas))
