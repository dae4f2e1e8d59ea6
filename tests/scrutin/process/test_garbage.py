"""Memory that was freed is given back."""

import subprocess
import sys

import psutil

from scrutin.process import garbage


PIECES = 30
FREED_AND_HELD = f"""
import sys
from scrutin.process import garbage
can = garbage.return_tables()
del (first := [bytearray(b"x" * {garbage.TABLE_BYTES})])[:]  # glibc keeps such ones, by itself
tables = [bytearray(b"x" * {garbage.TABLE_BYTES}) for _ in range({PIECES})]
del tables[:-1]
print(can, flush=True)
sys.stdin.read()
"""
"""Frees tables below one that is held, and waits."""


def test_tables_freed_below_one_that_is_held_go_back_to_the_system() -> None:
    """A verification holds a partition after the other: what the last one took must not add up."""
    with subprocess.Popen(
        [sys.executable, "-c", FREED_AND_HELD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        can = process.stdout.readline()
        held = psutil.Process(process.pid).memory_info().rss
        process.stdin.close()

    assert can in {"True\n", "False\n"}
    assert held < PIECES * garbage.TABLE_BYTES or can == "False\n", "only glibc promises it"
