"""Prometheus and its promtool, of this machine or as `make setup` unpacked them."""

import os
import shutil
import subprocess
from pathlib import Path


ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".venv/prometheus/usr/bin"
TOOL_SECONDS = 60.0


def program(name: str) -> str:
    """Find a program of Prometheus's; tests of alerts fail without."""
    found = shutil.which(name, path=os.pathsep.join((os.environ["PATH"], str(UNPACKED))))
    assert found, f"{name} is not installed: make setup, or apt install prometheus"
    return found


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(
        [program("promtool"), *arguments], input=given, capture_output=True, text=True,
        check=False, timeout=TOOL_SECONDS)
