"""A contiguous stretch of records of one topic partition, and what all topics' tables share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.registry import UnknownSchema


TIMESTAMP = pa.timestamp("ms", tz="UTC")
IDENTIFIER_BYTES = 16
Headers = Sequence[tuple[str, bytes | None]]
EARLIEST_MILLISECONDS = -2_208_988_800_000
"""1900-01-01, the first instant ClickHouse's DateTime64 can hold."""
LATEST_MILLISECONDS = 10_413_791_999_999
"""2299-12-31 23:59:59.999, the last one."""


@dataclass(frozen=True)
class Records:
    """Records `first` … `last` of one topic partition, without a hole."""

    topic: str
    partition: int
    first: int
    """Offset of the first record."""
    timestamps: list[int]
    """Kafka timestamps in milliseconds."""
    values: list[bytes | None]
    keys: Mapping[int, bytes] = field(default_factory=dict)
    """Keys by offset: hardly a record has one."""
    headers: Mapping[int, Headers] = field(default_factory=dict)
    """Headers by offset: only dead letters have some."""

    @property
    def last(self) -> int:
        return self.first + len(self.values) - 1

    def __len__(self) -> int:
        return len(self.values)

    def until(self, offset: int) -> "Records":
        """Return the records below an offset."""
        size = max(0, offset - self.first)
        return Records(self.topic, self.partition, self.first, self.timestamps[:size],
                       self.values[:size], self.keys, self.headers)


class UnreadableRecord(Exception):
    """A record that no one may pass by: its schema id is unknown to this version.

    Carries its offset: the records before it are archived, then the partition stops.
    """

    def __init__(self, records: Records, row: int, cause: UnknownSchema) -> None:
        self.offset = records.first + row
        super().__init__(
            f"{records.topic} partition {records.partition} stops before offset {self.offset}: "
            f"{cause}"
        )


def identity_columns(records: Records, values: pa.Array) -> dict[str, pa.Array]:
    """Make the columns that every log table has.

    Those of keys, headers and impossible timestamps are left out where no record has any.
    """
    size = len(records)
    return {
        "topic": pa.repeat(pa.scalar(records.topic, pa.string()), size),
        "partition": pa.repeat(pa.scalar(records.partition, pa.uint32()), size),
        "offset": pa.array(np.arange(records.first, records.first + size, dtype=np.uint64)),
        "timestamp": instants(np.array(records.timestamps, dtype=np.int64)),
        "value": values,
        **_carried(records),
    }


def kept_table(records: Records) -> pa.Table:
    """Keep records as they are, in no column by what they say."""
    return pa.table(identity_columns(records, pa.array(records.values, pa.binary())))


def _carried(records: Records) -> dict[str, pa.Array]:
    """Make the columns of what hardly a record has."""
    offsets = range(records.first, records.first + len(records))
    found: dict[str, pa.Array] = {}
    if any(offset in records.keys for offset in offsets):
        found["key"] = pa.array(map(records.keys.get, offsets), pa.binary())
    headers = [records.headers.get(offset, ()) for offset in offsets]
    if any(headers):
        ends = pa.array([0, *accumulate(map(len, headers))], pa.int32())
        every = [header for each in headers for header in each]
        for place, (name, kind) in enumerate(
                (("header_names", pa.string()), ("header_values", pa.binary()))):
            found[name] = pa.ListArray.from_arrays(
                ends, pa.array([header[place] for header in every], kind))
    timestamps = np.array(records.timestamps, dtype=np.int64)
    beyond = timestamps - _held(timestamps)
    if beyond.any():
        found["timestamp_beyond"] = pa.array(beyond)
    return found


def instants(milliseconds: Any) -> pa.Array:
    """Make a column of instants, held within what ClickHouse can store; the raw bytes keep all."""
    return pa.array(_held(milliseconds)).cast(TIMESTAMP)


def _held(milliseconds: Any) -> Any:
    return np.clip(milliseconds, EARLIEST_MILLISECONDS, LATEST_MILLISECONDS)

