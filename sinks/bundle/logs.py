"""The lowest layer of numbers: every leaf, every root, every signed checkpoint. Pure.

Theory of operation: the entries of a log are grown into its tree again, and the root at the size of
each checkpoint must be the signed one. A record that the bundle holds must give the entry at its
offset; so the first record that was changed, added or moved is named by its offset.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from heapq import merge
from operator import attrgetter, itemgetter

from sinks.bundle.faults import BundleFault, Different, Lacking, Unreadable
from sinks.bundle.layout import (
    CHECKPOINTS_BYTES_MAX,
    CONSULTATION_BYTES_MAX,
    CONSULTATIONS_MAX,
    read_entries,
)
from sinks.bundle.packing import Bundle
from sinks.transparency.checkpoints import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    read_checkpoints,
)
from sinks.transparency.cosignatures import Cosignature
from sinks.transparency.hashing import HASH_BYTES, leaf_hashes
from sinks.transparency.notes import Refused, Verifier, text_of
from sinks.transparency.quorum import Quorum, Unwitnessed
from sinks.transparency.tree import Tree


class Log:
    """A log in a bundle; reading its entries to the end checks it whole.

    Its checkpoints are read one by one, twice: for their signatures, and again as the tree grows.
    """

    def __init__(
        self, bundle: Bundle, folder: str, verifier: Verifier, saved: Sequence[str] = ()
    ) -> None:
        self.folder, self._bundle = folder, bundle
        self.name = f"{folder}/entries"
        self.size = self._signed_size(verifier.alone)
        self._given = sorted(self._opened(verifier.alone, saved), key=_SIZE)
        self.witnesses = self._require_witnessed(verifier)
        """Who has countersigned the last checkpoint, of those that a policy asks for."""
        self.compared = len(self._given)
        """Checkpoints that somebody kept and that lie in this tree."""
        self.counts: Counter[str] = Counter()
        """Entries up to the last offset counted, by consultation."""

    def _signed_size(self, verifier: Verifier) -> int:
        """Check each checkpoint's signature, and that none is smaller than the one before it."""
        size = -1
        for note in self._notes():
            try:
                checkpoint = open_checkpoint(note, verifier)
            except Refused as error:
                raise BundleFault(self._checkpoints, str(error)) from error
            if checkpoint.size < size:
                raise BundleFault(self._checkpoints, "the checkpoints do not stand in their order")
            size = checkpoint.size
        if size < 0:
            raise Lacking(self._checkpoints, "no checkpoint")
        return size

    def _require_witnessed(self, verifier: Verifier) -> list[Cosignature]:
        """Raise Different where too few witnesses have countersigned the last checkpoint.

        Those before it are of its tree.
        """
        quorum = verifier.quorum
        if not isinstance(quorum, Quorum):
            return []
        lacking: Unwitnessed | None = None
        for note in self._notes():
            if parse_checkpoint(text_of(note)).size < self.size:
                continue
            try:
                return quorum.require(note)
            except Unwitnessed as error:
                lacking = error
            except Refused as error:
                raise BundleFault(self._checkpoints, str(error)) from error
        raise Different(self._checkpoints, str(lacking))

    @property
    def _checkpoints(self) -> str:
        return f"{self.folder}/checkpoints"

    def _notes(self) -> Iterator[str]:
        """Yield the notes of all checkpoints in the bundle."""
        name = self._checkpoints
        if self._bundle.size_of(name) > CHECKPOINTS_BYTES_MAX:
            raise Unreadable(name, f"it has more than {CHECKPOINTS_BYTES_MAX:,} bytes, this "
                             "version reads no more")
        try:
            yield from read_checkpoints(self._bundle.pieces(name))
        except Refused as error:
            raise BundleFault(name, str(error)) from error
        except UnicodeDecodeError as error:
            raise Unreadable(name, f"not text: {error}") from error

    def _opened(self, verifier: Verifier, saved: Sequence[str]) -> Iterator[Checkpoint]:
        """Open the checkpoints of this log that somebody kept, up to the size of the bundle."""
        for note in saved:
            if not note.startswith(f"{verifier.name}\n"):
                continue
            try:
                checkpoint = open_checkpoint(note, verifier)
            except Refused as error:
                raise BundleFault("a checkpoint you gave", str(error)) from error
            if checkpoint.size <= self.size:
                yield checkpoint

    def _stops(self) -> Iterator[Checkpoint]:
        """Return all checkpoints by their size; their signatures were checked."""
        known = (parse_checkpoint(text_of(note)) for note in self._notes())
        return merge(known, self._given, key=_SIZE)

    def entries(self, last: int) -> Iterator[list[bytes]]:
        """Yield entries, 256 at a time; raise BundleFault where they are not what was signed."""
        tree, stops, names = Tree(), self._stops(), Counter[bytes]()
        stop = self._reached(tree, next(stops, None), stops)
        for entries in read_entries(self.name, self._bundle.pieces(self.name)):
            yield entries
            known = len(names)
            names.update(map(_CONSULTATION, entries[:max(0, last + 1 - tree.size)]))
            if len(names) > known:
                self._require_few(names)
            hashes = leaf_hashes(entries)
            while hashes:
                if stop is None:
                    raise BundleFault(f"{self.name}, entry {tree.size}", "no checkpoint covers it")
                taken = stop.size - tree.size
                deque(tree.append(hashes[:taken]), maxlen=0)
                del hashes[:taken]
                stop = self._reached(tree, stop, stops)
        self.counts = Counter({_name(name): count for name, count in names.items()})
        if stop is not None:
            raise Lacking(f"{self.name}, entry {tree.size}",
                          f"it ends here, but {self.size} entries were signed")

    def _require_few(self, names: Counter[bytes]) -> None:
        """Raise where names take more memory than those of any log."""
        if len(names) > CONSULTATIONS_MAX:
            raise Unreadable(self.name, f"it names more than {CONSULTATIONS_MAX:,} consultations")
        if max(map(len, names)) > CONSULTATION_BYTES_MAX:
            raise Unreadable(self.name, "it has an entry that is longer than any of ours: no name "
                             f"of a consultation has more than {CONSULTATION_BYTES_MAX} bytes")

    def _reached(
        self, tree: Tree, stop: Checkpoint | None, stops: Iterator[Checkpoint]
    ) -> Checkpoint | None:
        """Hold the tree against each checkpoint of its size; return the next larger one."""
        while stop is not None and stop.size == tree.size:
            if tree.root() != stop.root:
                raise BundleFault(
                    f"{self.name}, up to {tree.size}",
                    f"the entries do not have the root of the checkpoint of {stop.origin} "
                    f"of size {stop.size}, which was signed: the log was rewritten or forked")
            stop = next(stops, None)
        return stop


_SIZE = attrgetter("size")
_CONSULTATION = itemgetter(slice(-HASH_BYTES - 1))
"""What stands before the hash in an entry."""


def _name(consultation: bytes) -> str:
    """Read a consultation; one that is no text is told as it is."""
    return consultation.decode(errors="backslashreplace")


class Leaves:
    """Records held against the entries at their offsets, in the order of offsets."""

    def __init__(self, name: str, entries: Iterable[list[bytes]]) -> None:
        self._name = name
        self._pieces = iter(entries)
        self._piece: list[bytes] = []
        self._begin = 0

    def require(self, offset: int, value: bytes | None, consultation: bytes) -> None:
        """Raise unless a record gives the entry at its offset."""
        self.require_entry(offset, entry_bytes(consultation, value))

    def require_entry(self, offset: int, entry: bytes) -> None:
        """Raise unless this is the entry at an offset."""
        while offset - self._begin >= len(self._piece):
            self._begin += len(self._piece)
            self._piece = self.next_piece(offset)
        if self._piece[offset - self._begin] != entry:
            raise self.other(offset)

    def next_piece(self, offset: int) -> list[bytes]:
        """Return the next entries, those from `offset` on: 256, but at the end of the log."""
        piece = next(self._pieces, None)
        if piece is None:
            raise BundleFault(f"{self._name}, offset {offset}", "the log has no such entry")
        return piece

    def other(self, offset: int) -> BundleFault:
        """Return the fault of a record that is not the one at its place in the log."""
        return BundleFault(
            f"{self._name}, offset {offset}", "this is not the record that was signed: it was "
            "changed, moved or put in the place of another")

    def finish(self) -> None:
        """Read the entries that no record was held against: they grow the tree to its end."""
        for _ in self._pieces:
            pass


def entry_of_hash(consultation: bytes, digest: bytes) -> bytes:
    """Write the entry of a record of which the hash is known."""
    return consultation + b"\0" + digest


def entry_bytes(consultation: bytes, value: bytes | None) -> bytes:
    """Write the entry of a record; see sinks.transparency.entries."""
    return entry_of_hash(consultation, sha256(value or b"").digest())


def in_order(
    name: str, batches: Iterable[tuple[list[int], list[bytes | None]]], last: int
) -> Iterator[list[bytes | None]]:
    """Yield values from offset 0 to the last counted; raise where one is missing or repeated."""
    begin = 0
    for offsets, values in batches:
        expected = range(begin, begin + len(offsets))
        if offsets != list(expected):
            good, wanted, found = next(
                (place, *pair) for place, pair in enumerate(zip(expected, offsets, strict=True))
                if pair[0] != pair[1])
            if good:
                yield values[:good]
            if found < wanted:
                raise BundleFault(f"{name}, offset {found}", "it stands here a second time, or "
                                  f"in another place: offset {wanted} is next")
            raise Lacking(f"{name}, offset {wanted}", f"it is missing: {found} stands here")
        begin += len(offsets)
        if begin > last + 1:
            raise BundleFault(f"{name}, offset {last + 1}",
                              "the results do not count this record, it does not belong here")
        yield values
    if begin <= last:
        raise Lacking(f"{name}, offset {begin}",
                      f"the records end here, but the results count up to {last}")
