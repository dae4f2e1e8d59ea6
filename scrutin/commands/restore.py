"""`scrutin restore`: have a retired proposal voted on again, or fill an empty Kafka."""

import asyncio
import json
import re
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from producers import correcting
from schemas.exit_codes import EXIT_FAILED, EXIT_INVALID, EXIT_MISSING, EXIT_USAGE
from schemas.topics import Topics
from scrutin import addresses
from scrutin.archive_client import archive_client
from scrutin.commands import producing
from scrutin.process.ending import fail
from scrutin.restoring.filling import Filling, FillingFailed, Taken
from scrutin.restoring.parts import Parts, parts_of
from scrutin.settings import Settings, load
from sinks.kept import ArchiveUnfit, KeptLogs
from sinks.transparency.notes import Refused


FORMAT = "scrutin-restore/1"
QUERY_SECONDS = 600.0
"""Longest wait for one query: how far a large archive goes is asked in one."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a topic prefix may be: see SCRUTIN_TOPIC_PREFIX."""


def restore(
    proposal: Annotated[str | None, typer.Argument(
        help="Identifier of a retired proposal.", show_default=False)] = None,
    *,
    reason: Annotated[str | None, typer.Option(
        help="Why the proposal comes back; it stays in the log.", show_default=False)] = None,
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
    into: Annotated[str | None, typer.Option(
        metavar="PREFIX", help="First part of the topics to be filled; that of the lost ones, "
        "where nothing is lost, so that everything goes on.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option(
        "--resume", help="Go on with a filling that was ended: all that is there must be the "
        "archive's.")] = False,
    accept_loss: Annotated[bool, typer.Option(
        "--accept-loss", help="Go on though the archive lacks records that were signed or decided; "
        "only into another prefix.")] = False,
) -> None:
    """Have a retired proposal voted on again, or fill an empty Kafka from the archive.

    With PROPOSAL and --reason: its words are shown again, and votes on it taken. Nothing is
    written where it is not retired; signed where the log has control keys. Exit codes: 2 the
    consultation is closed or not said, or no key at hand may sign, 3 where proposal, consultation,
    Kafka or a topic is missing.

    With --into: fills every topic that is for ever, offsets, keys, times, headers and bytes alike;
    workers make the others again. No worker, gateway or command may run meanwhile. Checkpoints of
    the transparency logs in the data folder are compared on the way. Exit codes: 0 done, 1 the
    archive lacks what was signed or decided, 2 usage, or topics that are not empty, 3 something
    missing or unreachable, or ended on the way, 4 the archive has holes, contradicts itself or is
    not what was signed.
    """
    of_a_proposal, of_kafka = reason or consultation or after_closing, resume or accept_loss
    if proposal and reason and not (into or of_kafka):
        _readmit(proposal, reason, consultation, after_closing=after_closing)
    elif into and not (proposal or of_a_proposal):
        _fill(into, resume=resume, accept_loss=accept_loss)
    else:
        fail("give either a PROPOSAL and --reason, to have it voted on again, or --into PREFIX, to "
             "fill an empty Kafka from the archive; not both.", EXIT_USAGE)


def _readmit(
    proposal: str, reason: str, consultation: str | None, *, after_closing: bool
) -> None:
    done = producing.finish(correcting.restore(
        producing.log(after_closing=after_closing), proposal, reason, consultation=consultation,
        now=producing.now()))
    producing.say(f"{proposal}: {'voted on again' if done.written else 'is not retired'}")
    typer.echo(json.dumps(vars(done)))


def _fill(into: str, *, resume: bool, accept_loss: bool) -> None:
    settings = load()
    if not _NAME.fullmatch(into):
        fail(f"--into {into!r} cannot begin the name of a topic: letters, digits, '.', '_' and "
             "'-', at most 100.", EXIT_USAGE)
    kafka = addresses.kafka_address(settings)
    topics, target = addresses.topics(settings), Topics(into, settings.partitions)
    try:
        client = archive_client(settings, seconds=QUERY_SECONDS)
    except ClickHouseError as error:
        fail(f"ClickHouse did not answer ({error}).", EXIT_MISSING)
    try:
        _restore(settings, client, kafka, topics, target, resume=resume, accept_loss=accept_loss)
    except Taken as error:
        fail(error, EXIT_USAGE)
    except FillingFailed as error:
        fail(error, EXIT_MISSING)
    except (ArchiveUnfit, Refused) as error:
        fail(f"INVALID: {error}", EXIT_INVALID)
    except ClickHouseError as error:
        fail(f"ClickHouse did not answer ({error}). Run the same command with --resume.",
             EXIT_MISSING)
    finally:
        client.close()


def _restore(
    settings: Settings, client: Client, kafka: str, topics: Topics, target: Topics, *,
    resume: bool, accept_loss: bool,
) -> None:
    kept = KeptLogs(client, topics)
    parts = parts_of(kept, topics, target, addresses.transparency_folder(settings))
    for place, number in parts.unsigned.items():
        typer.echo(f"not signed: the last {number} records of {place} lie behind every checkpoint: "
                   "nothing tells whether they were changed", err=True)
    _require_accepted(parts, accept_loss=accept_loss, another=target.prefix != topics.prefix)
    filling = Filling(kafka, target, kept, parts, resume=resume,
                      say=lambda line: typer.echo(line, err=True))
    asyncio.run(filling.run(replication=settings.replication))
    typer.echo(json.dumps({
        "format": FORMAT, "from": topics.prefix, "into": target.prefix,
        "written": filling.written, "found": filling.found, "losses": parts.losses,
        "unsigned": parts.unsigned,
        "checkpoints": sum(part.witnessed.met for part in parts.parts),
        "ends": {part.place: part.end for part in parts.parts}}, indent=1))


def _require_accepted(parts: Parts, *, accept_loss: bool, another: bool) -> None:
    """End where records are lost and nobody has said that this may be, in a log of another name."""
    for loss in parts.losses:
        typer.echo(f"lost: {loss}", err=True)
    if parts.losses and not (accept_loss and another):
        fail("nothing was written: what is restored would lack these. Look for a newer copy of the "
             "archive first. If there is none, begin another generation: --accept-loss, and --into "
             "another prefix, for archive and notary do not go on with a shorter log of the same "
             "name.", EXIT_FAILED)
