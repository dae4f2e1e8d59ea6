"""The command line: one program for people and processes.

Exit codes of every command: 0 done, 1 the answer is no (a check failed, something is not
running), 2 usage, 3 something is missing or unreachable, 130 interrupted. `scrutin audit` and the
workers add their own, which their help names.
"""

import sys

import typer
from aiokafka.errors import KafkaError

from processors.kafka_checks import BrokerUnreachable, WrongTopic
from scrutin.bootstrap import StackNotRunning
from scrutin.commands import (
    archive,
    close,
    consultation,
    demo,
    down,
    group,
    ideas,
    import_polis,
    ledger,
    provision,
    reinstate,
    results,
    simulate,
    status,
    suspend,
    up,
    views,
)


EXIT_MISSING = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="scrutin", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Public consultations on one log with one fold. Start with `scrutin demo`.",
)
for command in (
    demo.demo, up.up, status.status, down.down, results.results, simulate.simulate,
    provision.provision,
    ledger.ledger, ideas.ideas, archive.archive, views.views,
    close.close, group.group, suspend.suspend, reinstate.reinstate,
):
    app.command()(command)
for name, command_help, member in (
    ("import", "Bring votes of other systems into the log.", import_polis.polis),
    ("consultation", "Describe consultations.", consultation.apply),
):
    folder = typer.Typer(no_args_is_help=True, help=command_help)
    folder.callback()(lambda: None)
    folder.command()(member)
    app.add_typer(folder, name=name)


def main() -> None:
    """Run the command line; errors meant for people end in one sentence and a status."""
    try:
        app()
    except (BrokerUnreachable, WrongTopic, StackNotRunning, KafkaError) as error:
        print(f"scrutin: {error}", file=sys.stderr)  # noqa: T201 -- the last word of a command
        sys.exit(EXIT_MISSING)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
