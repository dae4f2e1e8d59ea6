"""Rotation: a key more or less, and everything that was signed before goes on working."""

from pathlib import Path

import pytest
from starlette.types import Scope

from producers.gateway import guards, identity, view_proofs
from producers.gateway.dated_keys import GRACE_SECONDS, LOOK_SECONDS
from producers.gateway.exchange import Asked
from producers.gateway.keys import KeyFolder, KeysUnusable
from schemas.private_files import KEYS_MAX


DEVICE, VOTER = bytes(range(16)), bytes(16)
NOW = 1_764_378_000
NEW_KEY = bytes(range(32))


class Gateway:
    """A gateway's view of the folder, with a clock of its own."""

    def __init__(self, folder: Path, ahead_seconds: float = 0) -> None:
        self.now = NOW + ahead_seconds
        self.keys = KeyFolder(folder, lambda: self.now)
        _ = self.keys.device, self.keys.view, self.keys.receipt

    def cookie(self) -> str:
        return identity.device_cookie(self.keys.device, DEVICE)

    def proof(self) -> str:
        return view_proofs.view_proof(
            self.keys.view, VOTER, "town", "p1", shown_at=NOW * 1_000, shown=1, wording=7)

    def accepts(self, cookie: str, proof: str) -> bool:
        """Whether this gateway knows the device of a cookie, and that a proposal was shown."""
        scope: Scope = {"scheme": "https", "headers": [
            (b"cookie", f"{guards.SECURE_COOKIE}={cookie}".encode())]}
        device = guards.device_of(Asked(scope, _nothing), self.keys.device)
        seen = view_proofs.read(
            self.keys.view, VOTER, "town", "p1", proof=proof, now=NOW * 1_000 + 5_000)
        return device.id == DEVICE and seen is not None


async def _nothing() -> dict[str, object]:
    return {}


def rotated(gateway: Gateway, key: bytes = NEW_KEY) -> None:
    """Put new keys into the folder, as `scrutin keys rotate` does."""
    for kind in ("device", "view", "receipt"):
        gateway.keys.add(kind, key, NOW + GRACE_SECONDS)


def test_gateways_accept_each_other_through_a_rotation(tmp_path: Path) -> None:
    """At every moment of a rotation, whichever has looked when, with clocks a minute apart."""
    first, second = Gateway(tmp_path), Gateway(tmp_path, ahead_seconds=40)
    before = first.cookie(), first.proof()
    rotated(first)
    signed = {before}
    # Each looks within LOOK_SECONDS of the making; the first one long before the second.
    first.keys.look()
    for passed in range(0, 3 * GRACE_SECONDS, 5):
        first.now, second.now = NOW + passed, NOW + passed + 40
        first.keys.look()
        if passed >= LOOK_SECONDS:
            second.keys.look()
        signed |= {(first.cookie(), first.proof()), (second.cookie(), second.proof())}
        for made in signed:
            assert first.accepts(*made)
            assert second.accepts(*made)
    assert len(signed) == 2
    assert first.cookie() == second.cookie() != before[0]
    assert Gateway(tmp_path, 3 * GRACE_SECONDS).cookie() == first.cookie()


def test_a_new_key_signs_from_its_moment_on(tmp_path: Path) -> None:
    """Before it the old one does, and every gateway holds both."""
    gateway = Gateway(tmp_path)
    old = gateway.keys.receipt.private_bytes_raw()
    rotated(gateway)

    assert gateway.keys.look()
    assert not gateway.keys.look()
    assert gateway.keys.receipt.private_bytes_raw() == old
    gateway.now = NOW + GRACE_SECONDS
    assert gateway.keys.look()
    assert gateway.keys.receipt.private_bytes_raw() == NEW_KEY
    assert {key.private_bytes_raw() for key in gateway.keys.receipts} == {old, NEW_KEY}


def test_a_key_ends_with_its_file(tmp_path: Path) -> None:
    """What it signed is nobody's any more, at the next look."""
    gateway = Gateway(tmp_path)
    before = gateway.cookie(), gateway.proof()
    rotated(gateway)
    gateway.now = NOW + GRACE_SECONDS
    for kind in ("device", "view"):
        (tmp_path / f"{kind}.key").unlink()
    gateway.keys.look()

    assert not gateway.accepts(*before)
    assert gateway.accepts(gateway.cookie(), gateway.proof())
    assert not (tmp_path / "device.key").exists()


def test_a_stranger_s_key_signs_nothing_of_ours(tmp_path: Path) -> None:
    """Cookies and proofs under a key that never lay here are refused by a ring of several."""
    gateway = Gateway(tmp_path / "ours")
    rotated(gateway)
    gateway.keys.look()
    other = Gateway(tmp_path / "theirs")

    assert not gateway.accepts(other.cookie(), gateway.proof())
    assert not gateway.accepts(gateway.cookie(), other.proof())


def test_so_many_keys_are_tried_and_no_more(tmp_path: Path) -> None:
    """One more in the folder is refused at the start; who runs keeps what he has."""
    gateway = Gateway(tmp_path)
    for number in range(KEYS_MAX - 1):
        gateway.keys.add("device", bytes([number] * 32), NOW + number)
    gateway.keys.look()
    assert len(gateway.keys.device.signers) == KEYS_MAX
    gateway.keys.add("device", bytes(32), NOW + KEYS_MAX)

    with pytest.raises(KeysUnusable, match="scrutin keys retire"):
        gateway.keys.look()
    assert len(gateway.keys.device.signers) == KEYS_MAX
    with pytest.raises(KeysUnusable, match="scrutin keys retire"):
        Gateway(tmp_path)


def test_files_of_other_names_are_no_keys(tmp_path: Path) -> None:
    """A draft, a copy, a number that is none: left alone."""
    gateway = Gateway(tmp_path)
    for name in ("device.key.0a1b", "device.x.key", "device.01.key", "device.key~", "device..key"):
        (tmp_path / name).write_bytes(NEW_KEY)

    assert not gateway.keys.look()
    assert len(Gateway(tmp_path).keys.device.signers) == 1
