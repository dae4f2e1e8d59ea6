"""A record of the ballot box, read as the ledger reads it, and the consultation it names. Pure."""

from typing import Any

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.registry import HEADER_BYTES, Schema, versions
from schemas.topics import MAX_BALLOT_BYTES
from schemas.words import KINDS


IDENTIFIER_BYTES = 16
BALLOT_EVENTS = ("VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")
KIND_OF_EVENT = {
    "".join(word.capitalize() for word in kind.split("_")): number
    for number, kind in enumerate(KINDS) if number
}

BALLOT_VERSIONS = [schema for event in BALLOT_EVENTS for schema in versions(event)]
"""Every published version of every ballot event."""
_CONSULTATIONS = {
    header: read for event in BALLOT_EVENTS
    for header, read in decoders(event, "consultation").items()}


def _place_of_consultation(schema: Schema) -> int:
    """Return where the consultation begins in an event: behind fields of known size."""
    at = HEADER_BYTES
    for field in schema.fields:
        kind = field["type"]
        if field["name"] == "consultation":
            return at
        fixed = kind == "Identifier" or (isinstance(kind, dict) and kind["type"] == "fixed")
        at += IDENTIFIER_BYTES if fixed else 1
    raise AssertionError(f"{schema.event} names no consultation")


PLACES = {schema.header: _place_of_consultation(schema) for schema in BALLOT_VERSIONS}
"""Where the consultation lies, by the header of an event that can be read."""


def decode_ballot(value: bytes | None) -> tuple[str, dict[str, Any]]:
    """Decode as the ledger does: what it cannot read is undecodable, what it may not, unknown."""
    schema = codec.schema_of(value)
    if value and len(value) > MAX_BALLOT_BYTES:
        raise Undecodable(f"{len(value)} bytes, at most {MAX_BALLOT_BYTES} are read")
    if schema.event not in KIND_OF_EVENT:
        raise Undecodable(f"{schema.event} does not belong in the ballot box")
    return codec.decode(value)


def consultation_of_ballot(value: bytes | None) -> str | None:
    """Return the consultation of a vote or qualification; None where it is something else.

    The ledger's decoders read what ballots are mostly, and check as much; raises Undecodable.
    """
    if value is not None and len(value) <= MAX_BALLOT_BYTES:
        ballot = _CONSULTATIONS.get(value[:HEADER_BYTES])
        if ballot is not None:
            name: str = ballot(value)[0]
            return name
    return None


def consultation_of(value: bytes | None) -> str:
    """Return the consultation a record of the ballot box names; empty where it names none.

    Raises UnknownSchema where nobody may say what the record is.
    """
    try:
        name = consultation_of_ballot(value)
        if name is None:
            name = decode_ballot(value)[1].get("consultation", "")
    except Undecodable:
        return ""
    return name
