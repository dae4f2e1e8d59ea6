"""Run pytest again and again, each time in a fork of a process that has loaded what takes long.

Most tests that a recipe asks for take less time than Python takes to load pytest, Hypothesis and
the packages that we use. They are loaded once, from elsewhere; what a copy of the tree holds is
imported anew in each fork. Enters: a line of JSON, the words for pytest. Leaves: a line of JSON,
its status and all that it said.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


PACKAGES = (
    "pytest", "pytest_asyncio.plugin", "hypothesis.strategies", "pydantic", "typer", "fastavro",
    "jinja2", "babel.messages.pofile", "starlette.applications", "starlette.testclient",
    "cryptography.hazmat.primitives.asymmetric.ed25519", "aiokafka", "aiohttp", "numpy", "redis",
    "uvicorn", "xlsxwriter")
"""What is loaded once: nothing that starts threads, for a fork does not have them."""
ALONE = {"OPENBLAS_NUM_THREADS": "1"}
"""So that numpy starts none."""
LOADED = "ignore::pytest.PytestAssertRewriteWarning"
"""Pytest says of plugins that were loaded before that it cannot rewrite their assertions."""


class Forks:
    """A process that has loaded the packages, to be told what to run in a folder."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("PYTEST_")}
        self._process = subprocess.Popen(
            (sys.executable, "-P", str(Path(__file__))), cwd=folder, text=True,
            env=environment | ALONE | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pytest with these words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(words), file=self._process.stdin, flush=True)
        status, said = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, status, said)

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Answer until nobody asks any more."""
    for name in PACKAGES:
        importlib.import_module(name)
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if not child:
                _run_tests(json.loads(line), output.fileno())
            _, status = os.waitpid(child, 0)
            output.seek(0)
            said = output.read().decode("utf-8", "replace")
        print(json.dumps((os.waitstatus_to_exitcode(status), said)), flush=True)


def _run_tests(words: list[str], output: int) -> None:
    """Become a process that runs tests, and end as it does."""
    import pytest  # noqa: PLC0415 -- loaded already; not where this file is a module of tests

    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = pytest.main(["-W", LOADED, *words])
    sys.stdout.flush()
    sys.exit(int(status))


if __name__ == "__main__":
    main()
