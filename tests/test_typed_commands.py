"""What pages tell operators to type is typed, as it is printed, on a log of its own.

Names that this machine does not have are replaced. Commands that need more than a broker are typed
where that is: on two machines, at a cluster's server, where an archive is.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.local.ports import HeldPorts
from deploy.local.services import Broker
from schemas import codec
from schemas.topics import Topics
from sinks.transparency.policy import parse_witnesses
from tests.e2e.running import read
from tests.harness import ROOT, Worker
from tests.scrutin.process.collector import collecting
from tests.shown import blocks
from tests.waiting import until, until_answered


TYPED_SECONDS = 300
"""Bound of one block; each takes seconds."""
CONSULTATION = {
    "id": "town", "question": {"fr": "Que faire ?", "en": "What shall we do?"},
    "languages": ["fr", "en"], "opens_at": "2026-01-01T00:00:00+00:00",
    "closes_at": "2030-10-25T00:00:00+01:00",
    "ideas": [{"id": "trains", "title": {"fr": "Trains", "en": "Trains at night"}}],
    "proposals": [{"id": "p12", "idea": "trains", "text": {
        "fr": "Il faut des train de nuit", "en": "Run trains at night"}}]}
LATER = "2040-01-01T00:00:00+00:00"


@dataclass
class Operator:
    """Somebody with a terminal, and a log that has begun with keys of theirs."""

    folder: Path
    broker: Broker
    prefix: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "SCRUTIN_KAFKA": self.broker.address,
                "SCRUTIN_TOPIC_PREFIX": self.prefix, "SCRUTIN_DATA_DIR": str(self.folder / "data"),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **self.settings}

    def types(self, block: str, expected: int = 0) -> str:
        """Type a block, and check how it ends; return what it prints."""
        done = subprocess.run(["bash", "-euc", block], env=self.environment, cwd=self.folder,
                              capture_output=True, text=True, timeout=TYPED_SECONDS, check=False)
        assert done.returncode == expected, (block, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def applies(self, consultation: object) -> None:
        """Describe a consultation."""
        (self.folder / "file.json").write_text(json.dumps(consultation))
        self.types("scrutin consultation apply file.json")

    async def events(self) -> list[str]:
        """Name the events of the catalogue."""
        found = await read(self.broker.address, Topics(self.prefix, 1).catalogue, 1)
        return [codec.decode(value)[0] for value in found[0]]


@pytest.fixture
def operator(tmp_path: Path, broker: Broker, topic_prefix: str) -> Operator:
    """Let somebody begin a log."""
    (tmp_path / "data").mkdir(mode=0o700)
    found = Operator(tmp_path, broker, topic_prefix)
    found.types("scrutin provision --make-keys")
    return found


async def test_words_under_votes_are_changed_hidden_and_shown_again(operator: Operator) -> None:
    """Each line writes the event that it is for, endorsed where the catalogue asks for that."""
    operator.applies(CONSULTATION)
    [endorse] = blocks("docs/operate.md", "Whose descriptions count")
    correct, retire = blocks("docs/operate.md", "Words under votes")
    operator.types(endorse)
    before = len(await operator.events())
    operator.types(correct)
    operator.types(retire)

    assert [each for each in (await operator.events())[before:] if each != "CatalogueSigned"] == [
        "ProposalCorrected", "DescriptionCorrected", "DescriptionCorrected", "ProposalRetired",
        "ProposalRestored"]


@pytest.mark.parametrize("command", [
    "scrutin keys rotate device", "scrutin keys rotate view", "scrutin keys rotate receipt",
    "scrutin accept-undecodable 0 --until 0 --reason 'rehearsed'"])
def test_a_command_by_itself_ends_well(operator: Operator, command: str) -> None:
    """On a log that has just begun."""
    operator.types("scrutin keys prepare town")

    operator.types(command)


async def test_a_gateway_tells_a_collector_of_its_requests(operator: Operator) -> None:
    """Started as printed, but for the collector's address."""
    [line] = blocks("docs/operate.md", "Traces")
    ports, program = HeldPorts(), line.replace("scrutin gateway", "exec scrutin gateway")
    port = ports.find()
    async with collecting() as collector:
        gateway = Worker(
            "gateway", {**operator.environment, "SCRUTIN_GATEWAY_PORT": str(port)},
            operator.folder / "gateway.log", program=[
                "bash", "-c", program.replace("http://localhost:4318/v1/traces", collector.url)])
        gateway.start()
        try:
            await until_answered(f"http://127.0.0.1:{port}/v1/keys")
            await until(lambda: "GET /v1/keys" in collector.names())
        finally:
            gateway.kill()
            ports.close()


def test_cards_with_codes_are_made(operator: Operator) -> None:
    """As many as are asked for, before voting opens."""
    operator.applies({**CONSULTATION, "id": "my-consultation", "opens_at": LATER,
                      "closes_at": None})
    [make] = blocks("docs/codes.md", "Making cards")
    operator.types(make)

    assert (operator.folder / "cards.html").read_text("utf-8").count("</li>") == 500


def test_runbooks_of_alerts_lead_where_they_are_told_to(tmp_path: Path) -> None:
    """The command leaves no address of ours."""
    rules = (ROOT / "deploy/prometheus/scrutin.rules.yml").read_text("utf-8")
    (tmp_path / "scrutin.rules.yml").write_text(rules)
    [replace] = blocks("docs/operate.md", "The operators' page")
    subprocess.run(["bash", "-euc", replace], cwd=tmp_path, check=True, timeout=TYPED_SECONDS)
    found = (tmp_path / "scrutin.rules.yml").read_text("utf-8").split("groups:")[1]

    assert "https://scrutin.example" not in found
    assert found.count("https://git.example.org/scrutin/blob/main/docs/") == rules.count(
        "runbook_url:")


def test_the_policy_of_witnesses_is_one_that_the_notary_takes() -> None:
    """With keys in it: two of three are enough."""
    [policy] = blocks("docs/operate.md", "Witnesses")
    for name in ("north", "south", "west"):
        public = b"\x04" + hashlib.sha256(name.encode()).digest()
        key_id = hashlib.sha256(f"witness.example/{name}\n".encode() + public).hexdigest()[:8]
        policy = policy.replace(f"{name}+12345678+BASE64",
                                f"{name}+{key_id}+{base64.b64encode(public).decode()}")
    quorum = parse_witnesses(policy)

    assert quorum is not None
    assert [each.url for each in quorum.witnesses] == [
        f"https://{name}.example" for name in ("north", "south", "west")]
    assert quorum.is_met(["north", "west"])
    assert not quorum.is_met(["north"])


def test_a_shell_takes_the_settings_of_a_machine_as_systemd_does(tmp_path: Path) -> None:
    """Commands of people, and the services of that machine, are told the same."""
    [printed] = blocks("docs/operate.md", "Two machines, step by step", "ini")
    (tmp_path / "settings").write_text(printed)
    said = subprocess.run(
        ["sh", "-euc", "set -a; . ./settings; set +a; env --null"], cwd=tmp_path, env={
            "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True).stdout

    assert {*printed.splitlines()} <= {*said.split("\0")}
    assert "`set -a; . /etc/scrutin/settings; set +a`" in (
        ROOT / "docs/operate.md").read_text("utf-8")


def test_a_service_of_systemd_runs_what_is_printed_beside_it() -> None:
    """With the settings of the machine, and nothing else; it is started again for ever."""
    [unit] = blocks("docs/operate.md", "Two machines, step by step", "systemd")
    [printed] = [text for text in blocks("docs/operate.md", "Two machines, step by step", "sh")
                 if text.startswith("SCRUTIN_HEALTH_PORT=")]
    told = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    command = told["ExecStart"].removeprefix("/opt/scrutin/bin/")

    assert f"{told['Environment']} {command}" in printed.splitlines()
    assert told["EnvironmentFile"] == "/etc/scrutin/settings"
    assert (told["Restart"], told["StartLimitIntervalSec"]) == ("always", "0")
