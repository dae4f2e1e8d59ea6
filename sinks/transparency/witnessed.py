"""Are records the ones that were signed? A tree over them, held against checkpoints. Pure.

Whoever writes a log anew grows its tree beside it: at each size at which a checkpoint was signed,
the root must be the one that was signed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from sinks.transparency.checkpoints import Checkpoint
from sinks.transparency.entries import entry_of
from sinks.transparency.hashing import leaf_hash
from sinks.transparency.notes import Refused
from sinks.transparency.tree import Tree


ConsultationOf = Callable[[bytes | None], str]
"""Names the consultation of a record, as the notary does; empty where it names none."""


class Witnessed:
    """One log's tree, and the checkpoints that it has yet to meet."""

    def __init__(
        self, checkpoints: Iterable[Checkpoint], consultation_of: ConsultationOf
    ) -> None:
        known = sorted(checkpoints, key=lambda one: one.size)
        self.signed = known[-1].size if known else 0
        """Records that were signed in all."""
        self.met = 0
        """Checkpoints that were met so far."""
        self._ahead = deque(known)
        self._tree, self._consultation_of = Tree(), consultation_of

    def take(self, values: Sequence[bytes | None]) -> None:
        """Take the next records; raise Refused at a checkpoint that they do not have the root of.
        """
        if not self._ahead:
            return
        hashes = [leaf_hash(entry_of(self._consultation_of(value), value)) for value in values]
        self._meet()
        while hashes and self._ahead:
            room = self._ahead[0].size - self._tree.size
            for _ in self._tree.append(hashes[:room]):
                pass
            del hashes[:room]
            self._meet()

    def _meet(self) -> None:
        while self._ahead and self._ahead[0].size == self._tree.size:
            checkpoint = self._ahead.popleft()
            if self._tree.size and self._tree.root() != checkpoint.root:
                raise Refused(
                    f"the records up to offset {checkpoint.size - 1} are not those that were "
                    f"signed in the checkpoint of {checkpoint.origin} of size {checkpoint.size}. "
                    "The archive was changed, or the checkpoints are of another log: `scrutin "
                    "audit log` with --archive finds the record.")
            self.met += 1
