"""The archive and the recounts; the whole demo."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.house import READY_SECONDS, House, passage
from benchmarks.ledger import Measured, decided
from deploy.local import services


async def archived(house: House, count: int) -> Measured:
    """Archive votes and decisions that are all there already: records a second."""
    topics = await house.filled(count)
    _, ledger = await decided(house, topics, count)
    ledger.stop()
    clickhouse = services.start_clickhouse(house.folder / topics.prefix / "clickhouse")
    try:
        url = {"SCRUTIN_CLICKHOUSE_URL": clickhouse.configuration.url}
        await _run(house, topics.prefix, url, "provision")
        archive = house.worker("archive", topics, **url)

        async def stored() -> int:
            status = await asyncio.to_thread(archive.status)
            return int(status.get("archived_messages", 0))

        found = await passage(archive, stored, 2 * count)
        archive.stop()
        return {"archive_events_per_second": found.per_second}
    finally:
        clickhouse.stop()


async def _run(house: House, prefix: str, settings: dict[str, str], *words: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "scrutin", *words], capture_output=True, text=True,
        check=True, timeout=READY_SECONDS, env={
            **os.environ, "SCRUTIN_KAFKA": house.kafka, "SCRUTIN_TOPIC_PREFIX": prefix,
            "SCRUTIN_CLICKHOUSE_DATABASE": prefix, **settings})
    return done.stdout


async def demo(house: House, _count: int) -> Measured:
    """Run the demo, then recount its campaign on its data, and replay it."""
    folder = house.folder / "demo-data"
    began = time.monotonic()
    await _demo(folder, "demo", "--exit")
    seconds = time.monotonic() - began
    try:
        await _demo(folder / "demo", "up", "--detach")
        report = json.loads(await _demo(
            folder / "demo", "audit", "recount", "solutions-jeunes", "--json"))
        replay = json.loads(await _demo(
            folder / "demo", "replay", "solutions-jeunes", "--into", "replayed", "--json"))
    finally:
        await _demo(folder / "demo", "down")
    return {"demo_seconds": seconds, "recount_pure_seconds": report["seconds"]["pure"],
            "recount_sql_seconds": report["seconds"]["sql"],
            "replay_events_per_second": replay["events"] / replay["seconds"]}


async def _demo(folder: Path, *words: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "scrutin", *words], capture_output=True, text=True,
        check=True, timeout=READY_SECONDS,
        env={**os.environ, "SCRUTIN_DATA_DIR": str(folder)})
    return done.stdout


