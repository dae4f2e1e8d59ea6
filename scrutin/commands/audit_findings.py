"""`scrutin audit findings`: did the patrol find what the log gives?"""

import asyncio
import json
from typing import Annotated

import typer

from processors.guard.judgements import LaterRule
from producers.errors import ProducingError
from schemas.exit_codes import EXIT_MISSING, EXIT_UNREADABLE
from schemas.registry import UnknownSchema
from scrutin import addresses
from scrutin.audit.beginning import say
from scrutin.audit.findings import LogGone, audited
from scrutin.process.ending import fail
from scrutin.settings import load
from sinks.recount.checks import EXIT_CODES


def findings(
    consultation: Annotated[str | None, typer.Argument(
        help="Tell of the findings of one consultation; judgements are of all.",
        show_default=False)] = None,
    *,
    json_report: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Judge everything again that the patrol has judged, and compare number by number.

    Reads votes, catalogue, judgements, and networks as long as they live (14 days). Of older
    judgements votes alone are looked at: what these do not give is listed as trusted. Nothing is
    told that networks alone say. Exit codes: 0 all that can be recomputed is what was recorded,
    1 a judgement is another (which, and what of it), 2 usage, 3 something missing or unreachable,
    judgements too, 5 of a later release.
    """
    settings = load()
    try:
        found = asyncio.run(audited(
            addresses.kafka_address(settings), addresses.topics(settings), consultation, say))
    except (LaterRule, UnknownSchema) as error:
        fail(error, EXIT_UNREADABLE)
    except (LogGone, ProducingError, addresses.StackNotRunning) as error:
        fail(error, EXIT_MISSING)
    if json_report:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(found.lines()))
    raise typer.Exit(EXIT_CODES[found.verdict])
