"""The checked-in table of schema ids: the truth, the same in every environment."""

import copy
import functools
import json
import struct
from dataclasses import dataclass
from importlib import resources
from typing import Any

import fastavro.schema


MAGIC = 0
HEADER_BYTES = 5
"""Confluent wire format: 0x00, then the schema id as 4 bytes big-endian."""

FIRST_RULES = 1
"""The rules in force where no catalogue announces others."""
FOLLOW_RULES = frozenset((
    "VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn", "RulesAdopted",
    "VoterSuspended", "VoterReinstated", "ConsultationClosed", "ConsultationSealed",
    "DecisionMade", "ProposalTallied"))
"""Events whose version goes with the rules they are decided by: version n belongs to rules n."""


class UnknownSchema(Exception):
    """A record names a schema id that this version does not know: nobody may decide it."""

    def __init__(self, schema_id: int) -> None:
        self.schema_id = schema_id
        super().__init__(
            f"unknown schema id {schema_id}: this version of scrutin cannot read the record. "
            "Install the version that wrote it; nothing was decided and nothing is lost."
        )


@dataclass(frozen=True)
class Schema:
    """One published version of one event."""

    id: int
    event: str
    version: int
    raw: dict[str, Any]
    """The Avro schema as checked in, documentation and bounds included."""
    parsed: Any
    """The form fastavro reads and writes; instants stay whole milliseconds."""
    header: bytes
    """The five bytes before every body."""

    @property
    def fields(self) -> list[dict[str, Any]]:
        fields: list[dict[str, Any]] = self.raw["fields"]
        return fields


def _without_logical_types(schema: Any) -> Any:
    """Strip logical types: exact integers travel through the whole service, never datetimes."""
    if isinstance(schema, dict):
        return {k: _without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(item) for item in schema]
    return schema


def _load(schema_id: int, event: str, version: int) -> Schema:
    path = resources.files("schemas") / "history" / event / f"{version}.avsc"
    raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    parsed = fastavro.schema.parse_schema(_without_logical_types(copy.deepcopy(raw)))
    header = struct.pack(">BI", MAGIC, schema_id)
    return Schema(
        id=schema_id, event=event, version=version, raw=raw, parsed=parsed, header=header
    )


@functools.cache
def all_schemas() -> dict[int, Schema]:
    """Every published schema by its id."""
    table = json.loads((resources.files("schemas") / "ids.json").read_text("utf-8"))
    return {int(k): _load(int(k), v["event"], v["version"]) for k, v in table.items()}


@functools.cache
def versions(event: str) -> tuple[Schema, ...]:
    """Every published version of an event, the oldest first: each is read for ever."""
    found = sorted((schema for schema in all_schemas().values() if schema.event == event),
                   key=lambda schema: schema.version)
    if not found:
        raise KeyError(f"no event {event!r} in schemas/ids.json")
    return tuple(found)


def newest(event: str) -> Schema:
    """The newest version of an event: what all others are read as."""
    return versions(event)[-1]


@functools.cache
def current(event: str, rules: int = FIRST_RULES) -> Schema:
    """The version of an event that is written while these rules are announced.

    Events that follow the rules are written in version 1 until the catalogue announces later ones,
    so that nobody meets what it cannot read yet; all others in their newest version.
    """
    if event in FOLLOW_RULES:
        return max((schema for schema in versions(event) if schema.version <= rules),
                   key=lambda schema: schema.version)
    return newest(event)


@functools.cache
def headers(event: str) -> frozenset[bytes]:
    """The headers of all versions of an event."""
    return frozenset(schema.header for schema in versions(event))


@functools.cache
def seed(event: str) -> bytes:
    """What ids are hashed from that name what an event says: the same whatever its version."""
    return versions(event)[0].header


def by_id(schema_id: int) -> Schema:
    """The schema of an id, or UnknownSchema."""
    try:
        return all_schemas()[schema_id]
    except KeyError:
        raise UnknownSchema(schema_id) from None
