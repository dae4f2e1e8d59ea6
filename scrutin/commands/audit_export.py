"""`scrutin audit export`: a consultation in one file, for whoever wants to repeat the count."""

import os
from pathlib import Path
from typing import Annotated

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.exit_codes import EXIT_MISSING
from schemas.topics import Topics
from scrutin import addresses
from scrutin.archive_client import archive_client
from scrutin.process.ending import fail
from scrutin.settings import Settings, load
from sinks.bundle.archived import ArchivedConsultation
from sinks.bundle.export import Export, signed_result
from sinks.bundle.faults import NotExported
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.faults import TreeRefused
from sinks.recount.faults import RecountFailed
from sinks.transparency.folder import sync_folder
from sinks.transparency.keys import load_signer
from sinks.transparency.notes import Signer
from sinks.transparency.policy import place_of
from sinks.transparency.policy_file import known_keys


QUERY_SECONDS = 600.0
"""Longest wait for one query: the table of a very large consultation is still not for ever."""


def export(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    output: Annotated[Path, typer.Option(help="File to write; it appears whole or not at all.")],
    auditor: Annotated[bool, typer.Option(
        "--auditor", help="Put every record in, with its voter: for an auditor under an agreement, "
        "not for publication. All consultations of the log are in it.")] = False,
) -> None:
    """Write a bundle: the newest signed result of a consultation, and all it rests on.

    The public bundle has a row for each vote, under a pseudonym that no other row shares, made with
    a key that nobody keeps. Needs the archive, and the notary's folder and catalogue key in
    SCRUTIN_DATA_DIR. Exit codes: 0 written, 2 usage, 3 something missing, embargoed or unreachable,
    5 unreadable.
    """
    settings = load()
    topics = addresses.topics(settings)
    try:
        signer = _signer(settings, topics)
        signed = signed_result(
            addresses.transparency_folder(settings), topics, consultation, signer)
        client = archive_client(settings, seconds=QUERY_SECONDS)
        try:
            source = ArchivedConsultation(
                client, topics, consultation, signed.document["as_of"]["votes"])
            _write(output, Export(signed, source, topics, signer, _say),
                   AUDITOR if auditor else PUBLIC)
        finally:
            client.close()
    except RecountFailed as error:
        fail(error, error.exit_code)
    except (NotExported, TreeRefused, addresses.StackNotRunning) as error:
        fail(error, EXIT_MISSING)
    except ClickHouseError as error:
        fail(f"ClickHouse did not answer ({error}). See that it runs and that `scrutin archive` "
             "has made its tables.", EXIT_MISSING)
    typer.echo(f"{output}: {output.stat().st_size:,} bytes. Verify it before you hand it out: "
               f"scrutin audit verify {output} --policy KEYS, with the keys that people kept")


def _signer(settings: Settings, topics: Topics) -> Signer:
    """Return the key of the catalogue's log, which signs results and bundles."""
    place = place_of(topics, topics.catalogue, 0)
    folder = addresses.log_keys_folder(settings)
    signer = load_signer(
        folder, place, f"{settings.log_origin}/{place}",
        known_keys(addresses.transparency_folder(settings) / topics.prefix,
                   f"{settings.log_origin}/{place}"))
    if signer is None:
        raise NotExported(f"the key {folder / place}.key is not here: a bundle is signed where "
                          "the notary runs.")
    return signer


def _write(output: Path, exporting: Export, kind: str) -> None:
    """Write to a draft beside the file, and give it its name when the disk has all of it."""
    draft = output.with_name(f"{output.name}.draft")
    try:
        with draft.open("wb") as file:
            exporting.write(file, kind)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(output.parent)


def _say(progress: str) -> None:
    typer.echo(progress, err=True)
