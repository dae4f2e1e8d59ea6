"""What is seen of a broker that is lost: by alerts, and by the doctor."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from processors.workers.provisioning import provision
from schemas.topics import Topics
from tests.harness import Stack
from tests.production.brokers import NODES, three_brokers
from tests.production.prometheus import watching
from tests.scrutin.doctor.test_doctor import doctor
from tests.waiting import until_found


ALONE = "ScrutinPartitionsLeaderless"
BEHIND = "ScrutinPartitionsOutOfSync"


@contextmanager
def serving(stack: Stack) -> Iterator[str]:
    """Run views over the topics of a stack; yields their address."""
    port = stack.ports.find()
    stack.started("views", SCRUTIN_VIEWS_PORT=str(port))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stack.stop()


async def ready(url: str) -> bool:
    async with httpx2.AsyncClient() as client:
        try:
            return (await client.get(f"{url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False


async def test_a_broker_that_is_lost_is_seen(tmp_path: Path, cache_folder: Path) -> None:
    """Three replicas: one is behind. A single one: its partitions have no leader. Both ring."""
    async with three_brokers(tmp_path, cache_folder) as brokers:
        stacks = [Stack(brokers.address, Topics(name, 4), tmp_path / name)
                  for name in ("safe", "alone")]
        for stack, replication in zip(stacks, (NODES, 1), strict=True):
            await provision(stack.kafka, stack.topics, replication=replication)
        before = await asked(stacks[0])
        with serving(stacks[0]) as safe, serving(stacks[1]) as alone:
            await until_found(lambda: ready(safe))
            await until_found(lambda: ready(alone))
            with watching(tmp_path / "prometheus", {}, {"safe": safe, "alone": alone}) as watch:
                await watch.sees(2)
                assert watch.rung() == set()
                brokers.kill(NODES)
                await watch.rings(ALONE, BEHIND)
                topics = {each["topic"] for each in watch.query(
                    f'max_over_time(ALERTS{{alertname="{ALONE}"}}[1h])')}
        after = await asked(stacks[0])

    assert (before["kafka.brokers"]["state"], after["kafka.brokers"]["state"]) == ("good", "bad")
    assert before["topics.safe.votes"]["state"] == "good"
    assert "not in sync" in after["topics.safe.votes"]["said"]
    assert "alone.votes" in topics
    assert not any(name.startswith("safe.") for name in topics)


async def asked(stack: Stack) -> dict[str, dict[str, str]]:
    """Ask the doctor, to whom ClickHouse is away."""
    return await asyncio.to_thread(
        doctor, 1, data_dir=str(stack.folder / "data"), kafka=stack.kafka,
        topic_prefix=stack.topics.prefix, replication=str(NODES))
