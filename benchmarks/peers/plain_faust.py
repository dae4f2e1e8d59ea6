"""Plain Faust on the same votes: an agent an event, two tables, decisions by `send`."""

import io
import sys
from typing import Any

import fastavro
import faust

from schemas import codec
from schemas.registry import HEADER_BYTES, versions


_SCHEMAS = {schema.header: schema.parsed for schema in versions("VoteCast")}


def application(kafka: str, source: str, sink: str, folder: str) -> faust.App:
    """Make the application: first vote, same again, or changed; no more rules than that."""
    app = faust.App(
        f"plain-{source}", broker=f"kafka://{kafka}", store="memory://", datadir=folder,
        web_enabled=False, topic_partitions=4, topic_replication_factor=1,
        value_serializer="raw", key_serializer="raw", consumer_auto_offset_reset="earliest",
        producer_compression_type="lz4", producer_linger=0.05, producer_max_batch_size=256 << 10,
        stream_wait_empty=False, broker_commit_interval=1.0)
    votes = app.topic(source, key_serializer="raw", value_serializer="raw")
    decisions = app.topic(sink, key_serializer="raw", value_serializer="raw")
    held = app.Table("held", partitions=4, key_type=str, value_type=str)
    tally = app.Table("tally", partitions=4, key_type=str)

    async def decide(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            vote = vote_of(event.value)
            if vote is None:
                continue
            pair = f"{vote['voter'].hex()}|{vote['proposal']}"
            before = held.get(pair)
            if before != vote["choice"]:
                held[pair] = vote["choice"]
                key = f"{vote['proposal']}/{message.partition}"
                row = dict(tally.get(key) or {})
                row[vote["choice"]] = row.get(vote["choice"], 0) + 1
                if before is not None:
                    row[before] -= 1
                tally[key] = row
            await decisions.send(key=vote["voter"], partition=message.partition, value=codec.encode(
                "ProposalGrouped", event_id=vote["event_id"], consultation=vote["consultation"],
                proposal=vote["proposal"], idea=before, origin="simulation",
                occurred_at=message.offset))

    app.agent(votes)(decide)
    return app


def vote_of(value: bytes) -> Any:
    """Read a vote of any version, as somebody who has no decoders of ours; None of anything else.
    """
    schema = _SCHEMAS.get(value[:HEADER_BYTES])
    return schema and fastavro.schemaless_reader(io.BytesIO(value[HEADER_BYTES:]), schema, None)


if __name__ == "__main__":
    arguments, sys.argv = sys.argv[1:], [sys.argv[0], "worker", "-l", "warn", "--without-web"]
    application(*arguments).main()
