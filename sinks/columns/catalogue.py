"""The columns of the catalogue: few records, read one by one."""

import json
from typing import Any

import pyarrow as pa

from schemas import codec
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from sinks.columns.records import (
    IDENTIFIER_BYTES,
    Records,
    UnreadableRecord,
    identity_columns,
)


Row = tuple[str, bytes, str, str, str]
_NOBODY = bytes(IDENTIFIER_BYTES)


def catalogue_table(records: Records) -> pa.Table:
    """Decode a stretch of the catalogue; raise UnreadableRecord at the first unknown schema."""
    rows = [_row(records, row) for row in range(len(records))]
    event, event_id, consultation, fields, fault = zip(*rows, strict=True)
    return pa.table({
        **identity_columns(records, pa.array(records.values, pa.binary())),
        "event": pa.array(event, pa.string()),
        "event_id": pa.array(event_id, pa.binary(IDENTIFIER_BYTES)),
        "consultation": pa.array(consultation, pa.string()),
        "fields": pa.array(fields, pa.string()),
        "fault": pa.array(fault, pa.string()),
    })


def _row(records: Records, row: int) -> Row:
    try:
        event, fields = codec.decode(records.values[row])
    except Undecodable as error:
        return "", _NOBODY, "", "", str(error)
    except UnknownSchema as error:
        raise UnreadableRecord(records, row, error) from error
    text = json.dumps(fields, ensure_ascii=False, default=_hexadecimal)
    # A rule of the guard for all consultations names none.
    return event, fields.get("event_id", _NOBODY), fields.get("consultation") or "", text, ""


def _hexadecimal(value: Any) -> str:
    return bytes(value).hex()
