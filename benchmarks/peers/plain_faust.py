"""Plain Faust on the same votes: an agent an event, two tables, decisions by `send`."""

import io
import sys
from typing import Any

import fastavro
import faust

from schemas import codec
from schemas.registry import current


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
    schema = current("VoteCast")

    async def decide(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            if event.value[:5] != schema.header:
                continue
            vote: Any = fastavro.schemaless_reader(io.BytesIO(event.value[5:]), schema.parsed)
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


if __name__ == "__main__":
    arguments, sys.argv = sys.argv[1:], [sys.argv[0], "worker", "-l", "warn", "--without-web"]
    application(*arguments).main()
