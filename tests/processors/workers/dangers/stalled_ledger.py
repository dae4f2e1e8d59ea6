"""A program: a ledger that stalls as Faust can, and an ordinary one when it is started again."""

import asyncio
from pathlib import Path
from typing import Any

from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


class StalledLedger(LedgerWorker):
    """Takes a batch and waits for ever."""

    async def _decide(self, event: Any) -> None:
        await asyncio.Event().wait()


def chosen(folder: Path) -> type[LedgerWorker]:
    """Stall the first time only."""
    stalled_before = folder / "stalled-before"
    kind = LedgerWorker if stalled_before.exists() else StalledLedger
    stalled_before.touch()
    return kind


if __name__ == "__main__":
    run(chosen)
