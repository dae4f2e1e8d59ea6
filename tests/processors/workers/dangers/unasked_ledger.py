"""A ledger that asks nobody whether its name is in use, as if the other had not joined by then."""

from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


if __name__ == "__main__":
    run(lambda _: LedgerWorker)
