"""`scrutin replay`: everything that follows from the votes, made again."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError

from schemas.exit_codes import EXIT_USAGE
from schemas.topics import Topics
from scrutin import addresses
from scrutin.audit import beginning, replaying
from scrutin.audit.beginning import Missing, say
from scrutin.audit.replaying import IntoTaken, Replayed
from scrutin.process.ending import fail
from scrutin.settings import load
from sinks.catching_up import WAIT_SECONDS
from sinks.recount.checks import EQUAL, EXIT_CODES, concealed
from sinks.recount.report import failed, first_differences


FORMAT = "scrutin-replay/1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a topic prefix may be: see SCRUTIN_TOPIC_PREFIX."""


def replay(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    into: Annotated[str, typer.Option(metavar="NAME", help="First part of the fresh topics.")],
    json_report: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    document: Annotated[
        Path | None, typer.Option(help="A saved results document to compare with instead of the "
                                       "live results; - for stdin.")] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the archive.")] = WAIT_SECONDS,
) -> None:
    """Rebuild decisions, tallies and results in fresh topics from ClickHouse, and compare.

    Of Kafka it reads who took part, which is archived apart.
    Writes NAME.decisions, NAME.tallies, NAME.catalogue and NAME.results up to the published
    positions. Run again after it was killed it goes on. Exit codes: 0 equal to what was published,
    1 not equal, 2 NAME is taken or no name, 3 something missing or unreachable, 4 the archived
    decisions are not of the archived votes, 5 unreadable.
    """
    settings = load()
    if not _NAME.fullmatch(into):
        fail(f"--into {into!r} cannot begin the name of a topic: letters, digits, '.', '_' and "
             "'-', at most 100.", EXIT_USAGE)
    with (beginning.exit_codes(),
          beginning.published(consultation, settings, document) as (
              published, reading, hidden)):
        reading.wait(published["as_of"]["catalogue"], say=say, seconds=wait)
        try:
            found = asyncio.run(replaying.replay(
                consultation, published, reading, addresses.kafka_address(settings),
                Topics(into, settings.partitions), replication=settings.replication, say=say))
        except IntoTaken as error:
            fail(error, EXIT_USAGE)
        except (KafkaError, TimeoutError) as error:
            raise Missing(f"Kafka stopped answering ({type(error).__name__}: {error}). Start it, "
                          "then run the same command again: the replay goes on.") from error
    if hidden:
        found.checks, found.recount.differences = concealed(found.checks), []
    typer.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=1) if json_report
               else "\n".join(_lines(found)))
    raise typer.Exit(EXIT_CODES[found.verdict])


def _as_json(found: Replayed) -> dict[str, Any]:
    return {
        "format": FORMAT, "consultation": found.consultation, "into": found.into.prefix,
        "votes": found.vector, "resumed": found.resumed, "verdict": found.verdict,
        "exit_code": EXIT_CODES[found.verdict], "checks": [vars(one) for one in found.checks],
        "first_differences": [vars(one) for one in found.recount.differences],
        "events": found.events, "seconds": found.seconds,
    }


def _lines(found: Replayed) -> Iterator[str]:
    yield (f"Replay of {found.consultation} as of votes {found.vector} into "
           f"{found.into.decisions}, {found.into.tallies}, {found.into.results}")
    if any(found.resumed):
        yield f"went on behind {sum(found.resumed):,} decisions of a replay that was ended"
    yield from failed(found.checks)
    yield from first_differences(found.recount)
    yield f"{found.events:,} events in {found.seconds} s"
    yield ("EQUAL: what was rebuilt is what was published." if found.verdict == EQUAL
           else "DIFFERENT: what was rebuilt is not what was published.")
