"""A program: a ledger that takes nothing of what its group gives it, and looks soon at that."""

import dataclasses

from processors.workers import membership
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from tests.processors.workers.dangers.program import run


class EmptyHanded(LedgerWorker):
    """Holds nothing, as far as it knows, from when it was given something."""

    def __init__(self, policy: LedgerPolicy) -> None:
        super().__init__(policy)
        self.membership = dataclasses.replace(self.membership, holds=lambda: not self.held)


if __name__ == "__main__":
    membership.OURS_SECONDS, membership.ASK_SECONDS, membership.LOOK_SECONDS = 2.0, 0.5, 0.2
    run(lambda _folder: EmptyHanded)
