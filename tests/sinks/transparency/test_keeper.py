"""A log on disk: whatever dies or is changed, what was signed stays signed and is there."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec
from sinks.faults import TreeRefused
from sinks.transparency.book import Book
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.keys import load_key, make_key
from sinks.transparency.notes import Signer, Verifier, text_of
from tests.sinks.ballots import rule_for_all
from tests.sinks.transparency.keeping import KEY, SIGNER, entries, opened, whole


ENTRIES = entries(1_000)


class Died(BaseException):
    """The process is gone, in the middle of what it did."""


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    """Opened again and again, the log is that of all entries, and all checkpoints are kept."""
    sizes = [0, 1, 255, 256, 257, 700, 1_000]
    for before, after in zip(sizes, [*sizes[1:], sizes[-1]], strict=True):
        keeper = opened(tmp_path)
        assert keeper.size == whole(tmp_path, ENTRIES).size == before
        assert keeper.last_entry() == (ENTRIES[before - 1] if before else None)
        keeper.append(ENTRIES[before:after])
        keeper.sign()
    assert len(LogFolder(tmp_path).history()) == len(sizes)
    assert not list(tmp_path.rglob("*.draft"))
    partial = {path.parent.name for path in tmp_path.rglob("*.p/*")}
    assert partial == {"003.p", "000.p"}, "partial tiles of full ones are left"


def test_a_log_that_does_not_grow_shows_the_signature_of_a_new_key(tmp_path: Path) -> None:
    """Signed again at the start, the same text; once, and no further when the old key is gone."""
    keeper = opened(tmp_path)
    keeper.append(ENTRIES[:5])
    keeper.sign()
    new = Ed25519PrivateKey.generate()
    old = SIGNER.verifier.public
    both, alone = Signer(SIGNER.verifier.name, new, KEY), Signer(
        SIGNER.verifier.name, new, retired=[old])
    for signer in (both, both, alone, alone):
        opened(tmp_path, signer)
    first, second, third = LogFolder(tmp_path).history()

    assert text_of(second) == text_of(third) != text_of(first)
    assert open_checkpoint(third, Verifier(SIGNER.verifier.name, alone.verifier.public))
    assert open_checkpoint(third, SIGNER.verifier)
    assert whole(tmp_path, ENTRIES).size == 5


def test_a_log_that_dies_at_any_moment_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead before any one write to the disk: the checkpoint's tree is there, and grows on."""
    moment = 0
    while True:
        folder = tmp_path / str(moment)
        with monkeypatch.context() as patched:
            deaths = _die_at(patched, moment)
            try:
                _live(folder)
            except Died:
                pass
            else:
                assert deaths() <= moment
                break
        kept = LogFolder(folder).checkpoint()
        if kept is not None:
            whole(folder, ENTRIES)
        assert opened(folder).size == whole(folder, ENTRIES).size
        _live(folder)
        assert whole(folder, ENTRIES).size == 300
        shutil.rmtree(folder)
        moment += 1
    assert moment > 20


def _live(folder: Path) -> None:
    """Grow a log to 300 entries in two steps."""
    files = LogFolder(folder)
    keeper = Keeper(files, SIGNER)
    try:
        keeper.open()
        for size in (3, 300):
            keeper.append(ENTRIES[keeper.size:max(size, keeper.size)])
            keeper.sign()
    finally:
        files._executor.shutdown()  # Threads of the dead are gone before it lives again.


def _die_at(patched: pytest.MonkeyPatch, moment: int) -> Callable[[], int]:
    """Die instead of the nth time that bytes or names are brought to the disk; tell how many."""
    done, sync = [0], os.fsync

    def syncing(descriptor: int) -> None:
        done[0] += 1
        if done[0] > moment:
            raise Died
        sync(descriptor)

    patched.setattr(os, "fsync", syncing)
    return lambda: done[0]


@pytest.mark.parametrize("left", [1, 100, 200])
def test_a_checkpoint_cut_short_is_signed_again(tmp_path: Path, left: int) -> None:
    """A death in the middle of the list of checkpoints costs the last one, which none has seen."""
    keeper = opened(tmp_path)
    shown = LogFolder(tmp_path).checkpoint()
    keeper.append(ENTRIES[:10])
    keeper.sign()
    kept = tmp_path / "checkpoints"
    kept.write_bytes(kept.read_bytes()[:len((shown or "").encode()) + left])
    (tmp_path / "checkpoint").write_text(shown or "")
    again = opened(tmp_path)
    assert again.size == 0
    again.append(ENTRIES[:10])
    again.sign()
    assert whole(tmp_path, ENTRIES).size == 10
    assert len(LogFolder(tmp_path).history()) == 2


def _damaged(folder: Path, name: str, place: int = -1) -> None:
    path = folder / name
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(("name", "said"), [
    ("tile/0/000", "tile/0/000 is missing or does not fit"),
    ("tile/1/000.p/2", "tile/1/000.p/2 is missing or does not fit"),
    ("tile/entries/000", "tile/0/000 is missing or does not fit"),
    ("tile/entries/002.p/88", "tile/0/002.p/88 is missing or does not fit"),
    ("checkpoints", "no signature|does not fit the text")])
def test_a_changed_file_is_not_signed_over(tmp_path: Path, name: str, said: str) -> None:
    """One bit changed under a checkpoint: the log is not opened, and the message names it."""
    _log_of_600(tmp_path)
    raw = bytearray((tmp_path / name).read_bytes())
    raw[-5] ^= 1
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(TreeRefused, match=said) as refused:
        opened(tmp_path)
    assert SIGNER.verifier.name in str(refused.value)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/002.p/88", "checkpoints"])
def test_a_lost_file_is_not_signed_over(tmp_path: Path, name: str) -> None:
    """A file lost under a checkpoint: the log is not opened."""
    _log_of_600(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(TreeRefused, match="is not signed again"):
        opened(tmp_path)


def _log_of_600(folder: Path) -> None:
    keeper = opened(folder)
    keeper.append(ENTRIES[:600])
    keeper.sign()


def test_a_rewritten_log_is_not_signed_again(tmp_path: Path) -> None:
    """Other entries with their own right tiles, under checkpoints signed before: refused."""
    _log_of_600(tmp_path / "log")
    other = opened(tmp_path / "other")
    other.append([*entries(1, "regrouped"), *ENTRIES[1:600]])
    other.sign()
    shutil.rmtree(tmp_path / "log" / "tile")
    shutil.copytree(tmp_path / "other" / "tile", tmp_path / "log" / "tile")
    with pytest.raises(TreeRefused, match="not those of the checkpoint of size 600"):
        opened(tmp_path / "log")


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A key is made once with mode 0600, read again, and refused where others may read it."""
    path = tmp_path / "keys" / "votes" / "0.key"
    assert load_key(path) is None
    made, read = make_key(path), load_key(path)

    assert read is not None
    assert read.private_bytes_raw() == made.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(TreeRefused, match="chmod 600"):
        load_key(path)


def test_another_key_does_not_go_on(tmp_path: Path) -> None:
    """A log is signed by the key that began it, or not at all."""
    opened(tmp_path)
    stranger = Signer(SIGNER.verifier.name, Ed25519PrivateKey.generate())
    with pytest.raises(TreeRefused, match="no signature is by a known key"):
        opened(tmp_path, stranger)


def test_a_record_that_names_no_consultation_is_logged_as_such(tmp_path: Path) -> None:
    """A rule of the guard for all consultations says null, and ends no notary."""
    keeper, value = opened(tmp_path), rule_for_all()
    Book("t.catalogue", 0, codec.decode, keeper).take([SimpleNamespace(offset=0, value=value)])

    assert keeper.size == 1
    assert keeper.last_entry() == entry_of("", value)
