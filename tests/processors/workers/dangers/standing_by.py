"""A program: a ledger that asks its group at each look who has what."""

from processors.workers import membership
from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


if __name__ == "__main__":
    membership.ASK_SECONDS, membership.LOOK_SECONDS = 0.5, 0.2
    run(lambda _folder: LedgerWorker)
