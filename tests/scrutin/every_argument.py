"""Gives each argument and option of every command, one by one, what none of them takes.

Run as a program, in a folder of its own: prints a line for each that ends in anything but a status.
"""

import contextlib
import io
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import typer.main

from scrutin.main import application, main


ODD = ("x", "", "-1", "nan", "1:2:3", "9" * 5_000, "\udcff", "/", "missing/x")
"""Words, numbers and places that are none; what the shell takes from a file name may be no text."""
PLAUSIBLE = {
    "voter": "0" * 32, "finding": "0" * 32, "partition": "0", "until": "0", "number": "1",
    "role": "operator", "kind": "device", "rules": "2", "mode": "report"}
"""What else must be given, so that a command gets as far as to the argument that is tried."""
STARTS = {("demo",), ("up",)}
"""Commands that would start a stack here, where the argument is one that they take."""


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command with its words."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, (*words, name))
        else:
            yield (*words, name), each


def given(words: tuple[str, ...], parameters: list[Any], tried: Any, odd: str) -> list[str]:
    """Write the command with one odd argument, and the others that it needs."""
    options, arguments = [], []
    for each in parameters:
        if each is not tried and not each.required:
            continue
        text = odd if each is tried else PLAUSIBLE.get(each.name, "x")
        if each.param_type_name == "option":
            options.append(f"{each.opts[0]}={text}")
        else:
            arguments.append(text)
    return [*words, *options, "--", *arguments]


def fault_of(line: list[str]) -> str:
    """Run a command; say what it raised, empty where it ended with a status."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(line)
    except SystemExit:
        return "" if "Traceback" not in said.getvalue() else said.getvalue()
    except BaseException:  # noqa: BLE001 -- that is what is looked for
        return traceback.format_exc()
    return ""


def run() -> int:
    """Try all; return how many arguments were tried."""
    tried = 0
    for words, command in commands(typer.main.get_command(application())):
        parameters = [each for each in command.params if not getattr(each, "is_flag", False)]
        for each in parameters if words not in STARTS else ():
            tried += 1
            for odd in ODD:
                line = given(words, parameters, each, odd)
                if fault := fault_of(line):
                    print(ascii(line)[:200], fault.strip().splitlines()[-1][:200])
    return tried


if __name__ == "__main__":
    print(f"tried {run()}", file=sys.stderr)
