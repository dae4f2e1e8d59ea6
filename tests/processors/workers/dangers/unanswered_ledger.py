"""A program: a ledger whose recovery gets two answers never, its first one and its last one."""

import asyncio
from typing import Any, NoReturn

from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from tests.processors.workers.dangers.program import run


class UnansweredLedger(LedgerWorker):
    """Is not told the ends of the decisions, nor that it may read votes on, the first time."""

    def __init__(self, policy: LedgerPolicy) -> None:
        super().__init__(policy)
        self._to_keep_back = ["perform_seek", "highwaters"]
        self.app.on_partitions_revoked.connect(self._before)
        self.app.on_rebalance_complete.connect(self._before)

    async def _before(self, *_positional: Any, **_named: Any) -> None:
        """Go on to the next answer: before anything is recovered, and when all has been."""
        if self._to_keep_back:
            self._keep_back(self._to_keep_back.pop())

    def _keep_back(self, name: str) -> None:
        """Have one answer of the consumer never come; it is waited for shortly, others as ever."""
        consumer, settings = self.app.consumer, self.app.conf
        asked, seconds = getattr(consumer, name), settings.broker_request_timeout

        async def never(*_arguments: Any) -> NoReturn:
            setattr(consumer, name, asked)
            settings.broker_request_timeout = seconds
            while True:
                await asyncio.Event().wait()

        setattr(consumer, name, never)
        settings.broker_request_timeout = 0.5


if __name__ == "__main__":
    run(lambda _folder: UnansweredLedger)
