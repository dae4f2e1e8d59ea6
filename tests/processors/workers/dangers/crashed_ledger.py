"""A program: a ledger under which Faust crashes, as it does when a commit fails for good."""

from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from tests.processors.workers.dangers.program import run


WHY = "as a commit would"


class CrashedLedger(LedgerWorker):
    """Crashes once it runs."""

    def __init__(self, policy: LedgerPolicy) -> None:
        super().__init__(policy)
        self.app.task(self._crash)

    async def _crash(self) -> None:
        await self.app.crash(RuntimeError(WHY))


if __name__ == "__main__":
    run(lambda _folder: CrashedLedger)
