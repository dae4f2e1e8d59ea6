"""`scrutin receipt`: is my vote in the log, as I cast it?"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from schemas.exit_codes import EXIT_FAILED, EXIT_INVALID, EXIT_MISSING, EXIT_UNREADABLE
from schemas.named_keys import HEAD, KeyList, key_id, parse_keys
from schemas.registry import UnknownSchema
from schemas.topics import Topics
from scrutin.process.ending import fail
from scrutin.process.foreign_files import (
    RECEIPT_BYTES_MAX,
    NotOfItsKind,
    read_foreign_text,
    read_policy,
)
from sinks.printable import printable
from sinks.transparency.checkpoints import Checkpoint
from sinks.transparency.notes import Refused, Verifier, from_base64
from sinks.transparency.policy import place_of
from sinks.transparency.quorum import Quorum, Unwitnessed
from sinks.transparency.receipts import (
    NeverNamed,
    Receipt,
    Unreadable,
    parse_receipt,
    require_named,
)
from sinks.transparency.tlog_proof import parse_proof


def verify(
    file: Annotated[Path, typer.Argument(help="The receipt, as the gateway gave it (JSON).")],
    *,
    keys: Annotated[Path | None, typer.Option(
        help="The service's public keys: the saved answer of /log/PREFIX/keys, as the log names "
        "them, or of /v1/keys, as the gateway does. Without, the receipt's own member keys is "
        "taken, if there is one: it counts under the proof's checkpoint only.")] = None,
    proof: Annotated[Path | None, typer.Option(
        help="The vote's tlog-proof: the saved answer of /v1/receipts/PARTITION/OFFSET, a refusal "
        "too. Without, the receipt's own member tlog_proof is taken, if there is one.")] = None,
    policy: Annotated[Path | None, typer.Option(
        help="The logs' public keys: the saved answer of /log/PREFIX/policy, or of "
        "/log/PREFIX/policy-witnessed, which asks for witnesses too; needed with a proof.")] = None,
    prefix: Annotated[str, typer.Option(
        help="First part of the topics' names the vote was cast under.")] = "scrutin",
) -> None:
    """Check a voter's receipt, offline.

    Checks that the gateway signed it and, with a proof, that the vote lies in the transparency log
    at its place, under a signed checkpoint; says by which key, whether the log names that key, so
    that nobody can deny it, and whether the promise to put the vote there still runs.
    Exit codes: 0 all that was given holds, 1 the proof's checkpoint lacks cosignatures of witnesses
    that the policy asks for, 2 usage, 3 a file is missing, or the vote is: the promise is broken; 4
    a signature or proof is invalid, or by a key the log never named; 5 a file cannot be read.
    """
    topics = Topics(prefix, 1)
    try:
        document = _json(file)
        receipt = parse_receipt(document)
        known = _keys(keys, document)
        public = receipt.signed_by(known.publics, topics.votes)
        said = (f"{printable(_said(receipt))}\nsignature: valid, by the key {key_id(public)}. The "
                f"gateway took it for {topics.votes} partition {receipt.partition} offset "
                f"{receipt.offset}.")
        # Only now, and by keys that came with it only under a checkpoint: until then anybody may
        # have written it.
        if not known.enclosed:
            typer.echo(said)
        text = read_foreign_text(proof) if proof else document.get("tlog_proof")
    except Refused as error:
        fail(f"INVALID: {error}. {_shows_nothing(error)}", EXIT_INVALID)
    except (Unreadable, UnknownSchema, NotOfItsKind, UnicodeDecodeError) as error:
        fail(f"{file} or a file given with it cannot be read: {error}", EXIT_UNREADABLE)
    try:
        logged = _logged(receipt, text, policy, topics, known, public)
        typer.echo(f"{said}\n{logged}" if known.enclosed else logged)
    except Refused as error:
        _fail_of_log(error, known)
    except (Unreadable, NotOfItsKind, UnicodeDecodeError) as error:
        fail(f"the proof or the policy cannot be read: {error}. Fetch it again.", EXIT_UNREADABLE)


@dataclass(frozen=True)
class _Known:
    """The keys a receipt may be by."""

    publics: list[bytes]
    named: KeyList | None = None
    """As the log names them."""
    enclosed: bool = False
    """Whether they came with the receipt: then a checkpoint alone vouches for them."""


def _fail_of_log(error: Refused, known: _Known) -> NoReturn:
    """End where a receipt's signature fits, and its proof or the keys do not."""
    if isinstance(error, Unwitnessed):
        fail(f"UNWITNESSED: {error}. The receipt holds; its proof may be of a log that others are "
             "not shown. Fetch the proof again: checkpoints are countersigned within seconds.",
             EXIT_FAILED)
    fail(f"INVALID: {error}. {_evidence(error, known)}", EXIT_INVALID)


def _shows_nothing(error: Refused) -> str:
    if isinstance(error, NeverNamed):
        return ("Nobody has named that key as the service's: the receipt shows nothing. If the "
                "service gave it to you, show it to whoever watches the consultation, with the "
                "list of keys.")
    return "It is no receipt of the gateway with these keys: it shows nothing."


def _evidence(error: Refused, known: _Known) -> str:
    """Say what becomes of a receipt whose signature fits, and whose proof or keys do not."""
    if known.enclosed or isinstance(error, NeverNamed):
        return _shows_nothing(error)
    return ("The receipt holds: keep it, and fetch the proof, the policy and the keys again. If "
            "they do not fit it then either, it is evidence of a log that was changed.")


def _logged(
    receipt: Receipt, proof: str | None, policy: Path | None, topics: Topics, known: _Known,
    public: bytes,
) -> str:
    where = f"/v1/receipts/{receipt.partition}/{receipt.offset}"
    if proof is not None and not isinstance(proof, str):
        raise Unreadable("the receipt's tlog_proof is no text")
    if known.enclosed and (proof is None or _is_refusal(proof) or policy is None):
        fail("the keys came with the receipt, and count under a signed checkpoint only: give "
             "--proof and --policy, or save /log/PREFIX/keys, better from somebody you trust, and "
             "give it with --keys.", EXIT_MISSING)
    if proof is None:
        return (f"log: not checked. Give the answer of {where} with --proof.\n"
                f"promise: {_promise(receipt)}")
    if _is_refusal(proof):
        if time.time() > receipt.due_at:
            fail(f"BROKEN: the service promised that a signed checkpoint covers it by "
                 f"{_utc(receipt.due_at)}, and has no proof. Keep the receipt and this answer, "
                 "show them to whoever watches the consultation: they are evidence.", EXIT_MISSING)
        return f"log: not yet. No checkpoint covers it.\npromise: {_promise(receipt)}"
    if policy is None:
        fail("a proof is checked with the logs' public keys: save /log/PREFIX/policy, or better "
             "take it from somebody you trust, and give it with --policy.", EXIT_MISSING)
    place = place_of(topics, topics.votes, receipt.partition)
    try:
        parse_proof(proof)
    except Refused as error:
        raise Unreadable(str(error)) from error
    logs = read_policy(policy)
    checkpoint = receipt.require_logged(proof, logs, place)
    return (f"log: valid. It is entry {receipt.offset} of {checkpoint.origin} under the signed "
            f"checkpoint of size {checkpoint.size}.\n"
            f"{_witnessed(proof, logs[checkpoint.origin])}{_named(known, public, checkpoint)}\n"
            "promise: kept.")


def _witnessed(proof: str, verifier: Verifier) -> str:
    """Say who has countersigned the checkpoint, where the policy asks for witnesses."""
    if not isinstance(verifier.quorum, Quorum):
        return ""
    found = verifier.quorum.require(parse_proof(proof).checkpoint)
    return "witnesses: valid. " + printable(", ".join(
        f"{one.witness.label} on {_utc(one.at)}" for one in found)) + " saw it.\n"


def _named(known: _Known, public: bytes, checkpoint: Checkpoint) -> str:
    """Say whether the log names the key; raise Refused where it does not."""
    if known.named is None:
        return ("key: not looked for in the log. Give the answer of /log/PREFIX/keys with --keys: "
                "a key that the log names cannot be denied.")
    at = require_named(known.named, public, checkpoint)
    if at is None and known.enclosed:
        raise NeverNamed("the keys came with the receipt, and this checkpoint commits to none")
    if at is None:
        return "key: this checkpoint commits to no keys; one of a later release does."
    key = known.named.find("receipt", public)
    assert key is not None, "the list has it"
    return (f"key: valid. The log names it since offset {at} of the catalogue, now "
            f"{key.state.replace('_', ' ')}, and this checkpoint commits to that: nobody can deny "
            "it.")


def _promise(receipt: Receipt) -> str:
    if time.time() <= receipt.due_at:
        return f"running. A signed checkpoint must cover it by {_utc(receipt.due_at)}."
    return (f"over since {_utc(receipt.due_at)}: it must have a proof now. If there is none, the "
            "promise is broken, and the receipt is evidence of it.")


def _is_refusal(proof: str) -> bool:
    """Whether this is the service's word, in JSON, that no checkpoint covers the vote."""
    try:
        return bool(json.loads(proof)["status"] == 404)
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _said(receipt: Receipt) -> str:
    fields = receipt.fields
    said = fields.get("choice") or fields.get("qualification") or "nothing more"
    return (f"event: {receipt.event} ({said}) on proposal {fields.get('proposal')} of "
            f"{fields.get('consultation')}, {_utc(fields['occurred_at'] / 1_000)}, "
            f"{fields.get('trust')}")


def _keys(path: Path | None, document: dict[str, Any]) -> _Known:
    """Read the keys: as the log lists them, or as the gateway gives them."""
    text = read_foreign_text(path, RECEIPT_BYTES_MAX) if path else document.get("keys")
    if not isinstance(text, str):
        fail("which keys? Save /log/PREFIX/keys, better from somebody you trust, and give it with "
             "--keys.", EXIT_MISSING)
    if not path or text.startswith(HEAD):
        try:
            named = parse_keys(text)
        except ValueError as error:
            raise Unreadable(str(error)) from error
        return _Known([key.public for key in named.of("receipt") if not key.name], named,
                      enclosed=not path)
    given = _json(path)
    listed = given.get("receipts", [])
    texts = [given.get("receipt"), *(each.get("public") for each in listed if isinstance(
        each, dict))] if isinstance(listed, list) else []
    found = [key for key in map(from_base64, map(str, texts)) if key is not None]
    if not found or len(found) != len(texts):
        raise Unreadable(f"{path} has no key `receipt` in base64, or another that is none")
    return _Known(list(dict.fromkeys(found)))


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_foreign_text(path, RECEIPT_BYTES_MAX))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise Unreadable(f"{path} is not a JSON object")
    return found
