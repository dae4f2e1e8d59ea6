"""A log in a folder, kept by a key of the tests, and a look at it as an outsider has it."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec
from schemas.codec import Undecodable
from sinks.transparency.checkpoints import Checkpoint, open_checkpoint
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.hashing import leaf_hash
from sinks.transparency.keeper import Keeper
from sinks.transparency.notes import Signer, Verifier
from sinks.transparency.regrowing import regrow
from sinks.transparency.tiles import ENTRIES, read_bundle, split_hashes, tiles_of
from tests.sinks.transparency.trees import Grown


KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = Signer("example.org/log/test/votes/0", KEY)


def entries(size: int, word: str = "record") -> list[bytes]:
    """Make entries that differ."""
    return [entry_of("town", f"{word} {number}".encode()) for number in range(size)]


def opened(path: Path, signer: Signer = SIGNER) -> Keeper:
    """Open a log as the notary does at its start."""
    keeper = Keeper(LogFolder(path), signer)
    keeper.open()
    return keeper


def entries_of(values: Sequence[bytes | None]) -> list[bytes]:
    """Make the entries of records, by the careful decoder."""
    found = []
    for value in values:
        try:
            consultation = codec.decode(value)[1].get("consultation") or ""
        except Undecodable:
            consultation = ""
        found.append(entry_of(consultation, value))
    return found


def signed(path: Path, verifier: Verifier) -> tuple[list[bytes], list[int]]:
    """Return the entries of a log under its newest checkpoint, and the sizes of all checkpoints.

    Fails unless the whole tree is there and every checkpoint is of it.
    """
    folder = LogFolder(path)
    checkpoints = [open_checkpoint(note, verifier) for note in folder.history()]
    assert folder.checkpoint() == folder.history()[-1]
    sizes = [checkpoint.size for checkpoint in checkpoints]
    for checkpoint, tree in zip(checkpoints, regrow(folder.read, sizes), strict=True):
        assert tree.root() == checkpoint.root
    bundles = [tile for tile in tiles_of(sizes[-1]) if tile.level == ENTRIES]
    logged = [entry for tile in bundles for entry in read_bundle(folder.read(tile) or b"") or []]
    assert len(logged) == sizes[-1]
    return logged, sizes


def whole(path: Path, expected: Sequence[bytes]) -> Checkpoint:
    """Fail unless the newest checkpoint's tree is all there and is that of the first entries."""
    folder = LogFolder(path)
    note = folder.checkpoint()
    assert note is not None
    checkpoint = open_checkpoint(note, SIGNER.verifier)
    grown = Grown([leaf_hash(entry) for entry in expected[:checkpoint.size]])
    assert checkpoint.root == grown.tree.root()
    for tile in tiles_of(checkpoint.size):
        data = folder.read(tile)
        assert data is not None, tile
        if tile.level == ENTRIES:
            begin = tile.number * 256
            assert read_bundle(data) == expected[begin:begin + tile.width]
        else:
            assert split_hashes(data) == grown.tiles[tile]
    return checkpoint
