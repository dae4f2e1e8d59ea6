"""The transparency logs: how fast they grow, how soon a vote is proven."""

import asyncio
import random
import statistics
import time

from benchmarks.house import PARTITIONS, House, passage
from benchmarks.ledger import Measured
from sinks.transparency.serving import ServedLogs


PROOFS = 500
"""Proofs made, of votes anywhere in the logs."""


async def logged(house: House, count: int) -> Measured:
    """Log votes that are all there already; then prove some of them."""
    topics = await house.filled(count)
    notary = house.worker("notary", topics, SCRUTIN_CHECKPOINT_SECONDS="1")

    async def signed() -> int:
        status = await asyncio.to_thread(notary.status)
        return sum(each["checkpoint"] for each in status.get("logs", ()))

    found = await passage(notary, signed, count + PARTITIONS)
    notary.stop()
    folder = house.folder / topics.prefix / "transparency"
    return {"leaves_per_second": found.per_second,
            "proof_milliseconds": _proof_milliseconds(ServedLogs(folder, topics), count)}


def _proof_milliseconds(logs: ServedLogs, count: int) -> float:
    """Return the median time of a proof; each is checked to lead to the signed root."""
    randomness, taken = random.Random(1), []
    for _ in range(PROOFS):
        partition, offset = randomness.randrange(PARTITIONS), randomness.randrange(count // 8)
        began = time.perf_counter()
        proof = logs.proof(partition, offset)
        taken.append(1_000 * (time.perf_counter() - began))
        assert proof is not None
    return statistics.median(taken)
