"""A program: an ideas worker whose connection is closed under a publication, as a stop can do."""

from typing import Any

import structlog

from processors.batch_lane import run_worker
from processors.ideas_worker import IdeasPolicy, IdeasWorker
from scrutin import bootstrap, log
from scrutin.settings import load


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
    settings = load()
    log.configure(settings)
    worker = ClosedIdeas(IdeasPolicy(
        settings.kafka, bootstrap.topics(settings), settings.instance, settings.data_folder))
    run_worker(worker.app, settings.stop_seconds)
