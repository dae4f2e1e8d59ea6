"""A program: a ledger that looks soon whether its group still knows it."""

from processors.workers import membership
from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


if __name__ == "__main__":
    membership.MISSING_SECONDS, membership.ASK_SECONDS, membership.LOOK_SECONDS = 3.0, 1.0, 0.2
    run(lambda _folder: LedgerWorker)
