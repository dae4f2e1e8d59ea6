"""A program: an ideas worker whose connection is closed under a publication, as a stop can do."""

import sys
from typing import Any

import structlog

from processors import batch_lane
from processors.ideas_worker import IdeasPolicy, IdeasWorker
from scrutin import bootstrap, log
from scrutin.settings import load


IMPATIENT = "--impatient"
"""The argument that makes it end a second after it was told to stop, whatever it waits for."""
WRITES, CLOSES = "a publication begins", "the connection is being closed"


class ClosedIdeas(IdeasWorker):
    """Always has something to publish."""

    async def _write(self, *publication: Any) -> None:
        structlog.get_logger().info(WRITES)
        await super()._write(*publication)
        self.ideas.move_slice(1)

    async def _close(self) -> None:
        structlog.get_logger().info(CLOSES)
        await super()._close()


if __name__ == "__main__":
    if IMPATIENT in sys.argv:
        batch_lane.STOP_SECONDS = 1.0
    settings = load()
    log.configure(settings)
    batch_lane.run_worker(ClosedIdeas(IdeasPolicy(
        settings.kafka, bootstrap.topics(settings), settings.instance, settings.data_folder)).app)
