"""`scrutin results`: print the results of a consultation, read from the topics themselves."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from processors.results.results_document import shares_hidden
from schemas.exit_codes import EXIT_MISSING, EXIT_UNREADABLE
from scrutin import addresses
from scrutin.process.ending import fail
from scrutin.settings import load
from views.documents import Documents
from views.flushes import ResultsUnreadable
from views.pages.languages import in_language
from views.pages.results_page import Measure, fates, measures
from views.reader import BrokerUnreachable, ResultsReader


LANGUAGE = "en"
"""The command line speaks English; texts of the consultation fall back to what there is."""


def results(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results document instead of tables.")
    ] = False,
) -> None:
    """Print the results as of the last whole flush of the results topic.

    Exit codes: 0 printed, 3 no such consultation, or broker or topics missing, 5 results
    unreadable.
    """
    try:
        document = asyncio.run(_read(consultation))
    except (addresses.StackNotRunning, BrokerUnreachable, UnknownConsultation) as error:
        fail(error, EXIT_MISSING)
    except ResultsUnreadable as error:
        fail(error, EXIT_UNREADABLE)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print(document, Console(highlight=False))


class UnknownConsultation(Exception):
    """No consultation has the identifier; the message lists those there are."""


async def _read(consultation: str) -> dict[str, Any]:
    settings = load()
    reader = ResultsReader(addresses.kafka_address(settings), addresses.topics(settings))
    await reader.read(until_ready=True)
    document = Documents(reader.flushes).document(consultation)
    if document is None:
        known = ", ".join(reader.flushes.consultations()) or "none yet"
        raise UnknownConsultation(f"no consultation {consultation!r}; known are: {known}")
    return document


def _print(document: dict[str, Any], console: Console) -> None:
    about, totals = document["consultation"], document["totals"]
    question = in_language(about["question"], LANGUAGE)[0] if about["question"] else about["id"]
    console.print(Text(question, style="bold"))
    console.print(Text(
        f"{document['state']} · as of votes {document['as_of']['votes']}, catalogue "
        f"{document['as_of']['catalogue']}, participants {document['as_of']['participants']}"))
    console.print()
    console.print(_totals(totals, about["votes_target"]))
    if shares_hidden(document):
        until = document["embargoed_until"] or "no date yet"
        console.print(Text(f"Shares are hidden until voting has closed (announced: {until})."))
        return
    if document["ideas"]:
        console.print(_entries("Ideas, in the order of the catalogue", document["ideas"], "title"))
    listed = {proposal["id"]: proposal for proposal in document["proposals"]}
    controversial = [listed[name] for name in document["controversial"] if name in listed]
    if controversial:
        console.print(_entries("Most controversial proposals", controversial, "text"))


def _totals(totals: dict[str, Any], target: int | None) -> Table:
    table = Table(title="Totals", title_justify="left", show_header=False, box=None)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("participants", f"{totals['participants']:,}")
    table.add_row("proposals", f"{totals['proposals']:,}")
    table.add_row("unknown proposals", f"{totals['unknown_proposals']:,}")
    table.add_row("votes received", f"{totals['received']:,}")
    for name, count in fates(totals):
        table.add_row(f"  {name}", f"{count:,}")
    table.add_row("votes counted", f"{totals['counted']['votes']:,}", style="bold")
    for route, count in totals.get("routes", {}).items():
        table.add_row(f"  route {route}", f"{count:,}")
    if target:
        table.add_row("votes hoped for", f"{target:,}")
    return table


def _entries(title: str, entries: list[dict[str, Any]], words: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("", overflow="fold")
    names = ("agree", "disagree", "like_it", "doable")
    for name in ("votes", *names, "rank"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        found = measures(entry)
        texts = entry[words]
        rank = entry["rank"]
        table.add_row(
            Text(in_language(texts, LANGUAGE)[0] if texts else entry["id"]),
            f"{entry['counted']['votes']:,}",
            *(_share(found[name]) for name in names),
            f"{rank['best']}-{rank['worst']}" if rank else "",
        )
    return table


def _share(measure: Measure) -> str:
    """Write a share with its count; the count alone where the votes are too few."""
    if measure.percent is None:
        return f"{measure.count:,}"
    return f"{measure.percent} % {measure.count:,}"
