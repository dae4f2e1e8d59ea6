"""A program: an ideas worker whose connection is closed under a publication, as a stop can do."""

from typing import Any

import structlog

from processors.workers.ideas_worker import IdeasWorker
from tests.harness import BEGAN_AT
from tests.processors.workers.dangers.program import run_ideas


WRITES, CLOSES = "a publication begins", "the connection is being closed"


class ClosedIdeas(IdeasWorker):
    """Always has something to publish, and is in the midst of it when it is told to stop."""

    async def _write(self, *publication: Any) -> None:
        structlog.get_logger().info(WRITES)
        await super()._write(*publication)
        self.ideas.move_slice(1)

    async def _close(self) -> None:
        self.ideas.move_slice(1)
        await self._sent(self.ideas.take(BEGAN_AT, ranked=False), self.ideas.as_of())
        structlog.get_logger().info(CLOSES)
        await super()._close()


if __name__ == "__main__":
    run_ideas(ClosedIdeas)
