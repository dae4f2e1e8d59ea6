"""Follow a recipe of docs/changing.md, step by step, in a copy of the tree.

A step that is missing fails the test that the recipe names for it, and for a reason that is named;
when all are done, all of these tests pass, and the files that were touched are those that the
recipe names.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.forks import Forks


ROOT = Path(__file__).parents[1]
NOT_OURS = frozenset((
    ".git", ".venv", ".scrutin", "__pycache__", "build", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", ".import_linter_cache"))
"""What lies in a tree without being of it, where Git is not there to say so (.gitignore)."""
FAILED = (1, 2, 4)
"""How pytest ends where a test fails, or its file cannot even be read; the reason tells it from a
test that is not there."""
NOT_NEEDED = ("randomly", "xdist", "schemathesis", "cacheprovider")
"""Parts of pytest that take longer to load than one test runs."""
NAMED = re.compile(r"`([a-z_]+(?:/[A-Za-z0-9_.]+)+/?)`|\]\(([a-z_]+\.md)\)")
"""How a recipe names a file or a folder: by its path, or as a page beside it."""


def files() -> list[Path]:
    """List the files of the tree, as paths below it: those of Git, new ones too."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        return [Path(name) for name in listed if (ROOT / name).is_file()]
    return walked(ROOT)


def walked(root: Path) -> list[Path]:
    """List the files below a folder that are of the tree, without asking Git."""
    found = []
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner
                    if name not in NOT_OURS and not name.endswith(".egg-info")]
        found += [(Path(folder) / name).relative_to(root) for name in names if name != ".git"]
    return found


class Copy:
    """A copy of the tree, to be changed as somebody would who follows a recipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._original = {str(path): (ROOT / path).read_bytes() for path in files()}
        self._written: set[str] = set()
        folder.mkdir()
        self._forks = Forks(folder)
        for name, content in self._original.items():
            self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # Compiled code is told from its source by size and whole second: two edits may share both.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def begin(self) -> None:
        """Make the copy again what the tree is."""
        for name in self.touched():
            if name in self._original:
                self._put(name, self._original[name])
            else:
                (self.folder / name).unlink()
        self._written.clear()

    def touched(self) -> set[str]:
        """Name the files that were changed, also those that were changed back."""
        now = {str(path): (self.folder / path).read_bytes() for path in walked(self.folder)}
        return self._written | {
            name for name in {*now, *self._original}
            if now.get(name) != self._original.get(name)}

    def is_new(self, name: str) -> bool:
        """Whether the tree has no such file."""
        return name not in self._original

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def write(self, name: str, text: str) -> None:
        """Write a file, in a new folder if need be."""
        self._put(name, text.encode())
        self._written.add(name)

    def add(self, name: str, text: str) -> None:
        """Write more at the end of a file."""
        self.write(name, self.text(name) + text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change the one place in a file that reads so."""
        text = self.text(name)
        assert text.count(old) == 1, f"{name} has {text.count(old)} times: {old}"
        self.write(name, text.replace(old, new))

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, on what is in the copy."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("PYTEST_")}
        return subprocess.run(
            (sys.executable, *arguments), cwd=self.folder, check=False, text=True,
            env=environment | {"PYTHONPATH": str(self.folder)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def tested(self, *tests: str) -> subprocess.CompletedProcess[str]:
        """Run tests of the copy, by their node ids."""
        without = (word for plugin in NOT_NEEDED for word in ("-p", f"no:{plugin}"))
        return self._forks.run("-q", "-x", *without, *tests)

    def end(self) -> None:
        """End what runs in the copy."""
        self._forks.end()


class Recipe:
    """A recipe under its heading, followed in a copy."""

    def __init__(self, heading: str, copy: Copy) -> None:
        section = copy.text("docs/changing.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        self.steps = [" ".join(step.split()) for step in re.split(r"(?m)^\d\. ", section)]
        self.named = [{path or f"docs/{page}" for path, page in NAMED.findall(step)}
                      for step in self.steps]
        """Files and folders that each step names."""
        self.copy = copy
        self.asked: dict[str, int] = {}
        """Tests that failed while a step was missing, with the step that names their file."""

    def lacks(self, step: int, test: str, *, because: str) -> None:
        """Hold that a step names a test, and that it fails now because of what is missing."""
        assert self._is_among(test.partition("::")[0], self.named[step]), self.steps[step]
        found = self.copy.tested(test)
        assert found.returncode in FAILED, found.stdout
        assert because in found.stdout, found.stdout
        self.asked[test] = step

    def done(
        self, *besides: str, without: tuple[int, ...] = (), read: tuple[str, ...] = ()
    ) -> None:
        """Hold that every step (but some) was found missing, and that nothing is missing now.

        `read` are files that the recipe names as examples, or for changes other than this one.
        """
        assert {*self.asked.values(), *without} == set(range(1, len(self.steps)))
        found = self.copy.tested(*self.asked, *besides)
        assert found.returncode == 0, found.stdout
        tests = {test.partition("::")[0] for test in (*self.asked, *besides)}
        self._names_what_was_touched(without, {*read}, tests)

    def _names_what_was_touched(
        self, without: tuple[int, ...], read: set[str], tests: set[str]
    ) -> None:
        """Hold that the change touched what the steps that were followed name, and no more."""
        touched = self.copy.touched()
        every = set().union(*self.named)
        followed = set().union(
            *(each for step, each in enumerate(self.named) if step not in without))

        not_named = {name for name in touched if not self._is_among(name, every)}
        not_touched = {each for each in followed - tests
                       if not any(self._is_among(name, {each}) for name in touched)}
        assert not not_named, f"the recipe does not name {not_named}"
        assert not_touched == read, f"the recipe names what nobody touched: {not_touched ^ read}"

    def _is_among(self, name: str, named: set[str]) -> bool:
        """Whether a file is named; a folder stands for new files in it, and for what is no program.
        """
        inside = self.copy.is_new(name) or not name.endswith(".py")
        return any(name == each or (inside and each.endswith("/") and name.startswith(each))
                   for each in named)
