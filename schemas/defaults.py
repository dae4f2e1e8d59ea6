"""Older versions read as the newest: the defaults of fields that they lack. Pure.

Theory of operation: what grows are fields with defaults, of events and of records in their lists.
So an event of any version becomes one of the newest by adding what is missing; nothing is renamed,
turned round or lost. Hot decoders do the same by `default_of`.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from schemas.registry import Schema, by_id, newest


def fitted(schema: Schema, fields: dict[str, Any]) -> dict[str, Any]:
    """Fit fields to a version: defaults for what is left out, none of what only later ones have.

    What a later version has and this one lacks stays where it is not the default: then the version
    cannot say it, and whoever encodes is told.
    """
    if _is_plain(schema.id):
        return fields
    found: dict[str, Any] = _fitted(schema.raw, newest(schema.event).raw, fields)
    return found


@functools.cache
def _is_plain(schema_id: int) -> bool:
    """Whether there is nothing to fit: the one version of an event, and no field has a default."""
    schema = by_id(schema_id)
    return schema is newest(schema.event) and '"default"' not in json.dumps(schema.raw)


def _fitted(own: dict[str, Any], newer: dict[str, Any], fields: Any) -> Any:
    if not isinstance(fields, dict):
        return fields  # Whoever encodes says what is wrong with it.
    kept = {field["name"]: field for field in own["fields"]}
    found = {name: default_of(field) for name, field in kept.items() if "default" in field}
    found |= fields
    for field in newer["fields"]:
        name = field["name"]
        if name not in kept and name in found and found[name] == default_of(field):
            del found[name]
        elif name in kept and isinstance(found.get(name), list):
            records = _records_in(kept[name], field)
            if records:
                found[name] = [_fitted(*records, item) for item in found[name]]
    return found


def default_of(field: dict[str, Any]) -> Any:
    """Return the default of a field as decoding gives values: JSON has no bytes, Avro says Latin-1.

    A new list each time: whoever reads an event may keep what it got.
    """
    default = field["default"]
    kind = field["type"]
    binary = kind in ("bytes", *_FIXED) or (
        isinstance(kind, dict) and kind["type"] in ("bytes", "fixed"))
    if binary:
        return default.encode("latin-1")
    return list(default) if isinstance(default, list) else default


_FIXED = ("Identifier", "KeyIdentifier", "Signature", "PublicKey")
"""Fixed types that a schema names after their first use."""


def upgrade(schema: Schema, fields: dict[str, Any]) -> None:
    """Add to the fields of an older version what the newest one has more, in place."""
    found = _upgrade(schema.id)
    if found is not None:
        found(fields)


Upgrade = Callable[[dict[str, Any]], None]
"""Adds what is missing, in place."""


@functools.cache
def _upgrade(schema_id: int) -> Upgrade | None:
    """Make the upgrade of a version; None where it has every field of the newest one."""
    schema = by_id(schema_id)
    return _upgrade_of(schema.raw, newest(schema.event).raw)


def _upgrade_of(older: dict[str, Any], newer: dict[str, Any]) -> Upgrade | None:
    has = {field["name"]: field for field in older["fields"]}
    missing = [field for field in newer["fields"] if field["name"] not in has]
    inner = [(field["name"], found) for field in newer["fields"] if field["name"] in has
             if (found := _upgrade_of_items(has[field["name"]], field)) is not None]
    if not missing and not inner:
        return None

    def complete(fields: dict[str, Any]) -> None:
        for field in missing:
            fields[field["name"]] = default_of(field)
        for name, upgrade_item in inner:
            for item in fields[name]:
                upgrade_item(item)

    return complete


def _upgrade_of_items(older: dict[str, Any], newer: dict[str, Any]) -> Upgrade | None:
    records = _records_in(older, newer)
    return _upgrade_of(*records) if records else None


def _records_in(
    older: dict[str, Any], newer: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the records that stand in a list, in both versions; None where none do."""
    items = [field["type"]["items"] for field in (older, newer)
             if isinstance(field["type"], dict) and field["type"]["type"] == "array"]
    if not all(isinstance(item, dict) and "fields" in item for item in items):
        return None
    return (items[0], items[1]) if items else None
