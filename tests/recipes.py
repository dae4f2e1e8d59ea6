"""Follow a recipe of docs/changing.md, step by step, in a copy of the tree.

A step that is missing fails the test that the recipe names for it, and for a reason that is named;
when all are done, all of these tests pass.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).parents[1]
NOT_OURS = frozenset((
    ".git", ".venv", ".scrutin", "__pycache__", "build", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis", ".import_linter_cache"))
"""What lies in a tree without being of it, where Git is not there to say so (.gitignore)."""
FAILED = (1, 2, 4)
"""How pytest ends where a test fails, or its file cannot even be read; the reason tells it from a
test that is not there."""


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
        for path in files():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def write(self, name: str, text: str) -> None:
        """Write a file, in a new folder if need be."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")

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
        return self.python("-m", "pytest", "-q", "-p", "no:randomly", "-n", "0", "-x", *tests)


class Recipe:
    """A recipe under its heading, followed in a copy."""

    def __init__(self, heading: str, copy: Copy) -> None:
        section = copy.text("docs/changing.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        self.steps = [" ".join(step.split()) for step in re.split(r"(?m)^\d\. ", section)]
        self.copy = copy
        self.asked: dict[str, int] = {}
        """Tests that failed while a step was missing, with the step that names their file."""

    def lacks(self, step: int, test: str, *, because: str) -> None:
        """Hold that a step names a test, and that it fails now because of what is missing."""
        assert f"`{test.partition('::')[0]}`" in self.steps[step], self.steps[step]
        found = self.copy.tested(test)
        assert found.returncode in FAILED, found.stdout
        assert because in found.stdout, found.stdout
        self.asked[test] = step

    def done(self, *besides: str, without: tuple[int, ...] = ()) -> None:
        """Hold that every step (but some) was found missing, and that nothing is missing now."""
        assert {*self.asked.values(), *without} == set(range(1, len(self.steps)))
        found = self.copy.tested(*self.asked, *besides)
        assert found.returncode == 0, found.stdout
