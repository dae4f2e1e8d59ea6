"""`scrutin export`: open data, from which anybody computes the published percentages again."""

import asyncio
import random
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from processors.results.results_document import shares_hidden
from producers.errors import ProducingError
from schemas.exit_codes import EXIT_FAILED, EXIT_MISSING, EXIT_UNREADABLE, EXIT_USAGE
from scrutin import addresses
from scrutin.audit.ballots import live_ballots
from scrutin.commands.results import UnknownConsultation
from scrutin.process.ending import fail
from scrutin.settings import load
from views import downloads, open_data, polis_export
from views.documents import Documents
from views.encoding import encode_json
from views.flushes import Flushes, ResultsUnreadable
from views.reader import BrokerUnreachable, ResultsReader


class Format(StrEnum):
    """What the files look like."""

    RESULTS = "results"
    POLIS = polis_export.FORMAT


class Refused(Exception):
    """What is asked for may not be given, or not yet."""


def export(
    consultation: Annotated[str, typer.Argument(
        help="Identifier of the consultation.", show_default=False)],
    *,
    output: Annotated[Path, typer.Option(
        help="A new folder, or a new file that ends with .zip.", show_default=False)],
    form: Annotated[Format, typer.Option(
        "--format", help="results: counts, shares, scores and ideas as CSV; polis-export/1: every "
                         "vote as Polis exports them.")] = Format.RESULTS,
    votes: Annotated[bool, typer.Option(
        "--votes", help="Add the votes one by one, under names drawn for this export; days instead "
                        "of times.")] = False,
) -> None:
    """Write the results as open data, with a dictionary of every column and what was withheld.

    Nothing is written while the consultation hides its shares, and no single votes before voting
    has closed. polis-export/1 holds all votes of a voter under one number, so it needs --votes.
    Exit status 0 done, 1 refused (too early, or the votes do not give the published counts),
    2 usage, 3 consultation, Kafka or a topic missing, 5 results unreadable.
    """
    if form is Format.POLIS and not votes:
        fail(f"{form} holds every vote of each voter under one number. Add --votes to say that "
             "this is wanted.", EXIT_USAGE)
    if output.exists() and (output.is_file() or any(output.iterdir())):
        fail(f"{output} is there already: name a new folder or file.", EXIT_USAGE)
    try:
        files = asyncio.run(_files(consultation, form, votes=votes))
    except (Refused, open_data.FiguresDiffer) as error:
        fail(error, EXIT_FAILED)
    except (addresses.StackNotRunning, BrokerUnreachable, UnknownConsultation) as error:
        fail(error, EXIT_MISSING)
    except ProducingError as error:
        fail(error, error.exit_code)
    except ResultsUnreadable as error:
        fail(error, EXIT_UNREADABLE)
    _write(files, output)
    typer.echo(f"{output}: {', '.join(sorted(files))}", err=True)


async def _files(consultation: str, form: Format, *, votes: bool) -> dict[str, bytes]:
    settings = load()
    kafka, topics = addresses.kafka_address(settings), addresses.topics(settings)
    reader = ResultsReader(kafka, topics)
    await reader.read(until_ready=True)
    document = Documents(reader.flushes).document(consultation)
    if document is None:
        known = ", ".join(reader.flushes.consultations()) or "none yet"
        raise UnknownConsultation(f"no consultation {consultation!r}; known are: {known}")
    _require_allowed(document, votes=votes)
    ballots = None
    if votes:
        ballots = await live_ballots(kafka, topics, consultation, document["as_of"]["votes"])
        open_data.require_same_figures(document, ballots)
    if form is Format.POLIS:
        return polis_export.files(
            document, _accepted(reader.flushes, consultation), ballots or [],
            random.SystemRandom().shuffle)
    # The key is gone with this process: nobody can make these names again.
    rows = None if ballots is None else open_data.rows(
        ballots, secrets.token_bytes(32), document["consultation"]["time_zone"])
    applied = reader.flushes.applied
    return downloads.files(document, applied.published_at if applied else None, None,
                           encode_json(document), rows)


def _require_allowed(document: Mapping[str, Any], *, votes: bool) -> None:
    name = document["consultation"]["id"]
    if shares_hidden(document):
        until = document["embargoed_until"] or "no date yet"
        raise Refused(
            f"consultation {name!r} hides its shares until voting has closed (announced: {until}). "
            f"Nothing was written. Export after `scrutin close {name}`.")
    if votes and document["state"] == "open":
        raise Refused(
            f"consultation {name!r} is open: two exports of single votes would tell who voted in "
            f"between. Nothing was written. Leave --votes out, or export after `scrutin close "
            f"{name}`.")


def _accepted(flushes: Flushes, consultation: str) -> Mapping[str, Mapping[str, Any]]:
    known = flushes.catalogue.consultations.get(consultation)
    return known.proposals if known else {}


def _write(files: Mapping[str, bytes], output: Path) -> None:
    if output.suffix == ".zip":
        output.write_bytes(downloads.packed(files))
        return
    output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (output / name).write_bytes(content)
