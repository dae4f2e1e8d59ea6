"""Why a partition must not go on: each is an alarm, never a decision."""


class LedgerStopped(Exception):
    """The partition must not go on: deciding further would be wrong. The message says why."""


class HoleInVotes(LedgerStopped):
    """An offset is missing on the input."""


class DecisionsDisagree(LedgerStopped):
    """Two decisions of one record differ: two ledgers ran under different rules, or one lies."""
