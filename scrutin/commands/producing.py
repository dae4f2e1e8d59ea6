"""What the commands that write events share: options, stack, clock, the end with an error."""

import asyncio
import logging
import sys
import time
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from producers.errors import InvalidInput, Missing, ProducingError
from producers.operations import Log
from producers.polis_files.instants import Unit
from producers.signing import OwnKey, own_keys
from schemas.private_files import KeyRefused
from schemas.topics import Topics
from scrutin import addresses
from scrutin.settings import load
from sinks.printable import printable


Answer = TypeVar("Answer")

Voter = Annotated[str, typer.Argument(
    help="Pseudonym of the voter: 32 hexadecimal digits.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; it stays in the log.", show_default=False)]
Consultation = Annotated[str | None, typer.Option(
    help="Identifier of the consultation; needed where the log holds several.",
    show_default=False)]
AfterClosing = Annotated[bool, typer.Option(
    "--after-closing", help="Change figures of a closed consultation; results will say so.")]

AgreeIs = Annotated[int | None, typer.Option(
    help="Value of an agreement in votes.csv, where the files do not tell: 1 as Polis exports it, "
         "-1 as Polis stores it.", show_default=False)]
TimestampUnit = Annotated[Unit | None, typer.Option(
    help="What timestamps count since 1970, where the files do not tell.", show_default=False)]


def sign(agree_is: int | None) -> int | None:
    """Check a value of an agreement; raise InvalidInput."""
    if agree_is not in (None, 1, -1):
        raise InvalidInput(f"--agree-is {agree_is}: an agreement is 1 or -1.")
    return agree_is


def stack() -> tuple[str, Topics]:
    """Return Kafka's address and the topics that the settings name."""
    settings = load()
    return addresses.kafka_address(settings), addresses.topics(settings)


def log(*, after_closing: bool = False) -> Log:
    """Return the log that operators write to, with the keys at hand that sign controls."""
    return Log(*stack(), after_closing, own_control_keys())


def own_control_keys() -> tuple[OwnKey, ...]:
    """Read the private keys at hand that sign controls; end the command where one is not used."""
    try:
        return own_keys(addresses.control_keys_folder(load()))
    except ProducingError as error:
        fail(error)
    except KeyRefused as error:
        fail(Missing(str(error)))


def finish(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run to the end; an error meant for people ends the command in one sentence and a status."""
    # The client would tell of every attempt; what comes of them our own errors say, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except ProducingError as error:
        fail(error)


def fail(error: ProducingError) -> NoReturn:
    """End the command with an error's sentence and status."""
    say(f"scrutin: {error}")
    raise typer.Exit(error.exit_code) from error


def say(text: str) -> None:
    """Tell the person at the terminal, beside the data on stdout; words of others made fit."""
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)


def now() -> int:
    """Return the present instant in milliseconds UTC."""
    return time.time_ns() // 1_000_000
