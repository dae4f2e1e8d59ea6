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
from scrutin.commands import ideas, ledger, provision


EXIT_MISSING = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="scrutin", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Public consultations on one log with one fold. Start with `scrutin demo`.",
)
app.command()(provision.provision)
app.command()(ledger.ledger)
app.command()(ideas.ideas)


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
