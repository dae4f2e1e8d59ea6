"""`scrutin audit verify`: does this bundle hold, and what does it leave to trust? Offline."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from scrutin.process import garbage
from scrutin.process.ending import fail
from scrutin.process.foreign_files import NotOfItsKind, read_checkpoint_text, read_policy_text
from sinks.bundle.report import as_json, lines
from sinks.bundle.verify import verify as verified
from sinks.recount.checks import EXIT_CODES, UNREADABLE


def verify(
    bundle: Annotated[Path, typer.Argument(help="The file `scrutin audit export` wrote.")],
    *,
    policy: Annotated[Path | None, typer.Option(
        help="The logs' public keys as you kept them: the saved answer of /log/PREFIX/policy, "
        "better from somebody you trust. Without it those in the bundle are taken, which show "
        "nothing about who made it: exit code 6.")] = None,
    checkpoint: Annotated[list[Path] | None, typer.Option(
        help="A checkpoint of one of the logs that was kept before, or given by somebody else; may "
        "be repeated.")] = None,
    json_report: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Verify a bundle, offline: every byte, every signature, every number.

    Says of each published number from what it was recomputed, or why it has to be trusted, and
    where the first fault is. Takes at most 512 MB of memory, whatever it is given. Exit codes:
    0 all holds, by the keys you gave; 1 recomputed is not what was published, 2 usage, 3 something
    missing, 4 a hash, a signature or a record is not what was signed, 5 unreadable, or larger than
    this version reads; 6 all holds, but by keys that came with the bundle: without --policy. The
    lowest layer's fault wins.
    """
    garbage.relax()
    garbage.return_tables()
    began = time.monotonic()
    try:
        keys = read_policy_text(policy) if policy else None
        saved = [read_checkpoint_text(path) for path in checkpoint or ()]
    except (NotOfItsKind, UnicodeDecodeError) as error:
        fail(f"a file you gave cannot be read: {error}", EXIT_CODES[UNREADABLE])
    with bundle.open("rb") as file:
        found = verified(file, say=_say, policy=keys, saved=saved)
    seconds = time.monotonic() - began
    if json_report:
        typer.echo(json.dumps(as_json(found, seconds), indent=1))
    else:
        typer.echo("\n".join(lines(found, seconds, kept_checkpoints=len(saved))))
    raise typer.Exit(EXIT_CODES[found.verdict])


def _say(progress: str) -> None:
    typer.echo(progress, err=True)
