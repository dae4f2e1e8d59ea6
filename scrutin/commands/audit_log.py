"""`scrutin audit log`: is this transparency log the one that was signed, now and before?"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.exit_codes import EXIT_FAILED, EXIT_INVALID, EXIT_MISSING, EXIT_UNREADABLE
from schemas.named_keys import KINDS, KeyList, key_id
from scrutin import addresses
from scrutin.archive_client import archive_client
from scrutin.audit.beginning import say
from scrutin.process.ending import fail
from scrutin.process.foreign_files import NotOfItsKind, read_checkpoint_text, read_keys, read_policy
from scrutin.settings import load
from sinks.catching_up import WAIT_SECONDS, still_lacking
from sinks.logs import archived_logs
from sinks.printable import printable
from sinks.transparency.archived import ArchiveBehind, behind, require_archived
from sinks.transparency.auditing import Audited, audit
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint
from sinks.transparency.key_commitments import require_committed
from sinks.transparency.notes import Refused, Verifier, text_of
from sinks.transparency.policy import place_of
from sinks.transparency.quorum import Unwitnessed
from sinks.transparency.remote import LogAway, Source, source


Wait = Annotated[float, typer.Option(
    min=0, help="With --archive: seconds to wait for it to hold what was signed.")]


def log(
    where: Annotated[str, typer.Argument(
        metavar="LOG", help="Address of the log, as https://example.org/log/scrutin/votes/0, or "
        "its folder.")],
    *,
    policy: Annotated[Path, typer.Option(
        help="The logs' public keys: the saved answer of /log/PREFIX/policy, or of "
        "/log/PREFIX/policy-witnessed, which asks for witnesses too.")],
    checkpoint: Annotated[list[Path] | None, typer.Option(
        help="A checkpoint of this log that was saved before, or given by somebody else; may be "
        "repeated.")] = None,
    keys: Annotated[Path | None, typer.Option(
        help="The service's public keys: the saved answer of /log/PREFIX/keys, to be held against "
        "what the checkpoints commit to.")] = None,
    archive: Annotated[bool, typer.Option(
        "--archive", help="Compare the archive's records too, which recounts rest on.")] = False,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Check a whole transparency log: every tile, every entry, every checkpoint you kept.

    Exit codes: 0 it is what was signed, 1 too few of the policy's witnesses have countersigned what
    is shown, 2 usage, 3 something is missing or unreachable, 4 a
    signature, a tile, an earlier checkpoint, a list of keys or an archived record does not fit, 5
    unreadable.
    """
    found = source(where)
    try:
        verifier = _verifier(where, read_policy(policy))
        saved = [read_checkpoint_text(path) for path in checkpoint or ()]
        list_of_keys = read_keys(keys) if keys else None
        audited = audit(_head(found), found.read, verifier, saved,
                        found.witnessed.checkpoint() if verifier.quorum else None,
                        now=time.time())
        typer.echo(_said(audited, len(saved)))
        if list_of_keys is not None:
            typer.echo(_kept_to(list_of_keys, [
                audited.checkpoint, *(parse_checkpoint(text_of(note)) for note in saved)]))
        if archive:
            _compare_archive(found, audited, wait)
    except Unwitnessed as error:
        fail(f"UNWITNESSED: {error}. Nobody but its signer vouches that others are shown this log: "
             "it may be forked. Ask the witnesses what they have seen.", EXIT_FAILED)
    except Refused as error:
        fail(f"INVALID: {error}. Show this to others who keep checkpoints.", EXIT_INVALID)
    except (LogAway, ArchiveBehind) as error:
        fail(error, EXIT_MISSING)
    except ClickHouseError as error:
        fail(f"ClickHouse did not answer ({error})", EXIT_MISSING)
    except (NotOfItsKind, ValueError) as error:
        fail(f"a file cannot be read: {error}", EXIT_UNREADABLE)


def _kept_to(keys: KeyList, checkpoints: Sequence[Checkpoint]) -> str:
    """Say what the checkpoints commit to; raise Refused where it is another list."""
    number = sum(require_committed(checkpoint, keys) for checkpoint in checkpoints)
    return printable(
        f"keys: {number} of {len(checkpoints)} checkpoints commit to keys, each to this list: "
        + (", ".join(f"{key.kind} {key_id(key.public)} {key.state.replace('_', ' ')}"
                     for kind in KINDS for key in keys.of(kind)) or "none is named"))


def _verifier(where: str, logs: dict[str, Verifier]) -> Verifier:
    """Find the log's key by the end of its address, which is its place."""
    place = "/" + "/".join(where.rstrip("/").split("/")[-3:])
    found = [verifier for origin, verifier in logs.items() if origin.endswith(place)]
    if not found:
        raise LogAway(f"the policy names no log that ends in {place}: is this the address of a "
                      f"log, and the policy its service's? It names {', '.join(logs) or 'none'}")
    if len(found) != 1:
        raise Refused(f"the policy names {len(found)} logs that end in {place}, it must name one")
    return found[0]


def _head(found: Source) -> str:
    head = found.checkpoint()
    if head is None:
        raise LogAway("there is no checkpoint: is this the address of one log?")
    return head


def _compare_archive(found: Source, audited: Audited, wait_seconds: float) -> None:
    settings = load()
    topics = addresses.topics(settings)
    for archived in archived_logs(topics):
        for partition in range(archived.partitions):
            place = place_of(topics, archived.topic, partition)
            if audited.checkpoint.origin.endswith(f"/{place}"):
                client, size = archive_client(settings), audited.checkpoint.size
                still_lacking(partial(behind, client, archived, partition, size=size),
                              say=say, seconds=wait_seconds)
                require_archived(client, archived, partition, read=found.read, size=size)
                client.close()
                typer.echo("archive: every signed record is there, as it was signed")
                return
    raise LogAway(f"{audited.checkpoint.origin} is no log of the topics {topics.prefix}: set "
                  "SCRUTIN_TOPIC_PREFIX and SCRUTIN_PARTITIONS")


def _witnessed(audited: Audited) -> Iterator[str]:
    """Say how much of the log witnesses have seen, where they were asked for."""
    if audited.witnessed is None:
        return
    behind = audited.checkpoint.size - audited.witnessed.size
    at = datetime.fromtimestamp(audited.seen_at, UTC)
    yield (f"witnessed: {audited.witnessed.size} entries, by as many witnesses as the policy asks "
           f"for, on {at:%Y-%m-%d %H:%M:%S} UTC"
           + (f"; the {behind} behind them not yet, look again" if behind else ""))


def _said(audited: Audited, saved: int) -> str:
    head = audited.checkpoint
    lines = [f"log: {head.origin}, {head.size} entries, root {head.root.hex()}",
             "checked: signature, every entry and every tile",
             f"earlier checkpoints you gave: {saved}, each lies in this log" if saved else
             "earlier checkpoints: none given, so this shows only that the log fits itself. Keep "
             "this one, and give it next time with --checkpoint", *_witnessed(audited)]
    return "\n".join(map(printable, [*lines, *(
        f"entries of {name or 'no consultation'}: {count}"
        for name, count in sorted(audited.consultations.items()))]))
