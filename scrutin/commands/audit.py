"""`scrutin audit`: is what was published true?"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from scrutin import bootstrap
from scrutin.settings import Settings, load
from sinks.recount.audit import Audit
from sinks.recount.audit import audit as recounted
from sinks.recount.checks import EQUAL, EXIT_CODES
from sinks.recount.faults import RecountFailed
from sinks.recount.reading import WAIT_SECONDS, Reading
from sinks.recount.report import as_json, lines
from sinks.store import connect
from sinks.transparency.notes import Refused
from sinks.transparency.policy import parse_policy
from sinks.transparency.results_notes import require_signed
from views.documents import Documents
from views.flushes import ResultsUnreadable
from views.operations import recounts
from views.reader import BrokerUnreachable, ResultsReader


QUERY_SECONDS = 600.0
"""Longest wait for one query: a recount of a very large log is still not for ever."""

app = typer.Typer(
    no_args_is_help=True,
    help="Hold what was published against the archived log.",
)


class _Missing(Exception):
    """What is to be audited is not there."""


@app.callback()
def _group() -> None:
    """Keep `audit` a group of commands although there is one so far."""


@app.command()
def recount(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    json_report: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    document: Annotated[
        Path | None, typer.Option(help="A saved results document to audit instead of the live "
                                       "results; - for stdin.")] = None,
    note: Annotated[
        Path | None, typer.Option(help="The signed note of the document: the saved answer of "
                                       "/v1/consultations/ID/results/note.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The public keys: the saved answer of "
                                       "/log/PREFIX/policy.")] = None,
    columns: Annotated[
        bool, typer.Option(help="Decode the columns of every archived row again, too. Without it "
                                "that is done where anything differs.")] = False,
    wait: Annotated[
        float, typer.Option(
            min=0, help="Seconds to wait for the archive to hold what was published.")
    ] = WAIT_SECONDS,
) -> None:
    """Recount a consultation in four ways and compare to the unit.

    Live results, the ledger over the archived votes, SQL over the votes, and the sum of changes
    over the decisions. Exit codes: 0 equal, 1 recomputed is not what was published, 2 usage,
    3 something missing or unreachable, 4 decisions do not commit to the votes, the archive
    contradicts itself or the note does not fit, 5 unreadable.
    """
    settings = load()
    try:
        if note:
            _require_signed(note, document, policy)
        found = _recount(consultation, settings, document, wait, columns=columns)
    except Refused as error:
        _fail(f"INVALID: {error}", 4)
    except RecountFailed as error:
        _fail(error, error.exit_code)
    except ResultsUnreadable as error:
        _fail(error, 5)
    except (_Missing, BrokerUnreachable, bootstrap.StackNotRunning) as error:
        _fail(error, 3)
    except ClickHouseError as error:
        _fail(f"ClickHouse did not answer ({error}). See that it runs and that `scrutin archive` "
              "has made its tables.", 3)
    if document is None:
        _keep(found, settings)
    if json_report:
        typer.echo(json.dumps(as_json(found), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(lines(found)))
    raise typer.Exit(EXIT_CODES[found.verdict])


def _keep(found: Audit, settings: Settings) -> None:
    """Leave the verdict on what is live for the operators' page."""
    checks = [check.status for check in found.checks]
    verdict = recounts.Verdict(
        found.consultation, found.verdict, EXIT_CODES[found.verdict], len(checks),
        checks.count(EQUAL), found.as_of["votes"], time.time())
    try:
        recounts.keep(settings.data_folder, verdict)
    except OSError as error:
        _say(f"the operators' page is not told: {settings.data_folder} cannot be written ({error})")


def _require_signed(note: Path, document: Path | None, policy: Path | None) -> None:
    """Raise Refused unless the document is the one whose note the catalogue's key signed."""
    if document is None or policy is None:
        raise _Missing("a note is checked with its document and the public keys: give --document, "
                       "the saved answer of /v1/consultations/ID/results/signed, and --policy.")
    signers = [verifier for origin, verifier in parse_policy(policy.read_text("utf-8")).items()
               if origin.endswith("/catalogue/0")]
    if len(signers) != 1:
        raise Refused(f"the policy names {len(signers)} logs of a catalogue, it must name one")
    require_signed(note.read_text("utf-8"), document.read_bytes(), signers[0])
    _say("the document is the one that was signed")


def _fail(reason: object, exit_code: int) -> None:
    typer.echo(f"scrutin: {reason}", err=True)
    raise typer.Exit(exit_code)


def _recount(
    consultation: str, settings: Settings, path: Path | None, wait_seconds: float, *,
    columns: bool,
) -> Audit:
    topics = bootstrap.topics(settings)
    published = (_saved(path, consultation, topics.partitions) if path
                 else asyncio.run(_live(consultation, settings)))
    if published is None:
        raise _Missing(f"nothing is published of consultation {consultation!r}. `scrutin results` "
                       "and /v1/consultations name those there are.")
    client = connect(bootstrap.clickhouse_url(settings), settings.clickhouse_database,
                     seconds=QUERY_SECONDS, create=False)
    try:
        reading = Reading(client, topics, published["as_of"]["votes"])
        return recounted(consultation, published, reading, say=_say,
                         wait_seconds=wait_seconds, columns=columns)
    finally:
        client.close()


def _saved(path: Path, consultation: str, partitions: int) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
        found: dict[str, Any] = json.loads(text)
    except OSError as error:
        raise _Missing(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise ResultsUnreadable(f"{path} is no results document: {error}") from error
    if not _is_document(found, partitions):
        raise ResultsUnreadable(
            f"{path} is no results document of a log with {partitions} partitions. Save one with "
            f"`scrutin results {consultation} --json`.")
    if found["consultation"]["id"] != consultation:
        raise _Missing(f"{path} holds the results of {found['consultation']['id']!r}, not of "
                       f"{consultation!r}.")
    if "embargoed_until" in found:
        raise _Missing(f"{path} holds no shares: they are hidden until voting has closed. Leave "
                       "the file out to compare with the results topic, or fetch it again then.")
    return found


def _is_document(found: Any, partitions: int) -> bool:
    """Whether JSON has what a recount asks of a results document."""
    try:
        votes, identifier = found["as_of"]["votes"], found["consultation"]["id"]
        blocks = [found["totals"], *(found["proposals"] or [])]
    except (KeyError, TypeError):
        return False
    return (isinstance(votes, list) and len(votes) == partitions
            and all(isinstance(offset, int) for offset in [*votes, found["as_of"].get("catalogue")])
            and isinstance(identifier, str) and all(isinstance(block, dict) for block in blocks))


async def _live(consultation: str, settings: Settings) -> dict[str, Any] | None:
    """Read what is published now."""
    reader = ResultsReader(bootstrap.kafka_address(settings), bootstrap.topics(settings))
    _say("reading the published results")
    await reader.read(until_ready=True)
    return Documents(reader.flushes).whole_document(consultation)


def _say(progress: str) -> None:
    typer.echo(progress, err=True)
