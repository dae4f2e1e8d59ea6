"""The ledger worker: how fast, how dear, against whom, how soon it is back after a kill."""

import asyncio
import json
import subprocess
import sys
import time
from datetime import datetime

from aiokafka import TopicPartition

from benchmarks import kafka_streams, resident
from benchmarks.figures import GROWTH
from benchmarks.house import (
    PARTITIONS,
    READY_SECONDS,
    House,
    Passage,
    Process,
    Unmeasurable,
    counting_ends,
    passage,
    reading,
)
from benchmarks.votes import votes
from producers.writer import BulkWriter
from schemas.topics import Topics


PLAIN_FAUST_VOTES = 20_000
"""Plain Faust decides some thousand votes a second: more would only take longer."""
LIVE_VOTES = 500_000
Measured = dict[str, float]


async def decided(
    house: House, topics: Topics, count: int, **settings: str
) -> tuple[Passage, Process]:
    """Have a new worker decide every vote, and what its partitions begin with; it runs on."""
    async with reading(house.kafka) as consumer:
        worker = house.worker("ledger", topics, **settings)
        found = await passage(
            worker, counting_ends(consumer, topics.decisions), count + PARTITIONS)
        return found, worker


async def streams(house: House, count: int) -> Measured:
    """Measure ours under rules 2 and Kafka Streams on the same ballots of version 2, by turns.

    One ledger fills one core, and Kafka Streams has two threads: so two ledgers of one group, which
    share the partitions, are measured on the same ballots too.
    """
    topics = await house.filled(count, rules=2)
    ours, worker = await decided(house, topics, count)
    worker.stop()
    theirs = await kafka_streams.decided(house, topics, count)
    group = await decided_by_two(house, await house.filled(count, rules=2), count)
    return {"ledger_against_kafka_streams_by_rules_2": ours.per_second / theirs.per_second,
            "ledger_against_kafka_streams_by_rules_2_warm":
                ours.per_second / theirs.per_second_warm,
            "ledger_cpu_against_kafka_streams_by_rules_2":
                ours.cpu_microseconds_each / theirs.cpu_microseconds_each,
            "two_ledgers_against_kafka_streams_by_rules_2": group.per_second / theirs.per_second}


async def decided_by_two(house: House, topics: Topics, count: int) -> Passage:
    """Have two new workers of one group decide every vote, from the first look that sees any."""
    async with reading(house.kafka) as consumer:
        workers = [
            house.worker("ledger", topics, SCRUTIN_INSTANCE=name,
                         SCRUTIN_DATA_DIR=str(house.folder / topics.prefix / name))
            for name in ("first", "second")]
        found = await passage(
            workers[0], counting_ends(consumer, topics.decisions), count + PARTITIONS)
        for worker in workers:
            worker.stop()
        return found


async def throughput(house: House, count: int) -> Measured:
    """Measure ours, Kafka Streams, plain Faust and the raw read on the same votes, by turns."""
    topics = await house.filled(count)
    ours, worker = await decided(house, topics, count)
    worker.stop()
    found: Measured = {
        "ledger_votes_per_second": ours.per_second,
        "ledger_cpu_microseconds_per_vote": ours.cpu_microseconds_each,
        "ledger_against_raw_read": ours.per_second / await raw_read(house, topics),
    }
    found["ledger_against_plain_faust"] = ours.per_second / await plain_faust(house, count)
    try:
        streams = await kafka_streams.decided(house, topics, count)
    except Unmeasurable as error:
        raise Unmeasurable(str(error), found) from error
    found["ledger_against_kafka_streams"] = ours.per_second / streams.per_second
    found["ledger_against_kafka_streams_warm"] = ours.per_second / streams.per_second_warm
    return found


async def raw_read(house: House, topics: Topics) -> float:
    """Read the votes and do nothing: records a second."""
    partitions = [TopicPartition(topics.votes, number) for number in range(PARTITIONS)]
    async with reading(house.kafka) as consumer:
        total = sum((await consumer.end_offsets(partitions)).values())
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        began, read = time.monotonic(), 0
        while read < total:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=5_000)).values():
                read += len(records)
        return float(total / (time.monotonic() - began))


async def plain_faust(house: House, count: int) -> float:
    """Have plain Faust decide some votes: votes a second."""
    count = min(count, PLAIN_FAUST_VOTES)
    topics = await house.filled(count)
    peer = house.started([sys.executable, "-m", "benchmarks.peers.plain_faust", house.kafka,
                          topics.votes, topics.decisions, str(house.folder / "faust")], {})
    async with reading(house.kafka) as consumer:
        found = await passage(peer, counting_ends(consumer, topics.decisions), count)
    peer.stop()
    return found.per_second


async def growth(house: House, count: int) -> Measured:
    """Compare the CPU a vote costs at the largest size with that at the smallest."""
    costs = []
    for millions in GROWTH:
        topics = await house.filled(count * millions)
        found, worker = await decided(house, topics, count * millions)
        worker.stop()
        costs.append(found.cpu_microseconds_each)
    named = {f"ledger_cpu_microseconds_per_vote_at_{millions}m": cost
             for millions, cost in zip(GROWTH, costs, strict=True)}
    return {**named, "ledger_cost_growth": costs[-1] / costs[0]}


async def restart(house: House, count: int) -> Measured:
    """Kill a worker that decided everything, with the snapshots it made and with none."""
    seconds, _ = await _restarted(house, count)
    folding_seconds, recovery_seconds = await _restarted(
        house, count, SCRUTIN_SNAPSHOT_DECISIONS=str(10 * count))
    return {"restart_seconds": seconds, "restart_without_snapshots_seconds": folding_seconds,
            "recovery_decisions_per_second": (count + PARTITIONS) / recovery_seconds}


async def _restarted(house: House, count: int, **settings: str) -> tuple[float, float]:
    """Start a killed worker at once: seconds until one more decision, and those of recovering."""
    topics = await house.filled(count)
    _, worker = await decided(house, topics, count, **settings)
    end = count + PARTITIONS
    async with reading(house.kafka) as consumer, BulkWriter(house.kafka) as writer:
        decisions = counting_ends(consumer, topics.decisions)
        worker.kill()
        began = time.monotonic()
        worker.start()
        for partition, timestamp, value in votes(100, PARTITIONS, seed=2):
            writer.add(topics.votes, partition, timestamp, value)
        await writer.flush()
        async with asyncio.timeout(READY_SECONDS):
            while await decisions() < end + 100:
                worker.check_running()
                await asyncio.sleep(0.005)
        seconds = time.monotonic() - began
    worker.stop()
    return seconds, _recovery_seconds(worker)


def _recovery_seconds(worker: Process) -> float:
    """Read from the log how long the last recovery took."""
    times = {}
    for line in worker.log.read_text("utf-8").splitlines():
        # Faust's terminal codes may stand before the first line of a run.
        if "{" in line and line.endswith("}"):
            entry = json.loads(line[line.index("{"):])
            times[entry["event"]] = datetime.fromisoformat(entry["timestamp"])
    return (times["recovered"] - times["rebalanced"]).total_seconds()


async def memory(house: House, count: int) -> Measured:
    """Return the memory of a live vote, measured in a process that holds nothing else."""
    path = house.folder / "votes.bin"
    resident.write(path, min(count, LIVE_VOTES))
    done = await asyncio.to_thread(subprocess.run, [
        sys.executable, "-m", "benchmarks.resident", str(path)], capture_output=True, text=True,
        check=True)
    return {"ledger_bytes_per_live_vote": float(done.stdout)}
