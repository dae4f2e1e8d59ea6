"""Whether a ledger stands still: Faust can stall without a word (their issues 523, 596, 597, 651).

It is told what is held and what time it is.
"""

from collections.abc import Mapping

from processors.workers.decision_store import Held


REBALANCE_FACTOR = 4
"""A rebalance may take so many times longer: snapshots are read in it."""


class Progress:
    """Where each partition stood when it last moved."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._moved: dict[int, tuple[int, bool, float]] = {}
        """Where it stood, whether it was recovered, and since when, by partition."""
        self._settled_at: float | None = None

    def forget(self) -> None:
        """Begin anew with what votes are known of: while the broker is away nothing is decided.

        A recovery has its bound all the same: it may be what the broker does not answer.
        """
        for partition, (_, recovered, _) in list(self._moved.items()):
            if recovered:
                del self._moved[partition]
        self._settled_at = None

    def stall(
        self, held: Mapping[int, Held], now: float, *, rebalancing: bool, reading: bool = False
    ) -> str | None:
        """Say what stands still for too long, or None.

        A partition stands still that has undecided votes, or is not recovered, and does not move;
        a worker does that holds nothing and is in one rebalance all the time. While a snapshot is
        read nothing is recovered, and nothing stands still: reading has bounds of its own.
        """
        if held or not rebalancing or reading or self._settled_at is None:
            self._settled_at = now
        if now - self._settled_at > REBALANCE_FACTOR * self._stall_seconds:
            return (f"the group has been rebalancing for {now - self._settled_at:.0f} s and gave "
                    "this ledger nothing. A restart joins it anew.")
        # One that was taken from us and given back begins anew.
        for partition in self._moved.keys() - held.keys():
            del self._moved[partition]
        folded = sum(one.ledger.last_offset for one in held.values())
        for partition, one in held.items():
            offset, recovered = one.ledger.last_offset, one.generation is not None
            # Partitions are recovered one after the other: one that waits its turn does not stall.
            place = offset if recovered else folded
            before = self._moved.get(partition)
            idle = one.end <= offset + 1 if recovered else reading
            if before is None or idle or before[:2] != (place, recovered):
                self._moved[partition] = place, recovered, now
            elif now - before[2] > self._stall_seconds:
                doing = f"while the log goes on to {one.end}" if recovered else "while recovering"
                return (f"votes partition {partition} has stood at offset {offset} for "
                        f"{now - before[2]:.0f} s {doing}. A restart recovers from the log.")
        return None
