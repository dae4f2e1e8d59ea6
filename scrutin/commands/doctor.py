"""`scrutin doctor`: is everything around a process as it must be?"""

import json
import resource
from pathlib import Path
from typing import Annotated

import typer

from schemas.accounts import ACCOUNTS
from schemas.exit_codes import EXIT_USAGE
from scrutin.doctor import answers
from scrutin.doctor.answers import Answer
from scrutin.doctor.examination import examine
from scrutin.process.ending import fail
from sinks.printable import printable


MEMORY_BYTES = 256 << 20
"""What answers may take of memory, all of them together: a real one has some kilobytes."""


def doctor(
    *,
    process: Annotated[str | None, typer.Option(
        help=f"Whose account on Kafka this is: {', '.join(ACCOUNTS)}. Without it, the one "
        "whose name the account's ends with.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at everything that a process with these settings needs, and say how it stands.

    Settings, the data folder and its disk, keys, certificates; Kafka: addresses, TLS, brokers,
    topics and their replicas, clocks, what this account may do; ClickHouse: address, version,
    tables, disks. Each line says good, bad or unknown, and what is not good what to do. Nobody who
    is away is waited for longer than a minute; nothing is changed, but for three empty records in
    the clocks topic. No secret is shown.
    Exit codes: 0 all is good, 1 something is bad, 2 usage, 3 nothing is bad and something could
    not be found out.
    """
    if process is not None and process not in ACCOUNTS:
        fail(f"there is no process {process!r}: one of {', '.join(ACCOUNTS)}", EXIT_USAGE)
    _bound_memory()
    found = examine(process)
    typer.echo(json.dumps(answers.document(found), indent=2) if as_json else _table(found))
    if code := answers.exit_code(found):
        raise typer.Exit(code)


def _bound_memory() -> None:
    """Take no more memory than this and MEMORY_BYTES: the clients read answers without end."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[5])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _table(found: list[Answer]) -> str:
    width = max(len(each.about) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.state:<7}  {printable(each.about):<{width}}  {printable(each.said)}")
        if each.remedy:
            lines.append(f"{'':<{width + 9}}  -> {printable(each.remedy)}")
    summary = ", ".join(f"{number} {state}" for state, number in answers.counts(found).items())
    return "\n".join([*lines, "", summary])
