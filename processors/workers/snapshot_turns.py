"""When a ledger takes its next snapshot. Pure: it is told what time it is.

Theory of operation: what was decided since a snapshot is folded by whoever takes the partition
over, so snapshots shall be young; but each costs as much as there are votes. So one is due after
DECISIONS, as soon as the writing of snapshots has taken no more than a share of the time: what
then is left to fold is bounded by how long they take, whatever the number of votes. And it is due
in any case after as many decisions as there are live votes, for then each decision pays for its
part. There is one at a time: each takes as much memory as keys and references of a partition.
"""


WRITING_SHARE = 0.1
"""Of the time, at most, snapshots are being written while fewer are due than there are votes."""


class SnapshotTurns:
    """When the snapshots of one process are taken."""

    def __init__(self, decisions: int) -> None:
        self._decisions = decisions
        self._began_at: float | None = None
        """When the one that is held now was taken; None: none is."""
        self._next_at = 0.0

    def due(self, decided: int, live_votes: int, now: float) -> bool:
        """Whether to take one of a partition that has decided so much since its last one."""
        if self._began_at is not None or decided < self._decisions:
            return False
        return now >= self._next_at or decided >= live_votes

    def begin(self, now: float) -> None:
        """Take note that a copy is held, which is to be written."""
        self._began_at = now

    def end(self, now: float) -> None:
        """Take note that it was written, or could not be."""
        if self._began_at is not None:
            self._next_at = now + (now - self._began_at) * (1 / WRITING_SHARE - 1)
        self._began_at = None

    def forgo(self) -> None:
        """Take note that it is not going to be written."""
        self._began_at = None
