"""Cosignatures of witnesses: those of real ones are read, and nothing else passes for one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.cosignatures import Witness, cosignatures, countersigned, parse_witness
from sinks.transparency.notes import Refused, Signer, Verifier
from sinks.transparency.policy import parse_policy, parse_witnesses, write_policy
from sinks.transparency.quorum import WITNESSES_MAX, Quorum, Unwitnessed
from sinks.transparency.submissions import cosigned_by
from tests.sinks.transparency.cosigning import NOW, Cosigner, least
from tests.sinks.transparency.keeping import SIGNER


BY_LITEWITNESS = (
    "localhost/log/scrutin/votes/0\n300\nz4L22tOSAB77vWI45Pwwl/ZfDb0OUMeOGjBuimVP77o=\n\n"
    "— localhost/log/scrutin/votes/0 hK21Onj69mnuL+7/xwdOboO9EUoKsyf043hRYXnRxa3wTakEaBUyuofMBnxd"
    "h+kGXmF3NQsbUJmv/oQoBi1IZm1rrAA=\n"
    "— witness.example/w1 gkwkcAAAAABrDNnqWW/IvQymc0sBe43tmlkKnkC/rXarv+tQX7glBNjLcjKas8B2IFIe6zwz"
    "6edlHc4583CDBKPE5zv1JH3noB4fDw==\n"
    "— witness.example/w2 P+ghDAAAAABrDNnqDrgB7rRNbKkK6Mv1aEL+f0J8384U/U87jMqMqZX5smwgSis4cZBNvbg/"
    "+eW1dofvSNi9ZoOz1OHBwYnn9C0fAQ==\n")
"""A checkpoint of ours as two litewitness (filippo.io/torchwood 0.6.1) countersigned it."""
LITEWITNESSES = (
    "witness.example/w1+824c2470+BD8fD/TCNW5NwKKMFYXtP/E2rQhgfKGFPpS8ILHtE31T",
    "witness.example/w2+3fe8210c+BIumSF93G5sYLF/kZhmCpYKPyFwxdyaFoBK+At8ob53H")
SPECIFIED = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
"""A witness's key as github.com/transparency-dev/formats has it in its tests."""
ONE, TWO, THREE = (Cosigner(label) for label in ("one", "two", "three"))
YEAR_10000 = 253_402_300_800
CHECKPOINT = f"{SIGNER.verifier.name}\n7\n{'A' * 43}=\nscrutin-keys 1 of these\n"
NOTE = SIGNER.sign(CHECKPOINT)
SIGNED = NOTE + ONE.line(NOTE) + TWO.line(NOTE, NOW + 1)


def test_cosignatures_of_real_witnesses_are_read() -> None:
    """Each by its key, with the time of its witness; a key of another witness finds none."""
    first, second = (parse_witness(f"w{number}", vkey) for number, vkey in enumerate(
        LITEWITNESSES, 1))
    found = cosignatures(BY_LITEWITNESS, [second, first])

    assert [(one.witness.label, one.at) for one in found] == [
        ("w2", 1_796_004_330), ("w1", 1_796_004_330)]
    assert BY_LITEWITNESS.endswith(found[1].line + found[0].line)
    assert cosignatures(BY_LITEWITNESS, [parse_witness("w1", SPECIFIED)]) == []


@pytest.mark.parametrize("vkey", [*LITEWITNESSES, SPECIFIED])
def test_a_witness_is_written_as_read(vkey: str) -> None:
    """Its key comes back; the same bytes as a key of notes, or under another id, are refused."""
    assert parse_witness("w", vkey).vkey == vkey
    for wrong in (SIGNER.verifier.vkey, vkey.replace("+B", "+A", 1), vkey[:-4],
                  vkey.replace(vkey.split("+")[1], "00000000")):
        with pytest.raises(Refused):
            parse_witness("w", wrong)


@given(data=st.data())
def test_no_flipped_bit_of_a_countersigned_checkpoint_survives(data: st.DataObject) -> None:
    """With any one bit changed it is refused, or says no more than that a witness is missing."""
    raw = bytearray(SIGNED.encode())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    asking = SIGNER.verifier._replace(quorum=least(2, ONE, TWO))

    assert open_checkpoint(SIGNED, asking).size == 7
    with pytest.raises((Refused, UnicodeDecodeError)):
        open_checkpoint(raw.decode(), asking)


def test_the_newest_cosignature_of_a_witness_counts() -> None:
    """A witness may sign twice; lines come as the policy has them; time 0 is none, nor 10000."""
    later = countersigned(SIGNED, cosignatures(NOTE + ONE.line(NOTE, NOW + 9), [ONE.witness]))

    assert [one.at for one in cosignatures(later, [TWO.witness, ONE.witness])] == [NOW + 1, NOW + 9]
    for at in (0, YEAR_10000, 1 << 63):
        with pytest.raises(Refused, match="does not fit"):
            cosignatures(NOTE + ONE.line(NOTE, at), [ONE.witness])


def test_one_witness_says_nothing_of_another_log() -> None:
    """A cosignature moved under another checkpoint is refused, however the log signs that."""
    other = SIGNER.sign(CHECKPOINT.replace("\n7\n", "\n8\n"))

    with pytest.raises(Refused, match="does not fit the checkpoint"):
        cosignatures(other + ONE.line(NOTE), [ONE.witness])


def test_an_unwitnessed_checkpoint_says_who_is_missing() -> None:
    """Two of three are enough, whichever; with one, the others are named, with their keys."""
    asking = SIGNER.verifier._replace(quorum=least(2, ONE, TWO, THREE))

    assert open_checkpoint(NOTE + THREE.line(NOTE) + ONE.line(NOTE), asking).size == 7
    with pytest.raises(Unwitnessed, match=r"\(2 of \(one, two, three\)\): no cosignature of "
                       r"two \(witness.example/two\), three \(witness.example/three\)$"):
        open_checkpoint(NOTE + ONE.line(NOTE), asking)
    assert open_checkpoint(NOTE, asking.alone).size == 7


def test_a_policy_that_asks_for_witnesses_is_read_as_written() -> None:
    """Every log of it asks, with keys that came since too; its text is the one that was written."""
    quorum = least(2, ONE, TWO, Cosigner("three", "https://witness.example/three"))
    key = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    other = Signer("example.org/log/test/votes/1", key)
    logs = parse_policy(write_policy([SIGNER.verifier, other.verifier], quorum))

    assert {name: log.quorum for name, log in logs.items()} == {
        SIGNER.verifier.name: quorum, other.verifier.name: quorum}
    assert logs[other.verifier.name].with_keys([bytes(32)]).quorum == quorum
    assert parse_witnesses(write_policy([], quorum)) == quorum
    assert parse_policy(write_policy(
        [SIGNER.verifier])) == {SIGNER.verifier.name: Verifier(*SIGNER.verifier[:2])}


def _lines(*labels: str) -> str:
    return "".join(f"witness {label} {Cosigner(label).witness.vkey}\n" for label in labels)


SPECIFICATION = (
    _lines("X1", "X2", "X3") + "group X-witnesses 2 X1 X2 X3\n" + _lines("Y1", "Y2", "Y3")
    + "group Y-witnesses any Y1 Y2 Y3\n\n# both\ngroup X-and-Y all X-witnesses Y-witnesses\n"
    "\t quorum X-and-Y\n")
"""The example of C2SP tlog-policy."""


@given(seen=st.sets(st.sampled_from(["X1", "X2", "X3", "Y1", "Y2", "Y3", "other"])))
def test_groups_of_groups_are_enough_as_the_format_says(seen: set[str]) -> None:
    """Two of X and one of Y, whoever else signs."""
    quorum = parse_witnesses(SPECIFICATION)
    assert quorum is not None

    assert quorum.is_met(seen) == (
        len(seen & {"X1", "X2", "X3"}) >= 2 and bool(seen & {"Y1", "Y2", "Y3"}))
    assert parse_witnesses(quorum.text()) == quorum


@pytest.mark.parametrize("text", [
    "", _lines("a"), _lines("a") + "quorum b\n", _lines("a") + "quorum a\nquorum a\n",
    "quorum a\n" + _lines("a"), _lines("a", "b") + "group g 3 a b\nquorum g\n",
    _lines("a", "b") + "group g 0 a b\nquorum g\n", _lines("a") + "group g 1 a a\nquorum g\n",
    _lines("a") + "group g any a\ngroup h any a\nquorum h\n", _lines("a") + "group a any a\n",
    _lines("a", "b") + "group g 01 a b\nquorum g\n", _lines("a") + "group g\nquorum a\n",
    _lines("a") + "group g any none\nquorum g\n", _lines("none") + "quorum none\n",
    _lines("a") + _lines("a").replace(" a ", " b ", 1) + "quorum a\n", "witness a\nquorum none\n",
    _lines(*(f"w{number}" for number in range(WITNESSES_MAX + 1))) + "quorum w1\n"])
def test_policies_that_cannot_be_meant_are_refused(text: str) -> None:
    """No quorum or two, a name that no line before defines, a member twice, more than there are."""
    with pytest.raises(Refused):
        parse_witnesses(text)


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0"])
def test_no_line_of_a_policy_hides_behind_a_comment(end: str) -> None:
    """A character that ends a line for some readers only is refused; those of files are none."""
    hidden = f"# whoever signs is enough:{end}quorum none\n"

    with pytest.raises(Refused, match="control character"):
        parse_witnesses(_lines("a") + hidden)
    assert parse_witnesses("#\thow many?\r\n" + _lines("a") + "quorum\ta\r\n") is not None


def test_a_log_is_no_witness_of_itself() -> None:
    """Its own key, under a witness's name, would sign whatever it shows to whom it likes."""
    own = Witness("own", "witness.example/own", SIGNER.verifier.public)

    with pytest.raises(Refused, match="own key as a witness"):
        parse_policy(f"log {SIGNER.verifier.vkey}\nwitness own {own.vkey}\nquorum own\n")


def test_a_witness_signs_the_checkpoint_and_no_text_of_its_own() -> None:
    """An empty line in its answer would move what stands before it into what was signed."""
    stray = "\N{EM DASH} x AAAAAAAA\n"
    answer = f"{stray}\n" + ONE.line_of(f"{CHECKPOINT}\n{stray}", NOW)

    with pytest.raises(Refused, match="more than lines of signatures"):
        cosigned_by(ONE.witness, NOTE, answer.encode(), NOW)
    found = cosigned_by(ONE.witness, NOTE, (stray + ONE.line(NOTE)).encode(), NOW)
    assert cosignatures(NOTE + found.line, [ONE.witness]) == [found]


def test_a_checkpoint_is_as_old_as_the_quorum_and_no_single_witness_says() -> None:
    """Two of three saw it, one by a clock that is ahead: the second one's time counts."""
    quorum = least(2, ONE, TWO, THREE)
    note = NOTE + ONE.line(NOTE, NOW + 86_400) + TWO.line(NOTE, NOW + 5) + THREE.line(NOTE, NOW)

    assert quorum.seen_at(quorum.require(note)) == NOW + 5


def test_as_many_witnesses_as_the_format_asks_for_are_read() -> None:
    """Thirty-two, all of which must sign."""
    labels = [f"w{number}" for number in range(WITNESSES_MAX)]
    quorum = parse_witnesses(_lines(*labels) + f"group g all {' '.join(labels)}\nquorum g\n")

    assert isinstance(quorum, Quorum)
    assert quorum.is_met(labels)
    assert not quorum.is_met(labels[1:])
