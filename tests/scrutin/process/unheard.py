"""A program whose stderr nobody reads: what it says stands in a write that does not return."""

import os
import subprocess
import sys

from tests.harness import ROOT
from tests.waiting import WAIT_SECONDS


def end_of(program: str) -> int:
    """Run a program until it ends by itself, and return its status."""
    receiving, sending = os.pipe()
    try:
        process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=sending)
        try:
            return process.wait(WAIT_SECONDS)
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(receiving)
        os.close(sending)
