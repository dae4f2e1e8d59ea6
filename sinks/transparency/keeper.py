"""One transparency log: grown entry by entry, signed when asked.

Theory of operation: in memory are the tree's right edge, the entries of its last bundle, and the
files not written yet. A checkpoint is signed only after (1) every file of the new tree is on the
disk, (2) the tree read back from there has the root computed in memory, (3) a proof made of these
files shows that it has grown out of the last checkpoint. That one was held against all before it
when it was signed, and at every start all of them and all files are held against the entries:
hence the tree that is signed is consistent with every checkpoint ever signed.

After a death at any moment the tree goes on from the last checkpoint. What was written beyond it
is written again, and is the same, since the log it is fed from never changes.
"""

from collections.abc import Callable, Sequence

from sinks.faults import TreeRefused
from sinks.transparency.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from sinks.transparency.folder import LogFolder
from sinks.transparency.hashing import EMPTY_ROOT, leaf_hash
from sinks.transparency.notes import Refused, Signer, text_of
from sinks.transparency.proofs import Prover, is_consistent
from sinks.transparency.regrowing import regrow
from sinks.transparency.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    read_bundle,
    write_bundle,
)
from sinks.transparency.tree import Tree


FILES_MAX = 512
"""Files written together, those of 65,536 entries, some 6 MB; as many are held back meanwhile."""


class Keeper:
    """A log, its folder and its key. One per log, in one process."""

    def __init__(
        self, folder: LogFolder, signer: Signer, extensions: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._folder, self._signer = folder, signer
        self._extensions = extensions
        """Gives what else the next checkpoint says."""
        self._tree = Tree()
        self._entries: list[bytes] = []
        self._files: dict[str, bytes] = {}
        self._completed: list[Tile] = []
        self.checkpoint = Checkpoint(self.origin, 0, EMPTY_ROOT)
        """The newest one signed."""

    @property
    def folder(self) -> LogFolder:
        return self._folder

    @property
    def origin(self) -> str:
        return self._signer.verifier.name

    @property
    def size(self) -> int:
        """Entries taken so far."""
        return self._tree.size

    def open(self) -> None:
        """Go on from the last checkpoint; raise TreeRefused where the disk does not hold it."""
        self._folder.mend()
        notes = self._folder.history()
        if not notes:
            if self._folder.checkpoint() is not None:
                raise self._refused("it has a checkpoint, but the list of all that were signed "
                                    "is gone")
            self._publish(self.checkpoint)
            return
        try:
            # Their roots are compared; the signature of the last one says by whom they are.
            checkpoints = [parse_checkpoint(text_of(note)) for note in notes[:-1]]
            checkpoints.append(open_checkpoint(notes[-1], self._signer.verifier))
            self._regrow(checkpoints)
        except Refused as error:
            raise self._refused(str(error)) from error
        self.checkpoint = checkpoints[-1]
        if not self._signer.has_signed(notes[-1]):
            # A key came since: a log that does not grow shows its signature all the same.
            self._publish(self.checkpoint)
        elif not (self._folder.checkpoint() or "").startswith(notes[-1]):
            # Cosignatures may stand below it.
            self._folder.show(notes[-1])

    def _regrow(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Hold every file and every checkpoint against the entries."""
        sizes = [checkpoint.size for checkpoint in checkpoints]
        if sizes != sorted(sizes):
            raise Refused("its checkpoints do not stand in their order")
        for checkpoint, tree in zip(checkpoints, regrow(self._folder.read, sizes), strict=True):
            if tree.root() != checkpoint.root:
                raise Refused(f"its files are not those of the checkpoint of size "
                              f"{checkpoint.size} that was signed")
            self._tree = tree
        if width := self.size % WIDTH:
            self._entries = self._bundle(Tile(ENTRIES, self.size // WIDTH, width))

    def _bundle(self, tile: Tile) -> list[bytes]:
        return read_bundle(self._folder.read(tile) or b"") or []

    def last_entry(self) -> bytes | None:
        """Return the newest entry; None of an empty log."""
        if not self.size:
            return None
        number, within = divmod(self.size - 1, WIDTH)
        return (self._entries or self._bundle(Tile(ENTRIES, number, within + 1)))[-1]

    def append(self, entries: Sequence[bytes]) -> None:
        """Take the next entries; nothing of them is served before the next checkpoint."""
        self._entries.extend(entries)
        for tile, hashes in self._tree.append([leaf_hash(entry) for entry in entries]):
            self._files[tile.path] = b"".join(hashes)
            self._completed.append(tile)
            if tile.level == 0:
                bundle = tile._replace(level=ENTRIES)
                self._files[bundle.path] = write_bundle(self._entries[:WIDTH])
                self._completed.append(bundle)
                del self._entries[:WIDTH]
            if len(self._files) >= FILES_MAX:
                self._write()

    def sign(self) -> Checkpoint:
        """Sign the tree as it is, if it has grown; raise TreeRefused where it must not be."""
        if self.size == self.checkpoint.size:
            return self.checkpoint
        self._files.update((tile.path, b"".join(hashes)) for tile, hashes in self._tree.partial())
        if self._entries:
            tile = Tile(ENTRIES, self.size // WIDTH, len(self._entries))
            self._files[tile.path] = write_bundle(self._entries)
        self._write()
        self._folder.settle()
        grown = Checkpoint(self.origin, self.size, self._tree.root(), tuple(self._extensions()))
        self._require_grown(self.checkpoint, grown)
        self._publish(grown)
        for tile in self._completed:
            self._folder.drop_partial(tile)
        self._completed.clear()
        return grown

    def sign_note(self, text: str) -> str:
        """Sign another text with the log's key: one that is no checkpoint."""
        return self._signer.sign(text)

    def _write(self) -> None:
        self._folder.settle()
        self._folder.begin(self._files)
        self._files.clear()

    def _require_grown(self, old: Checkpoint, new: Checkpoint) -> None:
        """Hold the tree on disk against the one in memory and the one signed last."""
        prover = Prover(new.size, self._folder.hashes)
        if prover.root() != new.root:
            raise self._refused(f"its files do not give the root of its {new.size} entries")
        if old.size and not is_consistent(
                old.size, old.root, new.size, new.root, prover.consistency(old.size)):
            raise self._refused(
                f"the tree of {new.size} entries has not grown out of the checkpoint of size "
                f"{old.size}: what was signed has been rewritten")

    def _publish(self, checkpoint: Checkpoint) -> None:
        self._folder.publish(self._signer.sign(checkpoint.text()))
        self.checkpoint = checkpoint

    def _refused(self, what: str) -> TreeRefused:
        return TreeRefused(
            f"the transparency log {self.origin} in {self._folder.path} is not signed again: "
            f"{what}. Keep the folder as evidence and restore it, with its key, from a copy; "
            "never begin it anew under the same name.")

