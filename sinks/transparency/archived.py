"""Does the archive hold the records that were signed? Entry by entry, from ClickHouse."""

from clickhouse_connect.driver.client import Client

from sinks.logs import ArchivedLog
from sinks.transparency.notes import Refused
from sinks.transparency.regrowing import Read
from sinks.transparency.tiles import ENTRIES, WIDTH, Tile, read_bundle, width_of


BUNDLES = 256
"""Bundles compared at once: 65,536 records, some 10 MB."""


class ArchiveBehind(Exception):
    """The archive does not hold all that was signed."""


def behind(client: Client, log: ArchivedLog, partition: int, *, size: int) -> str:
    """Say how many of the first `size` records the archive lacks; "" where it has them all."""
    held = int(client.query(
        "SELECT uniqExact(offset) FROM {table:Identifier} WHERE topic = {topic:String}"
        " AND partition = {partition:UInt32} AND offset < {size:UInt64}",
        parameters={"table": log.table, "topic": log.topic, "partition": partition,
                    "size": size}).result_rows[0][0])
    return "" if held >= size else (
        f"{log.topic} partition {partition} lacks {size - held} of {size} signed records")


def require_archived(
    client: Client, log: ArchivedLog, partition: int, *, read: Read, size: int
) -> None:
    """Raise Refused at the first record that is not the signed one, ArchiveBehind where none is."""
    for begin in range(0, -(-size // WIDTH), BUNDLES):
        numbers = range(begin, min(begin + BUNDLES, -(-size // WIDTH)))
        tiles = [Tile(ENTRIES, number, width_of(ENTRIES, number, size)) for number in numbers]
        signed = [entry for tile in tiles for entry in read_bundle(read(tile) or b"") or ()]
        first = begin * WIDTH
        held = _archived(client, log, partition, first, first + len(signed))
        for offset, entry in enumerate(signed, first):
            found = held.get(offset)
            if found is None:
                raise ArchiveBehind(
                    f"the archive has no record {offset} of {log.topic} partition {partition}, "
                    f"but {size} are signed. See that `scrutin archive` runs and what it logs; if "
                    "it is not behind, find out who deleted the record")
            if found != entry:
                raise Refused(
                    f"the archive's record {offset} of {log.topic} partition {partition} is not "
                    "the one that was signed: it was changed afterwards, or moved")


def _archived(
    client: Client, log: ArchivedLog, partition: int, begin: int, end: int
) -> dict[int, bytes]:
    """Make the entries of archived records, by offset."""
    rows = client.query(
        "SELECT offset, hex(consultation), hex(SHA256(ifNull(value, ''))) FROM {table:Identifier}"
        " WHERE topic = {topic:String} AND partition = {partition:UInt32}"
        " AND offset >= {begin:UInt64} AND offset < {end:UInt64} LIMIT 1 BY offset",
        parameters={"table": log.table, "topic": log.topic, "partition": partition,
                    "begin": begin, "end": end}).result_rows
    return {int(offset): bytes.fromhex(name) + b"\0" + bytes.fromhex(digest)
            for offset, name, digest in rows}
