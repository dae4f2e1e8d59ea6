"""By which key is a receipt, and does the log name it? Receipts of release 0.1.0 go on holding."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from schemas.named_keys import HEAD, KeyList, key_id
from schemas.topics import Topics
from scrutin.commands.receipt import verify
from scrutin.gateway.receipt_checker import KEYS_CHARACTERS_MAX, ReceiptChecker
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment
from sinks.transparency.notes import Signer
from sinks.transparency.policy import write_policy
from sinks.transparency.serving import ServedLogs
from tests.sinks.transparency.receipts import GATEWAY, keys, receipt, vote


RELEASE = Path(__file__).parents[2] / "releases/signed-by-0.1.0"
WHEEL = RELEASE.parent / "scrutin-0.1.0-py3-none-any.whl"
VOTES = [vote(number) for number in range(5)]
SIGNER = Signer("example.org/log/scrutin/votes/1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
LATER = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
application = typer.Typer()
application.command()(verify)


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def listed(*named: tuple[int, Ed25519PrivateKey, str]) -> KeyList:
    """List keys of receipts by the offsets that name them."""
    found = KeyList()
    for offset, key, state in named:
        found.apply({"kind": "receipt", "name": "", "public": public(key), "state": state}, offset)
    return found


NAMED = ((3, GATEWAY, "in_use"), (8, LATER, "in_use"), (9, GATEWAY, "retired"))


@dataclass
class Desk:
    """A log of votes under a checkpoint that commits to keys, and what a voter has saved."""

    folder: Path
    topics: Topics = field(default_factory=lambda: Topics("scrutin", 2))

    def log(self, keys: KeyList | None, size: int = 20) -> str:
        """Log the votes from offset 0 on; return the proof of the fourth."""
        line = () if keys is None else (commitment(keys, size),)
        keeper = Keeper(LogFolder(self.folder / "scrutin/votes/1"), SIGNER, lambda: line)
        keeper.open()
        (self.folder / "scrutin/policy").write_text(write_policy([SIGNER.verifier]))
        keeper.append([entry_of("town", value) for value in VOTES])
        keeper.sign()
        proof = ServedLogs(self.folder, self.topics).proof(1, 3)
        assert proof is not None
        return proof

    def check(self, document: dict[str, Any], **given: str | None) -> Any:
        """Run the command with what is given: the receipt's own proof and a policy unless said."""
        words = []
        for name, text in ({"policy": (self.folder / "scrutin/policy").read_text(), **given}
                           ).items():
            if text is not None:
                (self.folder / name).write_text(text)
                words += [f"--{name}", str(self.folder / name)]
        (self.folder / "receipt").write_text(json.dumps(document))
        return CliRunner().invoke(application, [str(self.folder / "receipt"), *words])


def of(by: Ed25519PrivateKey, **more: Any) -> dict[str, Any]:
    """Return the receipt of the fourth vote."""
    return {**receipt(VOTES, 3, first_offset=0, by=by), **more}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(("key", "offset", "state"), [
    (GATEWAY, 3, "retired"), (LATER, 8, "in use")])
def test_a_key_that_the_log_names_cannot_be_denied(
    desk: Desk, key: Ed25519PrivateKey, offset: int, state: str
) -> None:
    """In use or retired: which it is, where the log names it, and that a checkpoint says so."""
    proof = desk.log(listed(*NAMED))
    later = listed(*NAMED, (30, STRANGER, "in_use")).text()

    for text in (listed(*NAMED).text(), later):
        done = desk.check(of(key, tlog_proof=proof), keys=text)
        assert done.exit_code == 0, done.output
        assert f"signature: valid, by the key {key_id(public(key))}" in done.output
        assert (f"key: valid. The log names it since offset {offset} of the catalogue, now "
                f"{state}, and this checkpoint commits to that") in done.output


def test_a_receipt_with_all_that_it_needs_is_checked_by_the_policy_alone(desk: Desk) -> None:
    """The keys that came with it count under the signed checkpoint, and under nothing else."""
    proof, text = desk.log(listed(*NAMED)), listed(*NAMED).text()
    whole = of(LATER, tlog_proof=proof, keys=text)
    forged = of(STRANGER, tlog_proof=proof, keys=listed(*NAMED, (10, STRANGER, "in_use")).text())
    refusal = '{"type": "/problems/not-in-log", "status": 404}'

    refused = desk.check(forged)
    assert (desk.check(whole).exit_code, refused.exit_code) == (0, 4)
    assert "town" not in refused.output, "a stranger's words"
    for lacking in (desk.check(whole, policy=None), desk.check(whole, proof=refusal),
                    desk.check({**whole, "tlog_proof": None})):
        assert lacking.exit_code == 3
        assert "give it with --keys" in lacking.stderr
    assert desk.check(of(LATER, tlog_proof=proof)).exit_code == 3
    assert desk.check({**whole, "keys": "scrutin keys v1\nx"}).exit_code == 5


def test_keys_that_came_along_count_for_nothing_where_no_checkpoint_commits(desk: Desk) -> None:
    """A stranger's receipt with a list of its own, under an old checkpoint of ours: refused."""
    proof = desk.log(None)
    text = listed((1, STRANGER, "in_use")).text()
    forged, given = of(STRANGER, tlog_proof=proof, keys=text), of(GATEWAY, tlog_proof=proof)

    assert desk.check(forged).exit_code == 4
    done = desk.check(given, keys=listed(*NAMED).text())
    assert (done.exit_code, "commits to no keys" in done.output) == (0, True)


def test_a_key_cannot_be_slipped_into_the_list_that_a_checkpoint_commits_to(desk: Desk) -> None:
    """Behind lines of later records, with an offset of before: the prefix fits, the key is not."""
    proof = desk.log(listed(*NAMED))
    later = [Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2)]
    honest = listed(*NAMED, (30, later[0], "in_use"), (31, later[1], "in_use")).text()
    slipped = listed((0, STRANGER, "in_use")).text().removeprefix(HEAD)
    text = honest + slipped

    for done in (desk.check(of(STRANGER, tlog_proof=proof, keys=text)),
                 desk.check(of(STRANGER, tlog_proof=proof), keys=text)):
        assert done.exit_code == 5
        assert "do not stand in their order" in done.stderr
    assert desk.check(of(LATER, tlog_proof=proof), keys=honest).exit_code == 0


def unsaid(done: Result, *parts: str) -> list[str]:
    """Return what a command did not say on stderr."""
    return [part for part in parts if part not in done.stderr]


def test_a_key_that_the_log_never_named_is_said(desk: Desk) -> None:
    """Not in the list, or named after the checkpoint, or another list than the committed: 4."""
    proof = desk.log(listed(*NAMED))
    stranger = desk.check(of(STRANGER, tlog_proof=proof), keys=listed(*NAMED).text())
    late = desk.check(of(STRANGER, tlog_proof=proof),
                      keys=listed(*NAMED, (30, STRANGER, "in_use")).text())
    other = desk.check(of(GATEWAY, tlog_proof=proof), keys=listed(NAMED[0]).text())

    assert [done.exit_code for done in (stranger, late, other)] == [4, 4, 4]
    assert unsaid(stranger, "Nobody has named that key as the service's",
                  f"is by the key {key_id(public(STRANGER))}, which is none of the 2 known") == []
    assert unsaid(late, "the log does not name the key", "at offset 30 of the catalogue",
                  "a proof under a later checkpoint tells") == []
    assert unsaid(other, "commits to other keys") == []


@pytest.mark.parametrize("fields", [{"kind": "log"}, {"name": "example.org/log"}])
def test_a_key_that_is_named_for_another_use_is_not_one_of_receipts(
    desk: Desk, fields: dict[str, str]
) -> None:
    """What a checkpoint commits to as the key of a log, or by a name, can be denied of receipts."""
    named = listed(*NAMED)
    for offset, used in ((12, {"kind": "receipt", "name": "", **fields}),
                         (30, {"kind": "receipt", "name": ""})):
        named.apply({**used, "public": public(STRANGER), "state": "in_use"}, offset)
        proof = desk.log(named)
        done = desk.check(of(STRANGER, tlog_proof=proof), keys=named.text())
        assert (done.exit_code, type(done.exception)) == (4, SystemExit)


def test_no_number_of_keys_before_it_denies_a_receipt(desk: Desk) -> None:
    """Of one that names no key all are tried, though the service lists a hundred before."""
    named = listed(*((number, Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)), "in_use")
                     for number in range(100)), (100, GATEWAY, "in_use"))
    given = of(GATEWAY, tlog_proof=desk.log(named, size=101))
    given.pop("key")

    assert desk.check(given, keys=named.text()).exit_code == 0


def test_a_receipt_cannot_lie_about_its_key(desk: Desk) -> None:
    """The signature holds under one key alone: another name is refused, and no name is found."""
    proof, text = desk.log(listed(*NAMED)), listed(*NAMED).text()
    name = key_id(public(LATER))

    assert desk.check(of(GATEWAY, tlog_proof=proof, key=name), keys=text).exit_code == 4
    assert desk.check(of(GATEWAY, tlog_proof=proof, key=None), keys=text).exit_code == 0
    for wrong in ("", "x" * 16, name.upper(), 7):
        assert desk.check(of(GATEWAY, tlog_proof=proof, key=wrong), keys=text).exit_code == 5


def test_the_gateway_s_own_word_is_told_from_the_log_s(desk: Desk) -> None:
    """With the answer of /v1/keys the signature holds, and that the log was not asked is said."""
    proof = desk.log(listed(*NAMED))
    keys(desk.folder / "answer")
    done = desk.check(of(GATEWAY, tlog_proof=proof), keys=(desk.folder / "answer").read_text())

    assert (done.exit_code, "key: not looked for in the log" in done.output) == (0, True)
    for broken in ('{"receipt": "x"}', '{"receipts": 1}', "[]", '{"receipt": 1, "receipts": [1]}'):
        assert desk.check(of(GATEWAY), keys=broken).exit_code == 5


def test_a_receipt_of_release_0_1_0_holds(tmp_path: Path) -> None:
    """With the keys of then, and with a list that names its key since."""
    file, policy = RELEASE / "receipt.json", RELEASE / "receipt-policy"
    old = Ed25519PrivateKey.from_private_bytes(bytes([77] * 32))
    (tmp_path / "keys").write_text(listed((1, LATER, "in_use"), (4, old, "retired")).text())

    assert "key" not in json.loads(file.read_text())
    for given in (RELEASE / "keys.json", tmp_path / "keys"):
        done = CliRunner().invoke(
            application, [str(file), "--keys", str(given), "--policy", str(policy)])
        assert done.exit_code == 0, done.output
        assert f"signature: valid, by the key {key_id(public(old))}" in done.output
        assert "promise: kept" in done.output


def test_the_page_says_which_key_and_how_it_stands(desk: Desk) -> None:
    """Retired, in use, ours but not named yet, never named: by the list that the notary wrote."""
    desk.log(listed(*NAMED))
    new = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    checker = ReceiptChecker(public(LATER), ServedLogs(desk.folder, desk.topics), desk.topics,
                             held=lambda: [public(new)])

    def check(by: Ed25519PrivateKey) -> tuple[str, str, str]:
        found = checker.check(json.dumps(of(by)).encode(), time.time())
        return found.verdict, found.key, found.key_state

    unlisted = check(LATER)
    (desk.folder / "scrutin/keys").write_text("damaged")
    assert (unlisted, check(LATER)) == (("logged", key_id(public(LATER)), "unnamed"),) * 2
    (desk.folder / "scrutin/keys").write_text(listed(*NAMED).text())
    assert [check(key) for key in (GATEWAY, LATER, new, STRANGER)] == [
        ("logged", key_id(public(GATEWAY)), "retired"),
        ("logged", key_id(public(LATER)), "in_use"),
        ("logged", key_id(public(new)), "unnamed"), ("unsigned", "", "unknown")]


def test_the_page_puts_the_keys_into_a_receipt_while_they_are_few(desk: Desk) -> None:
    """With them the receipt is checked without more; a list too long is left out."""
    desk.log(listed(*NAMED))
    checker = ReceiptChecker(public(LATER), ServedLogs(desk.folder, desk.topics), desk.topics)
    (desk.folder / "scrutin/keys").write_text(listed(*NAMED).text())
    document = json.loads(checker.check(json.dumps(of(LATER)).encode(), 0).document)
    many = listed(*((number, Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)), "in_use")
                    for number in range(100)))
    (desk.folder / "scrutin/keys").write_text(many.text())
    without = json.loads(checker.check(json.dumps(of(LATER)).encode(), 0).document)

    assert desk.check(document).exit_code == 0
    assert len(many.text()) > KEYS_CHARACTERS_MAX
    assert "keys" not in without


def test_release_0_1_0_takes_a_receipt_of_today(desk: Desk) -> None:
    """Its signature and its place in the log: the key's name and the checkpoint's line are more."""
    proof = desk.log(listed(*NAMED))
    (desk.folder / "receipt").write_text(json.dumps(of(GATEWAY, tlog_proof=proof)))
    done = subprocess.run(
        [sys.executable, "-m", "scrutin", "receipt", "verify", str(desk.folder / "receipt"),
         "--keys", str(keys(desk.folder / "answer")),
         "--policy", str(desk.folder / "scrutin/policy")],
        env={**os.environ, "PYTHONPATH": str(WHEEL)}, cwd=desk.folder, capture_output=True,
        text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "signature: valid. The gateway took it" in done.stdout
    assert "promise: kept" in done.stdout
