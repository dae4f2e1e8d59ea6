"""A notary begins its turn by taking the folder, from a predecessor that stands still too, and has
witnesses countersign as long as it lasts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.services import Broker
from schemas.topics import Topics
from scrutin.notary import witnessing
from scrutin.notary.turn import NotaryTurn
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.folder import LogFolder
from sinks.transparency.notary import NotaryPolicy
from sinks.transparency.policy import WITNESSED_POLICY, parse_policy, place_of
from tests.deploy.machine.test_locks import start_holder
from tests.scrutin.notary.witness_server import WitnessServer
from tests.serving import served
from tests.sinks.topics import append
from tests.sinks.transparency.cosigning import Cosigner, least
from tests.sinks.transparency.test_notary import written
from tests.waiting import WAIT_SECONDS, until


def test_a_notary_takes_the_folder_of_one_that_was_frozen(tmp_path: Path) -> None:
    """Frozen, not dead, it would keep it for ever: its successor ends it."""
    policy = NotaryPolicy(
        kafka="127.0.0.1:9", topics=Topics("t", 1), folder=tmp_path / "transparency",
        keys=tmp_path / "keys", origin="localhost/log", checkpoint_seconds=15.0)
    with start_holder(policy.folder / "t.lock") as frozen:
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            lock = asyncio.run(NotaryTurn(policy, None)._lock())
        finally:
            frozen.kill()

    assert lock is not None
    lock.release()


@asynccontextmanager
async def at_work(policy: NotaryPolicy) -> AsyncIterator[NotaryTurn]:
    """Let a notary have its turn while inside; it is told to stop then, and ends in order."""
    turn = NotaryTurn(policy, None)
    task = asyncio.create_task(turn.run())
    try:
        yield turn
    finally:
        turn.stop()
        await asyncio.wait([task], timeout=WAIT_SECONDS)
    await task


def _reach(policy: NotaryPolicy, ends: dict[str, list[int]]) -> bool:
    """Whether logs are countersigned up to their ends, as the published policy asks."""
    published = policy.folder / policy.topics.prefix / WITNESSED_POLICY
    if not published.exists():
        return False
    verifiers = parse_policy(published.read_text("utf-8"))
    for topic, sizes in ends.items():
        for partition, size in enumerate(sizes):
            place = place_of(policy.topics, topic, partition)
            note = LogFolder(policy.folder / place).witnessed.checkpoint()
            if note is None or open_checkpoint(
                    note, verifiers[f"{policy.origin}/{place}"]).size < size:
                return False
    return True


async def test_witnesses_countersign_what_a_turn_signs_and_the_next_one_goes_on(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real broker: each log up to its last record, by both, and grown over two turns."""
    monkeypatch.setattr(witnessing, "ANSWER_SECONDS", WAIT_SECONDS)
    topics, box, catalogue = await written(broker.address, topic_prefix, 7, 40)
    with ExitStack() as stack:
        servers = [WitnessServer(label) for label in ("north", "south")]
        cosigners = [Cosigner(each.label, stack.enter_context(served(each.application)))
                     for each in servers]
        policy = NotaryPolicy(
            kafka=broker.address, topics=topics, folder=tmp_path / "logs", keys=tmp_path / "keys",
            origin="example.org/log", checkpoint_seconds=0.1, quorum=least(2, *cosigners))
        # In the order of the policy's logs; of the patrol's, if there is one, nothing is asked.
        ends = {topics.votes: [*map(len, box.logs)], topics.catalogue: [len(catalogue)]}
        async with at_work(policy) as turn:
            # The turn names the logs' keys in the catalogue, behind what is there.
            await until(lambda: _reach(policy, ends))
            status = turn.status()["countersigned"]
        await append(broker.address, topics.votes, [each[-3:] for each in box.logs])
        async with at_work(policy):
            await until(lambda: _reach(policy, {topics.votes: [
                end + 3 for end in ends[topics.votes]]}))

    assert {each["witness"] for each in status["witnesses"]} >= {"north", "south"}
    assert servers[0].known == servers[1].known
