"""`scrutin receipt verify`: a true receipt holds, and no changed one does."""

import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from schemas import codec
from schemas.topics import Topics
from scrutin.commands.receipt import verify
from scrutin.gateway.receipt_checker import ReceiptChecker
from sinks.transparency.entries import entry_of
from sinks.transparency.notes import Signer
from sinks.transparency.policy import write_policy
from sinks.transparency.serving import ServedLogs
from tests.sinks.transparency.keeping import entries, opened
from tests.sinks.transparency.receipts import GATEWAY, keys, receipt, vote
from views.voting.receipts import Checked


VOTES = [vote(number) for number in range(5)]
RECEIPT = receipt(VOTES, 3, first_offset=297)
SIGNER = Signer("example.org/log/scrutin/votes/1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
application = typer.Typer()
application.command()(verify)


@dataclass
class Desk:
    """A folder with what a voter has saved."""

    folder: Path
    proof: str

    def check(self, document: Any, *options: str, proof: str | None = None) -> Any:
        """Run the command on a receipt with a proof in it."""
        file = self.folder / "receipt.json"
        text = self.proof if proof is None else proof
        file.write_text(json.dumps({**document, "tlog_proof": text} if text else document))
        return CliRunner().invoke(application, [
            str(file), "--keys", str(self.folder / "keys"),
            *(options or ("--policy", str(self.folder / "scrutin/policy")))])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Log the votes at their offsets under a checkpoint, and save keys and proof."""
    folder = tmp_path_factory.mktemp("desk")
    keys(folder / "keys")
    keeper = opened(folder / "scrutin/votes/1", SIGNER)
    (folder / "scrutin/policy").write_text(write_policy([SIGNER.verifier]))
    keeper.append([*entries(297), *(entry_of("town", value) for value in VOTES)])
    keeper.sign()
    proof = ServedLogs(folder, Topics("scrutin", 2)).proof(1, 300)
    assert proof is not None
    return Desk(folder, proof)


def test_a_true_receipt_holds(desk: Desk) -> None:
    """Signature and inclusion are valid, and what was cast is said."""
    done = desk.check(RECEIPT)

    assert done.exit_code == 0, done.output
    assert "VoteCast (agree) on proposal p1 of town, 2023-11-14" in done.output
    assert "partition 1 offset 300" in done.output
    assert "promise: kept" in done.output
    assert "entry 300 of example.org/log/scrutin/votes/1 under the signed checkpoint of size 302" \
        in done.output


def test_what_was_not_checked_is_said(desk: Desk) -> None:
    """Without a proof the signature alone is checked; a proof without a policy is a lack."""
    alone = desk.check(RECEIPT, proof="")
    lacking = desk.check(RECEIPT, "--prefix", "scrutin")

    assert (alone.exit_code, lacking.exit_code) == (0, 3)
    assert "log: not checked. Give the answer of /v1/receipts/1/300" in alone.output
    assert "--policy" in lacking.stderr


@pytest.mark.parametrize(("age_seconds", "exit_code", "said"), [
    (0, 0, "promise: running"), (3_700, 3, "BROKEN: the service promised")])
def test_a_promise_runs_and_then_is_broken(
    desk: Desk, age_seconds: int, exit_code: int, said: str
) -> None:
    """A vote without a checkpoint has a signed hour; then its receipt is evidence: exit code 3."""
    value = vote(1, occurred_at=int((time.time() - age_seconds) * 1_000))
    refusal = '{"type": "/problems/not-in-log", "status": 404}'
    done = desk.check(receipt([value], 0, first_offset=9_000), proof=refusal)
    alone = desk.check(receipt([value], 0, first_offset=9_000), proof="")
    later = desk.check({**receipt([value], 0, first_offset=9_000), "inclusion_seconds": 90_000})

    assert done.exit_code == exit_code
    assert said in done.output
    assert alone.exit_code == 0
    assert ("promise: running" if age_seconds == 0 else "promise: over since") in alone.output
    assert later.exit_code == 4


@pytest.mark.parametrize("path", [
    ("partition",), ("offset",), ("batch", "first_offset"), ("batch", "size"), ("event_id",),
    ("trust",), ("event",), ("signature",), ("inclusion_seconds",), ("batch", "path", 0)], ids=str)
def test_no_changed_part_of_a_receipt_survives(desk: Desk, path: tuple[Any, ...]) -> None:
    """Each part of a receipt, changed, makes it invalid or unreadable."""
    changed = copy.deepcopy(RECEIPT)
    inner: Any = changed
    for name in path[:-1]:
        inner = inner[name]
    held = inner[path[-1]]
    inner[path[-1]] = held + 1 if isinstance(held, int) else _other(held)
    done = desk.check(changed, proof="")

    assert done.exit_code in {4, 5}, done.output


def _other(text: str) -> str:
    """Change a character in the middle of a text for another of its kind."""
    at = len(text) // 2
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


@given(data=st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_proof_survives(desk: Desk, data: st.DataObject) -> None:
    """A proof with one character changed or lost is invalid, or none that can be read."""
    at = data.draw(st.integers(0, len(desk.proof) - 1))
    others = [one for one in ("", "A", "1", "\n") if one != desk.proof[at]]
    other = data.draw(st.sampled_from(others))
    changed = desk.proof[:at] + other + desk.proof[at + 1:]
    done = desk.check(RECEIPT, proof=changed)

    assert done.exit_code in {4, 5}, done.output
    assert "signature: valid" in done.output
    assert ("INVALID: " if done.exit_code == 4 else "Fetch it again.") in done.stderr


def test_a_forked_log_is_shown_by_a_receipt(desk: Desk, tmp_path: Path) -> None:
    """A vote that the operator replaced in the log: its receipt holds, the log's proof does not."""
    keeper = opened(tmp_path / "scrutin/votes/1", SIGNER)
    replaced = [*VOTES[:3], vote(9), VOTES[4]]
    keeper.append([*entries(297), *(entry_of("town", value) for value in replaced)])
    keeper.sign()
    proof = ServedLogs(tmp_path, Topics("scrutin", 2)).proof(1, 300)
    assert proof is not None
    done = desk.check(RECEIPT, proof=proof)

    assert done.exit_code == 4
    assert "signature: valid" in done.output
    assert "the proof does not lead from this entry to the root" in done.stderr
    assert "it is evidence" in done.stderr


def test_the_page_finds_what_the_command_finds(desk: Desk) -> None:
    """In the log, not yet, overdue, another vote there, changed, no receipt: each is said."""
    topics, now = Topics("scrutin", 2), time.time()
    checker = ReceiptChecker(
        GATEWAY.public_key().public_bytes_raw(), ServedLogs(desk.folder, topics), topics)

    def verdict(document: Any) -> str:
        return checker.check(json.dumps(document).encode(), now).verdict

    fresh = vote(1, occurred_at=int(now * 1_000))
    logged = checker.check(json.dumps(RECEIPT).encode(), now)
    done = desk.check(json.loads(logged.document))
    assert (logged.verdict, logged.size, done.exit_code) == ("logged", 302, 0)
    documents: list[Any] = [
        receipt([fresh], 0, first_offset=302), receipt([vote(9)], 0, first_offset=302),
        receipt([vote(9)], 0, first_offset=300), {**RECEIPT, "offset": 299},
        {**RECEIPT, "trust": "suspect"}, []]
    assert [verdict(each) for each in documents] == [
        "running", "broken", "differs", "unsigned", "unsigned", "unreadable"]
    assert checker.look(1, 301) == Checked(
        "logged", place=(1, 301), log=SIGNER.verifier.name, size=302)
    assert checker.look(1, 302) == Checked("running", place=(1, 302))
    assert checker.look(2, 0) is None


def test_a_stranger_s_words_are_not_shown(desk: Desk) -> None:
    """Nothing of a receipt is said before its signature held, and nothing moves the terminal."""
    hostile = codec.encode(
        "VoteCast", event_id=bytes(16), voter=bytes(16), salt=bytes(16), choice="agree",
        trust="trusted", origin="web", consultation="town", proposal="\x1b[2Kp1",
        occurred_at=1_700_000_000_000)
    unsigned = desk.check({**receipt([hostile], 0, first_offset=0), "offset": 1}, proof="")
    signed = desk.check(receipt([hostile], 0, first_offset=0), proof="")

    assert (unsigned.exit_code, signed.exit_code) == (4, 0)
    assert "town" not in unsigned.output
    assert "\x1b" not in signed.output
    assert "\\x1b[2Kp1" in signed.output


def test_what_is_no_receipt_is_unreadable(desk: Desk) -> None:
    """Another document, an event that is no voter's, a time of no calendar: exit code 5."""
    closed = codec.encode(
        "ConsultationClosed", event_id=bytes(16), consultation="town", salt=bytes(16),
        origin="operator", occurred_at=1, closes_at=1)
    for value in (closed, vote(1, occurred_at=2**62), vote(1, occurred_at=-(2**62))):
        assert desk.check(receipt([value], 0, first_offset=0), proof="").exit_code == 5
    deep = desk.folder / "deep.json"
    deep.write_text('{"a":' + "[" * 200_000)
    assert CliRunner().invoke(
        application, [str(deep), "--keys", str(desk.folder / "keys")]).exit_code == 5
    for proof in ("no proof", "[" * 200_000):
        done = desk.check(RECEIPT, proof=proof)
        assert (done.exit_code, "evidence" in done.stderr) == (5, False)
    assert desk.check({"partition": 1}).exit_code == 5
    assert desk.check({**RECEIPT, "event": "AAAA"}).exit_code == 5
    assert desk.check({**RECEIPT, "offset": "300"}).exit_code == 5
