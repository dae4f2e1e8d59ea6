"""`scrutin audit export` and `verify`: from the archive to a stranger's laptop, by command line."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.local.services import ClickHouse
from schemas.private_files import make_private
from scrutin.main import application
from sinks.bundle import layout
from sinks.transparency.keys import load_key
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.bundle.making import catalogue_key, prepared
from tests.sinks.bundle.parts import contents


def run(*arguments: object) -> Any:
    """Run the program."""
    return CliRunner().invoke(application("audit"), ["audit", *map(str, arguments)])


@pytest.fixture
def archive(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Prepare an archived, logged and signed consultation, and the settings of its operator."""
    found = prepared(clickhouse.url, topic_prefix, random_box(31, 150), tmp_path)
    key = tmp_path / f"keys/transparency/{topic_prefix}/catalogue/0.key"
    make_private(key, catalogue_key().private_bytes_raw())
    assert load_key(key) is not None
    for name, value in {
        "DATA_DIR": tmp_path, "CLICKHOUSE_URL": clickhouse.url, "TOPIC_PREFIX": topic_prefix,
        "CLICKHOUSE_DATABASE": topic_prefix, "PARTITIONS": len(found.document["as_of"]["votes"]),
        "LOG_ORIGIN": "example.org/log",
    }.items():
        monkeypatch.setenv(f"SCRUTIN_{name}", str(value))
    return tmp_path


@pytest.mark.parametrize("option", [[], ["--auditor"]], ids=["public", "auditor"])
def test_what_is_exported_verifies_elsewhere(archive: Path, option: list[str]) -> None:
    """A bundle is written whole and verifies offline, by keys that were kept or its own."""
    bundle = archive / "bundle.zip"
    written = run("export", CONSULTATION, "--output", bundle, *option)
    prefix = next((archive / "transparency").iterdir())
    policy, kept = prefix / "policy", prefix / "votes/0/checkpoint"
    verified = run("verify", bundle, "--policy", policy, "--checkpoint", kept)
    report = json.loads(run("verify", bundle, "--json", "--policy", policy).stdout)
    stranger = run("verify", bundle)

    assert (written.exit_code, verified.exit_code, stranger.exit_code) == (0, 0, 6), (
        written.output + verified.output)
    assert [path.name for path in archive.glob("bundle*")] == ["bundle.zip"]
    assert [words for words in ("by the keys you gave", "the roots of the 1 checkpoints you gave",
                                "\nEQUAL: ") if words not in verified.stdout] == []
    assert (report["kind"], report["exit_code"], report["keys"], report["fault"]) == (
        "auditor" if option else "public", 0, "given", None)
    assert stranger.stdout.splitlines()[-1].startswith("EQUAL, BY KEYS THAT CAME WITH THE BUNDLE")


@pytest.mark.parametrize("option", [[], ["--auditor"]], ids=["public", "auditor"])
def test_the_pages_of_a_bundle_check_it_with_python_alone(
    archive: Path, option: list[str]
) -> None:
    """In either language: what is whole is found whole, what was spoilt is named."""
    bundle = archive / "bundle.zip"
    run("export", CONSULTATION, "--output", bundle, *option)
    for page in ("README.md", "LISEZMOI.md"):
        text = contents(bundle.read_bytes())[page].decode()
        program = text.partition("```python\n")[2].partition("```")[0]
        done = subprocess.run(
            [sys.executable, "-I", "-c", program.replace("BUNDLE.zip", str(bundle))],
            capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
        spoilt = bundle.with_name("spoilt.zip")
        with zipfile.ZipFile(bundle) as held, zipfile.ZipFile(spoilt, "w") as written_anew:
            for name in held.namelist():
                body = held.read(name)
                written_anew.writestr(name, body + b" " if name == layout.RESULTS else body)
        done = subprocess.run(
            [sys.executable, "-I", "-O", "-c", program.replace("BUNDLE.zip", str(spoilt))],
            capture_output=True, text=True, check=False)
        assert (done.returncode, layout.RESULTS in done.stderr) == (1, True)


def test_a_fault_is_told_with_its_place_and_code(archive: Path) -> None:
    """A bundle that was changed: exit code 4, where it is, and no claim about any number."""
    bundle = archive / "bundle.zip"
    assert run("export", CONSULTATION, "--output", bundle).exit_code == 0
    body = bytearray(bundle.read_bytes())
    body[body.index(b"proposal,vote,day") + 200] ^= 1
    bundle.write_bytes(body)
    found, report = run("verify", bundle), json.loads(run("verify", bundle, "--json").stdout)

    assert found.exit_code == report["exit_code"] == 4
    assert f"first fault: {layout.BALLOTS}" in found.stdout
    assert "recomputed" not in found.stdout
    assert report["fault"]["place"] == layout.BALLOTS


def test_what_cannot_be_exported_is_said(archive: Path) -> None:
    """Nothing signed, or no key here: exit code 3, what to do, and no file."""
    nothing = run("export", "nowhere", "--output", archive / "none.zip")
    next((archive / "keys/transparency").rglob("0.key")).unlink()
    no_key = run("export", CONSULTATION, "--output", archive / "none.zip")

    assert (nothing.exit_code, no_key.exit_code) == (3, 3)
    assert "no signed result of 'nowhere'" in nothing.stderr
    assert "a bundle is signed where the notary runs" in no_key.stderr
    assert not list(archive.glob("none.zip*"))
