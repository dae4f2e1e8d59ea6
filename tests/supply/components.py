"""Everything foreign that the project installs, runs or builds its tests with, from its locks.

Python packages stand in requirements.lock, Kafka's jars in deploy/local/kafka_jars.lock, the Go
modules of the program that reads our logs in tests/interop/go.mod. One file of a package for
browsers lies among ours.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.local import kafka_jars


ROOT = Path(__file__).parents[2]
PYTHON_LOCK = ROOT / "requirements.lock"
GO_LOCK = ROOT / "tests" / "interop" / "go.mod"
RUN, LOCAL, DEVELOPMENT = "run time", "local stack", "development"
"""What a component is for: it runs in production, on one machine only, or where scrutin is made."""

_PACKAGE = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)")
_ECOSYSTEMS = {"PyPI": "pypi", "Maven": "maven", "Go": "golang", "npm": "npm"}


class Component(NamedTuple):
    """One package at one version."""

    ecosystem: str
    """PyPI, Maven, Go or npm, as advisories say it."""
    name: str
    version: str
    use: str
    hashes: tuple[str, ...]
    """SHA-256 of its files, in hexadecimal; of a Go module none, its sum in go.sum is another."""

    @property
    def purl(self) -> str:
        """Its package URL, the name that programs know it by."""
        name = self.name.replace(":", "/")
        return f"pkg:{_ECOSYSTEMS[self.ecosystem]}/{name}@{self.version}"


AMONG_OURS = {"views/pages/static/altcha-pbkdf2.js": Component(
    "npm", "altcha", "3.2.2", RUN,
    ("7862add9c9d3d847ded3da928edcf406b46478754b9883351111414825b9c86f",))}
"""Files of others that lie unchanged below a comment with their licence, by place; the hash is that
of `dist/workers/pbkdf2.js` in the package."""


def components() -> list[Component]:
    """List them, sorted."""
    return sorted({*_python(PYTHON_LOCK.read_text("utf-8")), *_java(), *_go(),
                   *AMONG_OURS.values()})


def _python(lock: str) -> Iterator[Component]:
    blocks = [block for block in re.split(r"\n(?=[a-z])", lock) if _PACKAGE.match(block)]
    asked_by = {_name(block): _askers(block) for block in blocks}
    uses = _uses(asked_by)
    for block in blocks:
        found = _PACKAGE.match(block)
        assert found is not None, "blocks begin with a package"
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
        yield Component("PyPI", found[1], found[2].rstrip("\\").strip(), uses[found[1]], hashes)


def _name(block: str) -> str:
    found = _PACKAGE.match(block)
    assert found is not None, "blocks begin with a package"
    return found[1]


def _askers(block: str) -> list[str]:
    """Name the packages that ask for one: the comments under it."""
    return [name for line in re.findall(r"^    #(?:   | via )(.+)$", block, re.MULTILINE)
            if (name := line.strip()) and not name.startswith("scrutin (")]


def _uses(asked_by: dict[str, list[str]]) -> dict[str, str]:
    """Say what each package is for: the most exposed of what asks for it, at any distance."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    roots = {
        RUN: [*project["project"]["dependencies"], *extras["redis"], *extras["s3"],
              *extras["traces"]],
        LOCAL: extras["local"],
        DEVELOPMENT: project["dependency-groups"]["dev"],
    }
    uses: dict[str, str] = {}
    for use, asked in roots.items():
        reached = {str(canonicalize_name(Requirement(each).name)) for each in asked}
        while reached:
            uses = {**dict.fromkeys(reached, use), **uses}
            reached = {name for name, askers in asked_by.items()
                       if name not in uses and reached & set(askers)}
    return uses


def _java() -> Iterator[Component]:
    for jar in kafka_jars.locked(kafka_jars.LOCK.read_text("utf-8")):
        yield Component(
            "Maven", f"{jar.group}:{jar.artifact}", jar.version, LOCAL, (jar.sha256,))


def _go() -> Iterator[Component]:
    locked = GO_LOCK.read_text("utf-8")
    for name, version in re.findall(r"^\s(\S+) (v\S+)", locked, re.MULTILINE):
        yield Component("Go", name, version, DEVELOPMENT, ())
