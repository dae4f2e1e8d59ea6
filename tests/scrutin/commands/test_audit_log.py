"""`scrutin audit log`: an operator who rewrites, forks or cuts a log is caught, and told how."""

import contextlib
import shutil
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from deploy.local.services import ClickHouse
from schemas.named_keys import KeyList, parse_keys
from schemas.topics import Topics
from scrutin.commands import audit_log
from scrutin.commands.audit_log import log
from scrutin.main import application as scrutin
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment
from sinks.transparency.notes import Signer
from sinks.transparency.policy import write_policy
from sinks.transparency.remote import ANSWER_BYTES_MAX
from tests.sinks.ballots import Log, random_box
from tests.sinks.stocking import log_of, open_store, stock
from tests.sinks.transparency.keeping import KEY, SIGNER, entries, entries_of, opened
from tests.sinks.transparency.serving import served


PLACE = "test/votes/0"
HONEST = entries(700)
REGROUPED = [*HONEST[:10], entries(1, "regrouped")[0], *HONEST[11:]]
application = typer.Typer()
application.command()(log)


def grown(folder: Path, steps: Sequence[Sequence[bytes]], signer: Signer = SIGNER) -> Path:
    """Keep a log that took these entries in steps, each under a checkpoint; return its folder."""
    place = folder / signer.verifier.name.partition("/log/")[2]
    keeper = opened(place, signer)
    for step in steps:
        keeper.append(step)
        keeper.sign()
    (folder / "policy").write_text(write_policy([signer.verifier]))
    return place


def saved(place: Path, number: int = -1) -> Path:
    """Save a checkpoint that a log signed, as an auditor does."""
    path = place.parents[2] / f"checkpoint-{number}"
    path.write_text(LogFolder(place).history()[number])
    return path


def audited(where: object, policy: Path, *options: object) -> Any:
    """Run the command."""
    return CliRunner().invoke(
        application, [str(where), "--policy", str(policy), *map(str, options)])


def test_an_honest_log_is_what_was_signed(tmp_path: Path) -> None:
    """Over HTTP all of it is read and fits every checkpoint that was kept."""
    place = grown(tmp_path, [HONEST[:300], HONEST[300:]])
    with served(tmp_path, Topics("test", 1)) as url:
        done = audited(f"{url}/{PLACE}", tmp_path / "policy",
                       "--checkpoint", saved(place, 0), "--checkpoint", saved(place, 1))
        away = audited(f"{url}/test/votes/1", tmp_path / "policy")
    gone = audited(f"{url}/{PLACE}", tmp_path / "policy")

    assert done.exit_code == 0, done.output
    assert "700 entries" in done.output
    assert "earlier checkpoints you gave: 2, each lies in this log" in done.output
    assert "entries of town: 700" in done.output
    assert (away.exit_code, gone.exit_code) == (3, 3)
    assert "names no log that ends in /test/votes/1" in away.stderr


def test_checkpoints_are_held_against_the_list_of_keys(tmp_path: Path) -> None:
    """The list that was served, or a later one, fits each; one that lacks a key fits none."""
    def listed(*publics: int) -> Path:
        keys = KeyList()
        for number in publics:
            keys.apply({"kind": "receipt", "name": "", "public": bytes([number] * 32),
                        "state": "in_use"}, number)
        path = tmp_path / f"keys-{len(publics)}-{publics[-1]}"
        path.write_text(keys.text())
        return path

    said = iter([(), (commitment(parse_keys(listed(1, 2).read_text()), 3),)])
    keeper = Keeper(LogFolder(tmp_path / PLACE), SIGNER, lambda: next(said))
    keeper.open()
    for step in (HONEST[:300], HONEST[300:]):
        keeper.append(step)
        keeper.sign()
    (tmp_path / "policy").write_text(write_policy([SIGNER.verifier]))
    before = ("--checkpoint", saved(tmp_path / PLACE, 1))
    for path in (listed(1, 2), listed(1, 2, 9)):
        done = audited(tmp_path / PLACE, tmp_path / "policy", *before, "--keys", path)
        assert done.exit_code == 0, done.output
        assert "keys: 1 of 2 checkpoints commit to keys, each to this list: receipt" in done.output
    lacking = audited(tmp_path / PLACE, tmp_path / "policy", "--keys", listed(1, 9))
    none = audited(tmp_path / PLACE, tmp_path / "policy", "--keys", tmp_path / "policy")
    assert (lacking.exit_code, none.exit_code) == (4, 5)
    assert "commits to other keys" in lacking.stderr


@pytest.mark.parametrize(("said_bytes", "sent_bytes", "fault"), [
    ("100", 10, "was cut short: 90 bytes lack"),
    (str(ANSWER_BYTES_MAX + 1), ANSWER_BYTES_MAX + 1, "no file of a log is so large"),
    ("chunks", 10, "cannot be reached (IncompleteRead"),
])
def test_an_answer_cut_short_or_without_end_is_a_log_that_is_away(
    tmp_path: Path, said_bytes: str, sent_bytes: int, fault: str
) -> None:
    """A server that breaks off or never ends is exit code 3, and no fault of the log."""
    grown(tmp_path, [HONEST[:3]])

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            chunked = said_bytes == "chunks"
            self.send_header(*(("Transfer-Encoding", "chunked") if chunked else
                               ("Content-Length", said_bytes)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write((b"ff\r\n" if chunked else b"") + b"x" * sent_bytes)

        def log_message(self, *_arguments: object) -> None:
            pass

        protocol_version = "HTTP/1.1"

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        done = audited(f"http://127.0.0.1:{server.server_port}/{PLACE}", tmp_path / "policy")
        server.shutdown()
        serving.join()

    assert done.exit_code == 3, done.output
    assert fault in done.stderr


@pytest.mark.parametrize("now", [
    [REGROUPED[:300], REGROUPED[300:]], [REGROUPED[:300]]], ids=["rewritten", "forked"])
def test_two_logs_under_one_name_prove_themselves(tmp_path: Path, now: list[list[bytes]]) -> None:
    """Rewritten after a checkpoint, or shown differently to another: one kept checkpoint tells."""
    before = grown(tmp_path / "before", [HONEST[:300]])
    shown = grown(tmp_path / "now", now)
    done = audited(shown, tmp_path / "now/policy", "--checkpoint", saved(before))

    assert done.exit_code == 4
    assert "the checkpoint of example.org/log/test/votes/0 of size 300" in done.stderr
    assert "two logs were signed under one name" in done.stderr
    assert audited(shown, tmp_path / "now/policy").exit_code == 0


def test_a_log_that_has_gone_back_is_caught(tmp_path: Path) -> None:
    """Fewer entries than were signed before: entries were taken out."""
    before = grown(tmp_path / "before", [HONEST])
    done = audited(grown(tmp_path / "now", [HONEST[:300]]), tmp_path / "now/policy",
                   "--checkpoint", saved(before))

    assert done.exit_code == 4
    assert "the log has gone back" in done.stderr


def test_an_entry_exchanged_below_a_checkpoint_is_caught(tmp_path: Path) -> None:
    """Entries and tiles that fit each other, under a checkpoint of others: the root tells."""
    place = grown(tmp_path / "log", [HONEST])
    other = grown(tmp_path / "other", [REGROUPED])
    shutil.rmtree(place / "tile")
    shutil.copytree(other / "tile", place / "tile")
    done = audited(place, tmp_path / "log/policy")

    assert done.exit_code == 4
    assert "the entries shown do not have the root of" in done.stderr


def test_a_record_changed_in_the_archive_is_named(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recounts rest on the archive: a record put in another's place after it was signed shows."""
    topics, box = Topics(topic_prefix, 2), random_box(1, 900)
    signer = Signer(f"example.org/log/{topic_prefix}/votes/0", KEY)
    place = grown(tmp_path, [entries_of(box.logs[0])], signer)
    for name, value in (("CLICKHOUSE_URL", clickhouse.url), ("TOPIC_PREFIX", topic_prefix),
                        ("CLICKHOUSE_DATABASE", topic_prefix), ("PARTITIONS", "2")):
        monkeypatch.setenv(f"SCRUTIN_{name}", value)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    votes, held = log_of(topics, topics.votes), box.logs[0]
    stock(store, votes, 0, held[:300])
    lacking = audited(place, tmp_path / "policy", "--archive", "--wait", "0")
    said = list[str]()

    def catch_up(line: str) -> None:
        said.append(line)
        stock(store, votes, 0, held[300:], first=300)

    monkeypatch.setattr(audit_log, "say", catch_up)
    whole = audited(place, tmp_path / "policy", "--archive")
    exchanged: Log = [*held[:7], held[8], *held[8:]]
    store_of_other = f"{topic_prefix}_other"
    monkeypatch.setenv("SCRUTIN_CLICKHOUSE_DATABASE", store_of_other)
    stock(open_store(clickhouse.url, store_of_other, topic_prefix), votes, 0, exchanged)
    changed = audited(place, tmp_path / "policy", "--archive")

    assert (lacking.exit_code, whole.exit_code, changed.exit_code) == (3, 0, 4), (
        lacking.output + whole.output + changed.output)
    assert "has no record 300 of" in lacking.stderr
    missing = len(held) - 300
    assert said == [(f"waiting for the archive: {votes.topic} partition 0 lacks {missing} of "
                     f"{len(held)} signed records")]
    assert "archive: every signed record is there" in whole.output
    assert f"record 7 of {topics.votes} partition 0 is not the one that was signed" in \
        changed.stderr


@pytest.mark.parametrize("given", [b"a host\n", b"", b"\xff", b"log x\nquorum none\n"])
def test_a_wrong_file_accuses_nobody(tmp_path: Path, given: bytes) -> None:
    """Exit code 5 with the file's name and the remedy, not 4: nothing was forged."""
    place = grown(tmp_path, [HONEST[:10]])
    wrong = tmp_path / "wrong"
    wrong.write_bytes(given)
    with served(tmp_path, Topics("test", 1)) as url:
        log = audited(f"{url}/{PLACE}", wrong)
        others = [audited(f"{url}/{PLACE}", tmp_path / "policy", option, wrong)
                  for option in ("--checkpoint", "--keys")]
    others.append(CliRunner().invoke(scrutin("audit"), [
        "audit", "verify", str(wrong), "--checkpoint", str(wrong)]))
    found = CliRunner().invoke(
        scrutin("audit"), ["audit", "verify", str(wrong), "--policy", str(wrong)])

    assert place.is_dir()
    for done in (log, found):
        assert done.exit_code == 5, done.output
        assert f"{wrong} is no policy" in done.stderr
        assert "/log/PREFIX/policy" in done.stderr
    for done in others:
        assert done.exit_code == 5, done.output
        assert f"{wrong} is no " in done.stderr
