"""Notes, checkpoints, proofs and policies: as published, and not to be changed unseen."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sinks.transparency.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from sinks.transparency.entries import entry_of, parse_entry
from sinks.transparency.hashing import leaf_hash
from sinks.transparency.notes import Refused, Signer, open_note, parse_verifier
from sinks.transparency.policy import parse_policy, write_policy
from sinks.transparency.tlog_proof import TlogProof, parse_proof, verify
from tests.sinks.transparency.trees import Grown, numbered
from tests.sinks.transparency.vectors import NOTE, NOTE_VKEY, VKEY, VKEYS_REFUSED


ORIGIN = "example.org/log/votes/0"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENTRY = entry_of("town", b"a record")
LEAVES = [*numbered(300), leaf_hash(ENTRY), *numbered(500)]
GROWN = Grown(LEAVES)
CHECKPOINT = Checkpoint(ORIGIN, len(LEAVES), GROWN.tree.root())
PROOF = TlogProof(300, GROWN.prover().inclusion(300), SIGNER.sign(CHECKPOINT.text()))
LOGS = {ORIGIN: SIGNER.verifier}


def test_the_published_note_verifies() -> None:
    """The example of signed-note opens under its key, and its key is read and written alike."""
    assert open_note(NOTE, [parse_verifier(NOTE_VKEY)]) == "This is an example message.\n"
    assert parse_verifier(NOTE_VKEY).vkey == NOTE_VKEY
    assert parse_verifier(VKEY).vkey == VKEY


@pytest.mark.parametrize("vkey", [
    *VKEYS_REFUSED, "", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    NOTE_VKEY[:-1], NOTE_VKEY.replace("530d", "530e"), NOTE_VKEY.replace("foo", "fo o")])
def test_keys_that_are_none_are_refused(vkey: str) -> None:
    """A key of another algorithm, length, id or name is no key."""
    with pytest.raises(Refused):
        parse_verifier(vkey)


@given(data=st.data())
def test_no_flipped_bit_of_a_note_survives(data: st.DataObject) -> None:
    """A note with any one bit changed is refused."""
    note = SIGNER.sign(CHECKPOINT.text()).encode()
    bit = data.draw(st.integers(0, 8 * len(note) - 1))
    changed = bytearray(note)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises((Refused, UnicodeDecodeError)):
        open_note(changed.decode(), [SIGNER.verifier])


def test_unknown_signatures_are_passed_over_and_wrong_ones_are_not() -> None:
    """A witness's line does no harm; a note only strangers signed, or that lies, is refused."""
    note, stranger = SIGNER.sign("text\n\nmore\n"), OTHER.sign("text\n\nmore\n")
    both = note + stranger.rpartition("\n\n")[2]

    assert open_note(both, [SIGNER.verifier]) == "text\n\nmore\n"
    with pytest.raises(Refused, match="no signature is by a known key"):
        open_note(stranger, [SIGNER.verifier])
    wrong = both.replace("more", "less")
    with pytest.raises(Refused, match="does not fit the text"):
        open_note(wrong, [SIGNER.verifier, OTHER.verifier])


def test_a_checkpoint_is_read_as_written() -> None:
    """Origin, size, root and further lines come back; a checkpoint of another log is refused."""
    extended = CHECKPOINT._replace(extensions=("time 17",))

    assert parse_checkpoint(extended.text()) == extended
    assert open_checkpoint(SIGNER.sign(CHECKPOINT.text()), SIGNER.verifier) == CHECKPOINT
    with pytest.raises(Refused, match="is of the log elsewhere"):
        open_checkpoint(SIGNER.sign(CHECKPOINT._replace(origin="elsewhere").text()),
                        SIGNER.verifier)


@pytest.mark.parametrize("text", [
    "log\n1\n", "log\n01\n{}\n", "log\n-1\n{}\n", "log\n1\nAAAA\n", "\n1\n{}\n", "log\n1\n{}\n\n"])
def test_checkpoints_that_are_none_are_refused(text: str) -> None:
    """A size with a leading zero, a short root or an empty line is refused."""
    with pytest.raises(Refused):
        parse_checkpoint(text.format("A" * 43 + "="))


def test_a_proof_is_read_as_written_and_verifies() -> None:
    """A tlog-proof comes back whole, says what it proves, and its extra line is not trusted."""
    read = parse_proof(PROOF.text())
    extra = PROOF.text().replace("\n", "\nextra AAAA\n", 1)

    assert read == PROOF == parse_proof(extra)
    assert verify(read, index=300, entry=ENTRY, logs=LOGS, origin=ORIGIN) == CHECKPOINT


@given(data=st.data())
def test_no_flipped_bit_of_a_proof_survives(data: st.DataObject) -> None:
    """A proof with any one bit changed is refused, and so is the proof of another entry."""
    raw = bytearray(PROOF.text().encode())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8

    with pytest.raises((Refused, UnicodeDecodeError)):
        verify(parse_proof(raw.decode()), index=300, entry=ENTRY, logs=LOGS, origin=ORIGIN)
    with pytest.raises(Refused, match="does not lead from this entry"):
        verify(PROOF, index=300, entry=entry_of("town", b"b"), logs=LOGS, origin=ORIGIN)


def test_a_policy_is_read_as_written() -> None:
    """The logs come back by origin; witnesses that are asked for are not passed over."""
    text = write_policy([SIGNER.verifier])

    assert parse_policy(f"# ours\n\n{text}") == LOGS
    for wrong in (text.replace("none", "w"), text + text, "log x\n" + text, "quora\n" + text):
        with pytest.raises(Refused):
            parse_policy(wrong)


@given(consultation=st.text(max_size=20), value=st.none() | st.binary(max_size=9))
def test_an_entry_names_its_consultation(consultation: str, value: bytes | None) -> None:
    """The consultation comes back from an entry, whatever bytes the hash ends in."""
    read = parse_entry(entry_of(consultation, value))

    assert read is not None
    assert read.consultation == consultation
    assert parse_entry(b"short") is None
