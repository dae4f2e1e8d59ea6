"""What every recount begins with: the published document, the archive; and how it may end."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.results.results_document import shares_hidden
from schemas.exit_codes import EXIT_INVALID, EXIT_MISSING, EXIT_UNREADABLE, EXIT_USAGE
from scrutin import addresses
from scrutin.archive_client import archive_client
from scrutin.process.ending import fail
from scrutin.process.foreign_files import DOCUMENT_BYTES_MAX, NotOfItsKind, read_foreign
from scrutin.settings import Settings
from sinks.recount.faults import RecountFailed
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document
from sinks.recount.supposing import BadSupposition
from sinks.transparency.notes import Refused
from views.documents import Documents
from views.flushes import ResultsUnreadable
from views.reader import BrokerUnreachable, ResultsReader


QUERY_SECONDS = 600.0
"""Longest wait for one query: a recount of a very large log is still not for ever."""


class Missing(Exception):
    """What is to be audited is not there."""


def say(progress: str) -> None:
    """Tell progress on stderr."""
    typer.echo(progress, err=True)


@contextmanager
def exit_codes() -> Iterator[None]:
    """End the command with the exit code of whatever goes wrong, and say it."""
    try:
        yield
    except BadSupposition as error:
        fail(error, EXIT_USAGE)
    except Refused as error:
        fail(f"INVALID: {error}", EXIT_INVALID)
    except RecountFailed as error:
        fail(error, error.exit_code)
    except (ResultsUnreadable, NotOfItsKind) as error:
        fail(error, EXIT_UNREADABLE)
    except (Missing, BrokerUnreachable, addresses.StackNotRunning) as error:
        fail(error, EXIT_MISSING)
    except ClickHouseError as error:
        fail(f"ClickHouse did not answer ({error}). See that it runs and that `scrutin archive` "
             "has made its tables.", EXIT_MISSING)


@contextmanager
def published(
    consultation: str, settings: Settings, path: Path | None
) -> Iterator[tuple[Document, Reading, bool]]:
    """Yield the published document, live or saved, and the archive up to its positions.

    Says too whether how people vote is hidden now: then no number may be shown unasked.
    """
    topics = addresses.topics(settings)
    document, hidden = ((_saved(path, consultation, topics.partitions), False) if path
                        else asyncio.run(_live(consultation, settings)))
    if document is None:
        raise Missing(f"nothing is published of consultation {consultation!r}. `scrutin results` "
                      "and /v1/consultations name those there are.")
    client = archive_client(settings, seconds=QUERY_SECONDS)
    try:
        yield document, Reading(client, topics, document["as_of"]["votes"]), hidden
    finally:
        client.close()


def _saved(path: Path, consultation: str, partitions: int) -> dict[str, Any]:
    try:
        text = (read_foreign(sys.stdin.buffer, DOCUMENT_BYTES_MAX) if str(path) == "-" else
                read_foreign(path, DOCUMENT_BYTES_MAX)).decode()
        found: dict[str, Any] = json.loads(text)
    except OSError as error:
        raise Missing(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise ResultsUnreadable(f"{path} is no results document: {error}") from error
    if not _is_document(found, partitions):
        raise ResultsUnreadable(
            f"{path} is no results document of a log with {partitions} partitions. Save one with "
            f"`scrutin results {consultation} --json`.")
    if found["consultation"]["id"] != consultation:
        raise Missing(f"{path} holds the results of {found['consultation']['id']!r}, not of "
                       f"{consultation!r}.")
    if shares_hidden(found):
        raise Missing(f"{path} holds no shares: they are hidden until voting has closed. Leave "
                       "the file out to compare with the results topic, or fetch it again then.")
    return found


def saved_guard(path: Path, consultation: str, partitions: int) -> dict[str, Any]:
    """Read a saved guard document. Raises Missing, ResultsUnreadable."""
    try:
        found: dict[str, Any] = json.loads(read_foreign(path, DOCUMENT_BYTES_MAX))
        as_of, page = found["as_of"], found["page"]
        whole = [*as_of["votes"], as_of["catalogue"], as_of["judgement"], page["first"],
                 page["limit"]]
        fits = len(as_of["votes"]) == partitions and all(
            isinstance(number, int) for number in whole) and {
                "totals", "rules", "changes", "days", "unanswered", "findings"} <= found.keys()
        datetime.fromisoformat(as_of["time"])
    except OSError as error:
        raise Missing(f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise ResultsUnreadable(f"{path} is no guard document of a log with {partitions} "
                                f"partitions: save /v1/consultations/{consultation}/guard.")
    if found["consultation"] != consultation:
        raise Missing(f"{path} is of {found['consultation']!r}, not of {consultation!r}.")
    return found


def _is_document(found: Any, partitions: int) -> bool:
    """Whether JSON has what a recount asks of a results document."""
    try:
        votes, identifier = found["as_of"]["votes"], found["consultation"]["id"]
        blocks = [found["totals"], *(found["proposals"] or [])]
    except (KeyError, TypeError):
        return False
    return (isinstance(votes, list) and len(votes) == partitions
            and all(isinstance(offset, int) for offset in [
                *votes, *(found["as_of"].get(log) for log in ("catalogue", "participants"))])
            and isinstance(identifier, str) and all(isinstance(block, dict) for block in blocks))


async def _live(consultation: str, settings: Settings) -> tuple[dict[str, Any] | None, bool]:
    """Read what is published now, and whether shares are hidden."""
    reader = ResultsReader(addresses.kafka_address(settings), addresses.topics(settings))
    say("reading the published results")
    await reader.read(until_ready=True)
    documents = Documents(reader.flushes)
    return documents.whole_document(consultation), documents.embargoed(consultation)
