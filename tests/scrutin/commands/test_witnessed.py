"""Policies that ask for witnesses: whoever checks with one finds what they have not seen."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.private_files import make_private
from schemas.topics import Topics
from scrutin.doctor import here
from scrutin.doctor.answers import BAD, GOOD
from scrutin.gateway.receipt_checker import ReceiptChecker
from scrutin.main import application
from scrutin.process.foreign_files import NotOfItsKind, read_witnesses
from scrutin.settings import Settings
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.notes import Signer, Verifier
from sinks.transparency.policy import POLICY, WITNESSED_POLICY, write_policy
from sinks.transparency.serving import ServedLogs
from tests.sinks.transparency.cosigning import NOW, Cosigner, least
from tests.sinks.transparency.keeping import KEY, entries, opened
from tests.sinks.transparency.receipts import GATEWAY, keys, receipt, vote
from tests.sinks.transparency.serving import served


PLACE = "scrutin/votes/1"
SIGNER = Signer(f"example.org/log/{PLACE}", KEY)
VOTES = [vote(number) for number in range(5)]
RECEIPT = receipt(VOTES, 3, first_offset=297)
ENTRIES = [*entries(297), *(entry_of("town", value) for value in VOTES)]
ONE, TWO = Cosigner("one", "https://one.example"), Cosigner("two", "https://two.example")
QUORUM = least(2, ONE, TWO)


def grown(folder: Path, *sizes: int) -> Keeper:
    """Keep a log of these sizes, and publish its keys as the notary does."""
    keeper = opened(folder / PLACE, SIGNER)
    for size in sizes:
        keeper.append(ENTRIES[keeper.size:size])
        keeper.sign()
    keys(folder / "keys")
    for name, quorum in ((POLICY, None), (WITNESSED_POLICY, QUORUM)):
        (folder / "scrutin" / name).write_text(write_policy([SIGNER.verifier], quorum))
    return keeper


def countersign(keeper: Keeper, *cosigners: Cosigner, at: int = NOW) -> None:
    """Have the newest checkpoint countersigned and kept, as the notary does."""
    note = keeper.folder.history()[-1]
    note += "".join(each.line(note, at) for each in cosigners)
    assert keeper.folder.show_countersigned(note)
    witnessed = keeper.folder.witnessed
    witnessed.mend()
    witnessed.publish(note)


def ran(*arguments: object) -> Any:
    """Run scrutin."""
    return CliRunner().invoke(application(str(arguments[0])), list(map(str, arguments)))


def audited(folder: Path, name: str = WITNESSED_POLICY, *options: object) -> Any:
    """Audit the log over HTTP by a policy that is published."""
    with served(folder, Topics("scrutin", 2)) as url:
        policy = folder / "scrutin" / name
        return ran("audit", "log", f"{url}/{PLACE}", "--policy", policy, *options)


def test_a_witnessed_log_is_what_was_signed(tmp_path: Path) -> None:
    """All of it is checked; what has come since the witnesses looked is said, and no fault yet."""
    keeper = grown(tmp_path, 100, 290)
    countersign(keeper, ONE, TWO)
    whole = audited(tmp_path)
    grown(tmp_path, 302)
    stale = audited(tmp_path)
    countersign(opened(tmp_path / PLACE, SIGNER), ONE, TWO, at=int(time.time()))
    keeper = opened(tmp_path / PLACE, SIGNER)
    keeper.append(entries(7, "more"))
    keeper.sign()
    behind = audited(tmp_path)

    assert (whole.exit_code, stale.exit_code, behind.exit_code) == (0, 1, 0), (
        whole.output + stale.output + behind.output)
    assert ("witnessed: 290 entries, by as many witnesses as the policy asks for, on "
            "2026-09-21 14:13:20 UTC\n") in whole.output
    assert "has 12 entries behind the newest" in stale.stderr
    assert "UTC; the 7 behind them not yet, look again" in behind.output
    assert "309 entries" in behind.output
    assert "witnessed" not in audited(tmp_path, POLICY).output


@pytest.mark.parametrize(("cosigners", "missing"), [
    ((), "one (witness.example/one), two (witness.example/two)"),
    ((ONE,), "two (witness.example/two)")])
def test_an_unwitnessed_log_is_found_and_who_is_missing_said(
    tmp_path: Path, cosigners: tuple[Cosigner, ...], missing: str
) -> None:
    """Exit code 1; by the policy that asks for nobody it is what was signed, as before."""
    keeper = grown(tmp_path, 302)
    if cosigners:
        countersign(keeper, *cosigners)
    done = audited(tmp_path)

    assert done.exit_code == 1
    assert f"(2 of (one, two)): no cosignature of {missing}." in done.stderr
    assert audited(tmp_path, POLICY).exit_code == 0


def test_a_fork_behind_witnessed_checkpoints_of_the_log_is_found(tmp_path: Path) -> None:
    """Whoever forges a tree and shows the honest one's countersigned checkpoint: exit code 4."""
    honest = grown(tmp_path / "honest", 300)
    countersign(honest, ONE, TWO)
    forked = opened(tmp_path / "forked" / PLACE, SIGNER)
    forked.append([*ENTRIES[:250], *entries(60, "other")])
    forked.sign()
    grown(tmp_path / "forked")
    shown = str(honest.folder.witnessed.checkpoint())
    forked.folder.witnessed.mend()
    forked.folder.witnessed.publish(shown)
    moved = audited(tmp_path / "forked")
    lines = "".join(f"{line}\n" for line in shown.splitlines() if " witness.example/" in line)
    forked.folder.show(forked.folder.history()[-1] + lines)
    put = audited(tmp_path / "forked")

    assert (moved.exit_code, put.exit_code) == (4, 4)
    assert "two logs were signed under one name" in moved.stderr
    assert "the cosignature of witness.example/one does not fit" in put.stderr


def test_a_receipt_says_who_has_seen_its_checkpoint(tmp_path: Path) -> None:
    """Proven under the countersigned checkpoint though a newer one is shown; without: code 1."""
    keeper = grown(tmp_path, 302)
    topics = Topics("scrutin", 2)
    document = receipt(VOTES, 3, first_offset=297)

    def check(name: str) -> Any:
        proof = ServedLogs(tmp_path, topics).proof(1, 300)
        (tmp_path / "receipt.json").write_text(json.dumps({**document, "tlog_proof": proof}))
        return ran("receipt", "verify", tmp_path / "receipt.json", "--keys", tmp_path / "keys",
                   "--policy", tmp_path / "scrutin" / name)

    unwitnessed = check(WITNESSED_POLICY)
    countersign(keeper, ONE, TWO)
    keeper.append(entries(3, "later"))
    keeper.sign()
    seen = check(WITNESSED_POLICY)

    assert (unwitnessed.exit_code, seen.exit_code) == (1, 0), seen.output
    assert "no cosignature of one (witness.example/one), two" in unwitnessed.stderr
    assert "signed checkpoint of size 302" in seen.output
    assert "witnesses: valid. one on 2026-09-21 14:13:20 UTC, two on" in seen.output
    assert check(POLICY).exit_code == 0


def test_the_page_names_who_has_seen_the_checkpoint(tmp_path: Path) -> None:
    """Those whose cosignatures fit, with their times; nobody where no witness is asked."""
    keeper = grown(tmp_path, 302)
    checker = ReceiptChecker(GATEWAY.public_key().public_bytes_raw(),
                             ServedLogs(tmp_path, Topics("scrutin", 2)), Topics("scrutin", 2))
    document = json.dumps(receipt(VOTES, 3, first_offset=297)).encode()
    before = checker.check(document, time.time())
    countersign(keeper, ONE, TWO)
    seen = checker.check(document, time.time())
    looked = checker.look(1, 300)
    (tmp_path / "scrutin" / WITNESSED_POLICY).unlink()

    assert (before.verdict, before.witnesses) == ("logged", ())
    assert (seen.verdict, seen.witnesses) == (
        "logged", (("witness.example/one", NOW), ("witness.example/two", NOW)))
    assert looked is not None
    assert looked.witnesses == seen.witnesses
    assert checker.check(document, time.time()).witnesses == ()


def test_what_is_countersigned_is_served(tmp_path: Path) -> None:
    """The newest checkpoint with its cosignatures, the newest witnessed one, and the policy."""
    keeper = grown(tmp_path, 290)
    countersign(keeper, ONE, TWO)
    grown(tmp_path, 302)
    logs = ServedLogs(tmp_path, Topics("scrutin", 2))

    assert logs.text(f"{PLACE}/checkpoint") == LogFolder(tmp_path / PLACE).history()[-1]
    assert len(QUORUM.require(str(logs.text(f"{PLACE}/witnessed/checkpoint")))) == 2
    assert logs.text("scrutin/policy-witnessed") == write_policy([SIGNER.verifier], QUORUM)
    for path in (f"{PLACE}/witnessed/checkpoints", f"{PLACE}/witnessed/witnessed/checkpoint",
                 "scrutin/witnessed/checkpoint"):
        assert logs.text(path) is None


def doctor(folder: Path, witnesses: str | None) -> str:
    """Return how the doctor finds the witnesses that a file names."""
    path = folder / "witnesses"
    if witnesses is not None:
        path.write_text(witnesses)
    found = here.witnesses(Settings(data_dir=folder, witnesses=path, partitions=2))
    assert found.state == GOOD or found.remedy
    return found.state


def test_the_doctor_says_whether_witnesses_are_behind(tmp_path: Path) -> None:
    """Good where all is seen, or what is not is fresh; bad past ten minutes."""
    asked = QUORUM.text()
    states = [doctor(tmp_path, asked)]
    keeper = grown(tmp_path / "transparency", 290)
    states.append(doctor(tmp_path, asked))
    countersign(keeper, ONE, TWO)
    states.append(doctor(tmp_path, asked))
    keeper.append(ENTRIES[290:])
    keeper.sign()
    states.append(doctor(tmp_path, asked))
    countersign(keeper, ONE, TWO, at=int(time.time()))
    keeper.append(entries(1))
    keeper.sign()
    states.append(doctor(tmp_path, asked))
    witnessed = keeper.folder.witnessed
    witnessed.publish("".join([keeper.folder.history()[-2], ONE.line(keeper.folder.history()[-2]),
                               TWO.line(keeper.folder.history()[-2], int(time.time()))]))
    states.append(doctor(tmp_path, asked))
    (witnessed.path / "checkpoint").write_bytes(b"\xff\n")
    states.append(doctor(tmp_path, asked))

    assert states == [GOOD, BAD, GOOD, BAD, GOOD, BAD, BAD], "one clock makes nothing fresh"


def test_the_doctor_says_whether_witnesses_can_be_asked(tmp_path: Path) -> None:
    """Good where nobody is meant to be; bad without the file, or an address in it."""
    assert here.witnesses(Settings(data_dir=tmp_path)).state == GOOD
    assert doctor(tmp_path, None) == BAD
    assert doctor(tmp_path, least(1, Cosigner("nowhere")).text()) == BAD


@pytest.mark.parametrize("url", [
    "https://user:secret@north.example", "https://north.example/?key=secret", "https://",
    "https://north.example/#here", "http://[north", "https://north.example:99999",
    "https://north.example:0", "ftp://north.example"])
def test_an_address_with_a_password_or_none_is_no_address(tmp_path: Path, url: str) -> None:
    """It would stand in the policy that everybody reads; one that cannot be asked is none."""
    path = tmp_path / "witnesses"
    path.write_text(least(1, Cosigner("north", "https://north.example:8443/at")).text())
    assert read_witnesses(path).witnesses[0].url == "https://north.example:8443/at"
    path.write_text(least(1, Cosigner("north", url)).text())

    with pytest.raises(NotOfItsKind, match=r"behind the key of north$"):
        read_witnesses(path)


@pytest.mark.parametrize("known", ["by its file", "by what was published"])
def test_a_notary_takes_no_key_of_its_own_log_as_a_witness(tmp_path: Path, known: str) -> None:
    """It would countersign itself: exit code 2, and the sentence says which witness that is."""
    (tmp_path / "witnesses").write_text(least(2, ONE, TWO).text())
    public = ONE.witness.public
    if known == "by its file":
        make_private(tmp_path / "data/keys/transparency/scrutin/votes/1.key", ONE.secret)
    else:
        folder = tmp_path / "data/transparency/scrutin"
        folder.mkdir(parents=True)
        (folder / POLICY).write_text(write_policy([Verifier("example.org/log/x", public)]))
    done = notary(tmp_path)

    assert done.returncode == 2
    assert "the key of one is one of this log's own" in done.stderr


def notary(folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a notary in a process: what it makes of its log is no other test's."""
    return subprocess.run(
        [sys.executable, "-m", "scrutin", "notary"], capture_output=True, text=True, check=False,
        env={**os.environ, "SCRUTIN_DATA_DIR": str(folder / "data"),
             "SCRUTIN_KAFKA": "127.0.0.1:9", "SCRUTIN_WITNESSES": str(folder / "witnesses")})


@pytest.mark.parametrize("text", ["quorum none\n", "witness a b\n", least(1, Cosigner("n")).text()])
def test_a_notary_refuses_witnesses_that_it_cannot_ask(tmp_path: Path, text: str) -> None:
    """Nobody, a key that is none, no address: exit code 2, before anything is begun."""
    (tmp_path / "witnesses").write_text(text)
    done = notary(tmp_path)

    assert done.returncode == 2
    assert "SCRUTIN_WITNESSES cannot be used" in done.stderr
    assert not (tmp_path / "data/transparency").exists()
