"""A program: a ledger that is never told the ends of the decisions, so that it never recovers."""

import asyncio
from typing import Any, NoReturn

from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from tests.processors.workers.dangers.program import run


class UnrecoveredLedger(LedgerWorker):
    """Asks a consumer that does not answer."""

    def __init__(self, policy: LedgerPolicy) -> None:
        super().__init__(policy)
        self.app.on_partitions_revoked.connect(self._before)

    async def _before(self, *_positional: Any, **_named: Any) -> None:
        consumer: Any = self.app.consumer
        consumer.highwaters = self._never

    async def _never(self, *_partitions: Any) -> NoReturn:
        while True:
            await asyncio.Event().wait()


if __name__ == "__main__":
    run(lambda _folder: UnrecoveredLedger)
