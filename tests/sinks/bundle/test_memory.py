"""`scrutin audit verify` takes 512 MB at most, whatever it is given: run with that limit."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import bundles
from sinks.bundle.layout import MANIFEST
from sinks.transparency.policy import POLICY
from tests.sinks.bundle import bombs
from tests.sinks.bundle.making import Made


MEMORY_BYTES = 512_000_000
"""What is promised, of address space: all that the process maps, touched or not."""

_LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
runpy.run_module("scrutin", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    output: str


def limited(*arguments: object, memory_bytes: int = MEMORY_BYTES) -> Ended:
    """Run the program with a limit on its memory."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(memory_bytes), *map(str, arguments)],
        capture_output=True, text=True, check=False)
    return Ended(done.returncode, " ".join((done.stdout + done.stderr).split()))


def _kept(made: Made, folder: Path) -> Path:
    """Save the keys."""
    path = folder / "policy"
    path.write_text(made.policy)
    return path


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_no_bundle_takes_more_memory_than_is_promised(
    exported: Made, tmp_path: Path, name: str
) -> None:
    """Each ends with the exit code and the words that are documented, and by nothing else."""
    bomb = bombs.BOMBS[name]
    bundle = bombs.written(exported, bomb.kind, bomb.change(exported), tmp_path / "bundle.zip")
    ended = limited("audit", "verify", bundle, "--policy", _kept(exported, tmp_path),
                    memory_bytes=bomb.memory_bytes or MEMORY_BYTES)

    assert (ended.exit_code, bomb.said in ended.output) == (bomb.exit_code, True), ended.output
    assert "memory ran out" not in ended.output
    assert "Traceback" not in ended.output


def compressed(path: Path) -> Path:
    """Write a zip as other programs do: a gigabyte of zeros in a megabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open(
            MANIFEST, "w", force_zip64=True) as member:
        for _ in range(256):
            member.write(bytes(bombs.MEBIBYTE))
    return path


def test_a_zip_that_swells_is_refused_as_it_is(exported: Made, tmp_path: Path) -> None:
    """Compressed files are read by no program of ours: nothing swells. Exit code 5, its place."""
    ended = limited("audit", "verify", compressed(tmp_path / "swelling.zip"), "--policy",
                    _kept(exported, tmp_path))

    assert (ended.exit_code, "byte 0 " in ended.output) == (5, True), ended.output


@pytest.mark.parametrize("option", ["--policy", "--checkpoint"])
def test_files_given_with_a_bundle_are_read_within_a_bound(
    exported: Made, tmp_path: Path, option: str
) -> None:
    """A file without an end in the place of keys or a checkpoint is exit code 5, not memory."""
    (tmp_path / "bundle.zip").write_bytes(exported.public)
    ended = limited("audit", "verify", tmp_path / "bundle.zip", option, "/dev/zero")

    assert (ended.exit_code, "/dev/zero has more than" in ended.output) == (5, True), ended.output


def test_an_honest_bundle_stays_below_the_limit(tmp_path: Path) -> None:
    """100,000 votes on 2,864 proposals, every one decided again: equal, within the memory."""
    made = bundles.Made(tmp_path, 100_000)
    made.export(tmp_path / "bundle.zip")
    policy = tmp_path / bundles.TOPICS.prefix / POLICY
    ended = limited("audit", "verify", tmp_path / "bundle.zip", "--policy", policy)

    assert (ended.exit_code, "EQUAL: " in ended.output) == (0, True), ended.output


@pytest.mark.parametrize("arguments", [
    ("receipt", "verify", "/dev/zero", "--keys", "/dev/zero"),
    ("audit", "log", "nowhere/test/votes/0", "--policy", "/dev/zero"),
])
def test_other_commands_read_the_files_of_others_within_a_bound(arguments: tuple[str, ...]) -> None:
    """A file without an end is exit code 5, whichever command is given it."""
    ended = limited(*arguments)

    assert (ended.exit_code, "/dev/zero has more than" in ended.output) == (5, True), ended.output
