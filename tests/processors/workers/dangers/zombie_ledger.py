"""A program: a ledger that freezes between deciding a batch and writing its decisions."""

import os
import signal

from processors.ledger.snapshots import Frozen
from processors.workers.decision_store import Held
from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


class ZombieLedger(LedgerWorker):
    """Freezes once, past an offset, with decided votes in its hands."""

    frozen_past = 500

    def _frozen_when_due(self, held: Held) -> Frozen | None:
        if held.ledger.last_offset > self.frozen_past:
            self.frozen_past = 1 << 62
            os.kill(os.getpid(), signal.SIGSTOP)
        return super()._frozen_when_due(held)


if __name__ == "__main__":
    run(lambda _folder: ZombieLedger)
