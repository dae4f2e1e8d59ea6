"""Print what taking over costs a ledger of another host: `python -m benchmarks.takeover [VOTES]`.

Four partitions are counted and their snapshots written to a folder that both hosts see; a second
process, which has the key and nothing else, reads them as a ledger does when the partitions come to
it, one after the other. What was decided since the snapshots is folded besides (`make bench`:
`recovery_decisions_per_second`), and the group's session comes before.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.house import PARTITIONS
from benchmarks.votes import votes
from processors.ledger.ledger import Ledger
from processors.ledger.snapshots import freeze
from processors.workers.snapshot_files import Snapshots
from processors.workers.snapshot_places import FolderPlace
from schemas.genesis import first_rules_adopted
from schemas.topics import Topics
from scrutin.process.garbage import relax


VOTES = 7_000_000
TOPICS = Topics("benchmark", PARTITIONS)
LAST = "last-decision-{}"
"""Names the file with the record that the decisions topic would hold."""


def _snapshots(folder: Path) -> Snapshots:
    place = FolderPlace(folder / "snapshots")
    return Snapshots(place, place, TOPICS.decisions, folder / "keys" / "snapshot.key")


async def _count(folder: Path, count: int) -> None:
    """Decide so many votes, and write the snapshot of each partition."""
    ledgers = [Ledger(partition, PARTITIONS) for partition in range(PARTITIONS)]
    for ledger in ledgers:
        ledger.decide(0, first_rules_adopted(TOPICS, ledger.partition, 0))
    for partition, _, value in votes(count, PARTITIONS):
        ledgers[partition].decide(ledgers[partition].last_offset + 1, value)
    snapshots, began = _snapshots(folder), time.process_time()
    for ledger in ledgers:
        frozen = freeze(ledger)
        (folder / LAST.format(ledger.partition)).write_bytes(frozen.last_decision)
        await snapshots.write(frozen, ledger.last_offset)
    print(json.dumps({"writing_cpu_seconds": round(time.process_time() - began, 2)}))


async def _take_over(folder: Path) -> None:
    """Read the snapshot of each partition, and print what that took."""
    async def last_decision(partition: int, _offset: int) -> bytes:
        return (folder / LAST.format(partition)).read_bytes()

    relax()
    snapshots, process = _snapshots(folder), psutil.Process()
    began, worked, before = time.monotonic(), time.process_time(), process.memory_info().rss
    held = [await snapshots.read(partition, PARTITIONS, last_decision)
            for partition in range(PARTITIONS)]
    seconds, cpu = time.monotonic() - began, time.process_time() - worked
    ledgers = [found[0] for found in held if found is not None]
    assert len(ledgers) == PARTITIONS, "a snapshot was not used"
    print(json.dumps({
        "decisions": sum(ledger.last_offset for ledger in ledgers),
        "live_votes": sum(ledger.live_votes for ledger in ledgers),
        "takeover_seconds": round(seconds, 2), "takeover_cpu_seconds": round(cpu, 2),
        "snapshot_megabytes": round(sum(
            each.stat().st_size for each in (folder / "snapshots").iterdir()) / 1e6),
        "resident_megabytes": round((process.memory_info().rss - before) / 1e6),
    }))


def main(arguments: list[str]) -> None:
    """Count, then take over in a process of its own."""
    if arguments[:1] == ["--read"]:
        asyncio.run(_take_over(Path(arguments[1])))
        return
    with tempfile.TemporaryDirectory(prefix="takeover-") as name:
        asyncio.run(_count(Path(name), int(arguments[0]) if arguments else VOTES))
        subprocess.run([sys.executable, "-m", "benchmarks.takeover", "--read", name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
