"""A program: a ledger that gets to its first votes only after a rebalance, as Faust can have it."""

import asyncio
from typing import Any

import structlog

from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


LOOK_SECONDS = 0.02
HOLDS = "a batch is held"
"""Said once it is: a rebalance after that makes the batch a late one."""


class LateLedger(LedgerWorker):
    """Holds its first batch that has votes until the group has another generation."""

    late_before = False

    async def _decide(self, event: Any) -> None:
        batch = event.message.value
        if not self.late_before and batch.records[-1].offset > 0:
            self.late_before = True
            structlog.get_logger().info(HOLDS)
            while self.app.consumer_generation_id == batch.generation:
                await asyncio.sleep(LOOK_SECONDS)
        await super()._decide(event)


if __name__ == "__main__":
    run(lambda _folder: LateLedger)
