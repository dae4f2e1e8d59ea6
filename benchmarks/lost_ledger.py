"""Time what the loss of a ledger takes: `python -m benchmarks.lost_ledger [VOTES] [SESSION]`.

One ledger decides all votes of a partition, another one stands by, and sees its snapshots in a
folder. Then 2,000 votes a second come, and some time after the next snapshot the first is killed.
Printed is when the second heard of it, had read the snapshot, had folded what came since, and
decided all votes that had come until the kill. On one machine: each has a core at the most if
nothing else runs.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import datetime
from itertools import islice
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.house import House, Process, reading
from benchmarks.votes import votes
from processors.workers.provisioning import provision
from producers.writer import BulkWriter
from schemas.genesis import Genesis
from schemas.topics import Topics


VOTES, SESSION_SECONDS = 7_000_000, 6.0
VOTES_A_SECOND = 2_000
PIECE_SECONDS = 0.05
BEFORE_SECONDS = 40.0
"""Votes come so long after a snapshot, at that rate, before the kill."""
MOST_VOTES = VOTES_A_SECOND * 600
"""More do not come."""
MOST_SECONDS = 1_800.0
"""Nothing takes longer, on a busy machine too."""
TOPICS = Topics("lost", 1)
KEY = Path("keys/snapshot.key")
STEPS = {"rebalance began": "Heartbeat failed", "snapshot read": "snapshot read",
         "recovered": "recovered"}
"""What the log of the one that takes over says at each step."""


class Pair:
    """Two ledgers of one partition: the second stands by."""

    def __init__(self, house: House, session_seconds: float) -> None:
        self._house, self._session_seconds = house, session_seconds
        self.first = self._ledger("first")

    def _ledger(self, name: str) -> Process:
        return self._house.worker(
            "ledger", TOPICS, SCRUTIN_INSTANCE=name, SCRUTIN_PARTITIONS="1",
            SCRUTIN_DATA_DIR=str(self._house.folder / name),
            SCRUTIN_SNAPSHOTS=str(self._house.folder / "snapshots"),
            SCRUTIN_LEDGER_SESSION_SECONDS=str(self._session_seconds))

    def start_second(self) -> None:
        """Start it with the key of the first."""
        place = self._house.folder / "second" / KEY
        place.parent.mkdir(parents=True, mode=0o700)
        place.parent.parent.chmod(0o700)
        shutil.copy(self._house.folder / "first" / KEY, place)
        place.chmod(0o600)
        self.second = self._ledger("second")

    def steps(self, since: float) -> dict[str, float]:
        """Return when the second came to each step, in seconds since an instant."""
        found: dict[str, float] = {}
        for line in self.second.log.read_text("utf-8").splitlines():
            if "{" not in line or not line.endswith("}"):
                continue
            entry = json.loads(line[line.index("{"):])
            at = datetime.fromisoformat(entry["timestamp"]).timestamp() - since
            for step, said in STEPS.items():
                if at > 0 and entry["event"].startswith(said):
                    found.setdefault(step, round(at, 2))
                    if said == "snapshot read":
                        found.setdefault("decisions of the snapshot", entry["decided"] + 1)
        return found

    async def snapshot_beyond(self, offset: int) -> None:
        """Wait until the first has written a snapshot that ends behind an offset."""
        async with asyncio.timeout(MOST_SECONDS):
            while not any(int(each.name.split(".")[-2]) > offset
                          for each in (self._house.folder / "snapshots").glob("*.snapshot")):
                self.first.check_running()
                await asyncio.sleep(PIECE_SECONDS)


async def end(consumer: AIOKafkaConsumer, topic: str) -> int:
    """Return where a topic ends."""
    place = TopicPartition(topic, 0)
    return int((await consumer.end_offsets([place]))[place])


async def reach(consumer: AIOKafkaConsumer, offset: int, process: Process) -> None:
    """Wait until so many votes are decided, repeats aside."""
    async with asyncio.timeout(MOST_SECONDS):
        while await end(consumer, TOPICS.decisions) < offset:
            process.check_running()
            await asyncio.sleep(PIECE_SECONDS)


async def lost(folder: Path, count: int, session_seconds: float) -> None:
    """Count, lose the ledger, and print the steps."""
    house = House(folder)
    try:
        await provision(house.kafka, TOPICS, replication=1, genesis=Genesis())
        async with BulkWriter(house.kafka) as writer, reading(house.kafka) as consumer:
            coming, pair = votes(count + MOST_VOTES, 1), Pair(house, session_seconds)
            for number, (_, timestamp, value) in enumerate(islice(coming, count)):
                writer.add(TOPICS.votes, 0, timestamp, value)
                if number % 2_000 == 0:
                    await writer.ready()
            await writer.flush()
            await reach(consumer, count + 1, pair.first)
            pair.start_second()

            async def write() -> None:
                while piece := [*islice(coming, int(VOTES_A_SECOND * PIECE_SECONDS))]:
                    for _, timestamp, value in piece:
                        writer.add(TOPICS.votes, 0, timestamp, value)
                    await writer.ready()
                    writer.send()
                    await asyncio.sleep(PIECE_SECONDS)

            writing = asyncio.create_task(write())
            await pair.snapshot_beyond(count)
            await asyncio.sleep(BEFORE_SECONDS)
            pair.first.kill()
            killed_at, behind = time.time(), await end(consumer, TOPICS.votes)
            await reach(consumer, behind + 1, pair.second)
            went_on = time.time() - killed_at
            writing.cancel()
        print(json.dumps({
            "decisions": behind, "session_seconds": session_seconds, **pair.steps(killed_at),
            "decides again": round(went_on, 2), "load": os.getloadavg()[0]}))
    finally:
        house.close()


if __name__ == "__main__":
    asked = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="lost-ledger-") as name:
        asyncio.run(lost(Path(name), int(asked[0]) if asked else VOTES,
                         float(asked[1]) if asked[1:] else SESSION_SECONDS))
