"""One log before its witnesses: which checkpoint they are asked for, and what is kept of answers.

Theory of operation: all witnesses are asked for the same checkpoint, for cosignatures of several
are worth nothing together. It stays before them until enough have signed it, or PROPOSED_SECONDS
long, then the newest takes its place. Signing waits for none of this. What a witness signs is shown
below the newest checkpoint while it is the newest; one that enough have signed is kept besides, in
the folder `witnessed`, whatever came after it.
"""

import threading
import time
from collections.abc import Callable

from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint
from sinks.transparency.cosignatures import Cosignature, Witness, cosignatures, countersigned
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import DASH, Refused, text_of
from sinks.transparency.proofs import Prover
from sinks.transparency.quorum import Quorum


PROPOSED_SECONDS = 20.0
"""So long witnesses are asked for one checkpoint, if too few sign it, before the next one."""

Clock = Callable[[], float]


class Proposal:
    """A checkpoint that witnesses are asked for, and the cosignatures it has so far."""

    def __init__(self, shown: str, quorum: Quorum, since: float) -> None:
        """`shown` is the checkpoint as it lies in the folder, cosignatures perhaps below it."""
        text = text_of(shown)
        self.checkpoint: Checkpoint = parse_checkpoint(text)
        own = f"{DASH}{self.checkpoint.origin} "
        self.note = f"{text}\n" + "".join(
            f"{line}\n" for line in shown.splitlines() if line.startswith(own))
        """As the log signed it."""
        self.since, self._quorum = since, quorum
        self._found: dict[str, Cosignature] = {}

    def add(self, one: Cosignature) -> None:
        """Take a cosignature, which was verified."""
        self._found[one.witness.label] = one

    def has(self, witness: Witness) -> bool:
        return witness.label in self._found

    @property
    def is_met(self) -> bool:
        """Whether enough witnesses have signed."""
        return self._quorum.is_met(self._found)

    def countersigned(self) -> str:
        """Write the checkpoint with its cosignatures, in the order of the policy's witnesses."""
        found = dict(self._found)
        return countersigned(self.note, (
            found[each.label] for each in self._quorum.witnesses if each.label in found))


class CountersignedLog:
    """The checkpoints of one log; what touches the disk says so, and is run in a thread."""

    def __init__(
        self, topic: str, partition: int, folder: LogFolder, quorum: Quorum,
        newest: Callable[[], Checkpoint], clock: Clock = time.monotonic,
    ) -> None:
        """`newest` gives the newest checkpoint that was signed, at no cost."""
        self.topic, self.partition = topic, partition
        self._folder, self._witnessed = folder, folder.witnessed
        self._quorum, self._newest, self._clock = quorum, newest, clock
        self._keeping = threading.Lock()
        self._proposal: Proposal | None = None
        self.witnessed_size = 0
        """Of the newest checkpoint that enough witnesses have signed."""
        self._lacking_since: float | None = clock()
        """Since when there is a checkpoint that too few have signed; None where there is none."""

    @property
    def origin(self) -> str:
        return self._newest().origin

    @property
    def unwitnessed_seconds(self) -> float:
        """How long the oldest checkpoint behind the last witnessed one has been waiting."""
        return 0.0 if self._lacking_since is None else self._clock() - self._lacking_since

    def open(self) -> None:
        """Take up what was kept. Reads and writes files."""
        self._witnessed.mend()
        notes = self._witnessed.history()
        shown = self._shown()
        if notes and (shown is None or text_of(shown) != text_of(notes[-1])):
            self._witnessed.show(shown := notes[-1])
        if shown is not None:
            self.witnessed_size = parse_checkpoint(text_of(shown)).size
        self.propose()
        assert self._proposal is not None, "it was made, or not made and raised"
        if shown is not None and text_of(shown) == text_of(self._proposal.note):
            self._restore(self._proposal, shown)

    def _shown(self) -> str | None:
        """Read the newest witnessed checkpoint; a damaged one is none, for the list has it too."""
        try:
            shown = self._witnessed.checkpoint()
            if shown is not None:
                parse_checkpoint(text_of(shown))
        except (Refused, UnicodeDecodeError):
            return None
        return shown

    def _restore(self, proposal: Proposal, shown: str) -> None:
        """Take and show the cosignatures that are kept; others are asked for again."""
        for witness in self._quorum.witnesses:
            try:
                for one in cosignatures(shown, [witness]):
                    proposal.add(one)
            except Refused:
                continue
        self._folder.show_countersigned(proposal.countersigned())
        if proposal.is_met:
            self._lacking_since = None

    def wants(self, witness: Witness) -> bool:
        """Whether there may be something to ask a witness for; costs nothing."""
        before = self._proposal
        return before is None or not before.has(witness) or before.checkpoint != self._newest()

    def propose(self) -> Proposal:
        """Return the checkpoint to ask for. Reads a file where it is another one than before."""
        with self._keeping:
            before, now = self._proposal, self._clock()
            if before is not None and before.checkpoint == self._newest():
                return before
            if self._lacking_since is None:
                self._lacking_since = now
            if before is not None and not before.is_met and now - before.since < PROPOSED_SECONDS:
                return before
            shown = self._folder.checkpoint()
            if shown is None:
                raise Refused(f"the checkpoint in {self._folder.path} is gone")
            self._proposal = Proposal(shown, self._quorum, now)
            return self._proposal

    def path(self, old: int, proposal: Proposal) -> list[bytes]:
        """Prove that a checkpoint has grown out of a size. Reads files; raises TreeRefused."""
        if not old:
            return []
        return Prover(proposal.checkpoint.size, self._folder.hashes).consistency(old)

    def keep(self, proposal: Proposal, one: Cosignature) -> None:
        """Take a cosignature, which was verified. Writes files."""
        with self._keeping:
            proposal.add(one)
            note = proposal.countersigned()
            self._folder.show_countersigned(note)
            if not proposal.is_met:
                return
            held = self._shown()
            if held is not None and text_of(held) == text_of(note):
                self._witnessed.show(note)
            elif proposal.checkpoint.size >= self.witnessed_size:
                self._witnessed.publish(note)
                self.witnessed_size = proposal.checkpoint.size
            else:
                return  # A later one was met before.
            self._lacking_since = (
                None if proposal.checkpoint == self._newest() else self._clock())
