"""The command line: one program for people and processes.

Exit codes of every command: 0 done, 1 the answer is no (a check failed, something is not
running), 2 usage, 3 something is missing or unreachable, 130 interrupted. `scrutin audit` and the
workers add their own, which their help names.

Theory of operation: a command imports what it needs, and only the command asked for is imported:
`scrutin status` must not wait for Faust and ClickHouse's client. Without a known command all are,
for the help.
"""

import importlib
import inspect
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer
from pydantic_core import ValidationError

from deploy.machine.files import keep_private
from schemas.exit_codes import EXIT_INTERRUPTED, EXIT_MISSING, EXIT_USAGE
from schemas.kafka_access import Access
from scrutin.refused_settings import refusals
from scrutin.settings import load, wants_json_lines


COMMANDS = {
    ("demo",): "demo",
    ("up",): "up",
    ("status",): "status",
    ("down",): "down",
    ("doctor",): "doctor",
    ("results",): "results",
    ("export",): "export",
    ("audit", "recount"): "audit",
    ("audit", "log"): "audit_log",
    ("audit", "export"): "audit_export",
    ("audit", "verify"): "audit_verify",
    ("audit", "compare-polis"): "audit_polis",
    ("audit", "draw"): "audit_draw",
    ("audit", "findings"): "audit_findings",
    ("replay",): "replay",
    ("receipt", "verify"): "receipt",
    ("import", "polis"): "import_polis",
    ("consultation", "apply"): "consultation",
    ("close",): "close",
    ("seal",): "seal",
    ("codes", "make"): "codes_make",
    ("keys", "make"): "keys_make",
    ("keys", "prepare"): "keys_prepare",
    ("keys", "adopt"): "keys_adopt",
    ("keys", "endorse"): "keys_endorse",
    ("keys", "in-force"): "keys_in_force",
    ("keys", "list"): "keys_list",
    ("keys", "rotate"): "keys_rotate",
    ("keys", "retire"): "keys_retire",
    ("rules", "adopt"): "rules_adopt",
    ("group",): "group",
    ("guard", "rules"): "guard_rules",
    ("guard", "rule"): "guard_rule",
    ("guard", "recount"): "guard_recount",
    ("guard", "findings"): "guard_findings",
    ("guard", "finding"): "guard_finding",
    ("guard", "preview"): "guard_preview",
    ("guard", "confirm"): "guard_confirm",
    ("guard", "dismiss"): "guard_dismiss",
    ("guard", "reinstate"): "guard_reinstate",
    ("guard", "reviews"): "guard_reviews",
    ("correct",): "correct",
    ("retire",): "retire",
    ("restore",): "restore",
    ("suspend",): "suspend",
    ("reinstate",): "reinstate",
    ("accept-undecodable",): "accept_undecodable",
    ("simulate",): "simulate",
    ("provision",): "provision",
    ("acls",): "acls",
    ("ledger",): "ledger",
    ("ideas",): "ideas",
    ("patrol",): "patrol",
    ("archive",): "archive",
    ("notary",): "notary",
    ("views",): "views",
    ("gateway",): "gateway",
}
"""Words of a command, and its module in scrutin/commands, whose function is the last word (with
underscores for hyphens)."""

VERSION = "--version"
"""Needs no command at all."""

KEEPERS = frozenset(("demo", "up", "ledger", "ideas", "patrol", "notary", "gateway"))
"""Commands that make the data folder where there is none; all of them keep it private."""

PROCESSES = frozenset(
    ("provision", "ledger", "ideas", "patrol", "archive", "notary", "views", "gateway"))
"""Commands that a platform runs: where it wants JSON, every line of theirs is."""

GROUPS = {
    "audit": "Check what is published.",
    "receipt": "Check what a voter keeps.",
    "import": "Bring votes of other systems in.",
    "consultation": "Describe consultations.",
    "codes": "Make codes to vote with.",
    "keys": "Change the keys of a deployment.",
    "rules": "Change the rules of the count.",
    "guard": "See and change what is done about votes by machines.",
}


def application(*begin: str) -> typer.Typer:
    """Make the program with the commands that begin with these words; all without any."""
    app = typer.Typer(
        name="scrutin", no_args_is_help=True, add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    groups: dict[str, typer.Typer] = {}
    for words, module in COMMANDS.items():
        if words[:len(begin)] != begin:
            continue
        home = app
        if len(words) > 1:
            home = groups.setdefault(words[0], typer.Typer(no_args_is_help=True))
        command = getattr(importlib.import_module(f"scrutin.commands.{module}"),
                          words[-1].replace("-", "_"))
        home.command(words[-1], help=_flowing(inspect.getdoc(command) or ""))(command)
    for name, group in groups.items():
        app.add_typer(group, name=name, help=GROUPS[name])
    return app


def _flowing(text: str) -> str:
    """Join the lines of each paragraph: the terminal's width breaks them, not the source's."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _beginnings(size: int) -> set[tuple[str, ...]]:
    """Return the first words of all commands."""
    return {words[:size] for words in COMMANDS}


def _say_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"scrutin {metadata.version('scrutin')}")
        raise typer.Exit


def _root(
    context: typer.Context, *,
    _version: Annotated[bool, typer.Option(
        VERSION, help="Say which version this is.", callback=_say_version, is_eager=True)] = False,
) -> None:
    """Public consultations on one log with one fold. Start with `scrutin demo`."""
    if context.invoked_subcommand == "doctor":
        return  # It says itself what is wrong with the settings, and changes nothing.
    make = context.invoked_subcommand in KEEPERS
    settings = load()
    if closed := keep_private(settings.data_folder, make=make):
        print(f"scrutin: {closed}", file=sys.stderr)  # noqa: T201 -- the first word of a command
    if settings.kafka_access != Access():
        from schemas import kafka_clients  # noqa: PLC0415 -- most commands need no Kafka at once

        kafka_clients.secure(settings.kafka_access)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors meant for people end in one sentence and a status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not (wants_json_lines() and PROCESSES.intersection(given[:1])):
        _run(given)
        return
    from scrutin.process import log  # noqa: PLC0415 -- most commands need none

    with log.taken_over():
        _run(given)


def _run(given: list[str]) -> None:
    begin = next((words for size in (2, 1) for words in _beginnings(size) | {(VERSION,)}
                  if words == tuple(given[:size])), ())
    try:
        application(*begin)(given, prog_name="scrutin")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except ValidationError as error:
        if error.title != "Settings":
            raise
        for name, value, said in refusals(error):
            print(f"scrutin: {name}{'=' * bool(value)}{value}: {said}", file=sys.stderr)  # noqa: T201 -- the last word of a command
        sys.exit(EXIT_USAGE)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"scrutin: {error.filename}: {error.strerror}. Name another folder or file, or mend "  # noqa: T201 -- the last word of a command
              "this one (SCRUTIN_DATA_DIR names the data folder).", file=sys.stderr)
        sys.exit(EXIT_MISSING)
    except Exception as error:
        if not _for_people(error):
            raise
        print(f"scrutin: {error}", file=sys.stderr)  # noqa: T201 -- the last word of a command
        sys.exit(EXIT_MISSING)


_FOR_PEOPLE = (
    ("scrutin.addresses", "StackNotRunning"),
    ("processors.workers.kafka_checks", "BrokerUnreachable"),
    ("processors.workers.kafka_checks", "WrongTopic"),
    ("processors.workers.membership", "NameInUse"),
    ("deploy.machine.errors", "FolderExposedError"),
    ("scrutin.process.health", "HealthPortTaken"),
    ("sinks.addresses", "AddressRefused"),
    ("schemas.kafka_access", "SecretUnreadable"),
    ("schemas.certificates", "CertificateUnreadable"),
)
"""Errors whose message says what happened and what to do, by modules a command may not need."""


def _for_people(error: Exception) -> bool:
    """Whether an error is meant for people; others are our faults."""
    known = tuple(
        getattr(sys.modules[module], name)
        for module, name in _FOR_PEOPLE if module in sys.modules)
    return isinstance(error, known)


if __name__ == "__main__":
    main()
