"""A program: a ledger that looks soon whether its group still knows it."""

from processors.workers import membership
from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


membership.MISSING_SECONDS, membership.LOOK_SECONDS = 3.0, 0.2

if __name__ == "__main__":
    run(lambda _folder: LedgerWorker)
