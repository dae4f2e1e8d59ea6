"""A program: a ledger that freezes between deciding a batch and writing its decisions."""

import os
import signal

from processors.batch_lane import run_worker
from processors.decision_store import Held
from processors.ledger_worker import LedgerPolicy, LedgerWorker
from processors.snapshots import Frozen
from scrutin import bootstrap, log
from scrutin.settings import load


class ZombieLedger(LedgerWorker):
    """Freezes once, past an offset, with decided votes in its hands."""

    frozen_past = 500

    def _frozen_when_due(self, held: Held) -> Frozen | None:
        if held.ledger.last_offset > self.frozen_past:
            self.frozen_past = 1 << 62
            os.kill(os.getpid(), signal.SIGSTOP)
        return super()._frozen_when_due(held)


if __name__ == "__main__":
    settings = load()
    log.configure(settings)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    run_worker(ZombieLedger(LedgerPolicy(
        kafka=settings.kafka, topics=bootstrap.topics(settings), instance=settings.instance,
        stall_seconds=settings.stall_seconds, undecodable_ratio=1.0,
        folder=settings.data_folder, snapshot_decisions=settings.snapshot_decisions)).app)
