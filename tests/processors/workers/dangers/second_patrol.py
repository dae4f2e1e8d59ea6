"""A program: a patrol beside which another one writes the judgement that it is making."""

import asyncio
import threading
import time

from processors.guard.inputs import Batch
from processors.guard.judgements import encoded
from processors.guard.judging import judge
from processors.guard.parameters import Rules
from processors.guard.state import PatrolState
from processors.workers.batch_lane import run_worker
from processors.workers.patrol_worker import PatrolPolicy, PatrolWorker
from scrutin import addresses
from scrutin.patrol.suspension_controls import SuspensionControls
from scrutin.process import log
from scrutin.settings import load
from tests.harness import connected_producer


class SecondPatrol(PatrolWorker):
    """Is overtaken by one that judges the same a second before, while it judges first."""

    overtaken = False

    def _learn(self, batch: Batch) -> None:
        if self.overtaken:
            super()._learn(batch)
            return
        self.overtaken = True
        overtaking = threading.Thread(target=asyncio.run, args=(self._overtake(batch),))
        overtaking.start()
        overtaking.join()
        super()._learn(batch)

    async def _overtake(self, batch: Batch) -> None:
        a_second_ago = int(time.time() * 1000) - 1000
        other = judge(PatrolState(self.topics.partitions), batch, Rules(), a_second_ago)
        async with connected_producer(self.policy.kafka) as producer:
            await producer.send_and_wait(*self.place[:1], encoded(other), partition=0)


if __name__ == "__main__":
    settings = load()
    log.configure(settings)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    worker = SecondPatrol(
        PatrolPolicy(settings.kafka, addresses.topics(settings), settings.instance,
                     settings.data_folder, settings.judge_seconds),
        SuspensionControls(settings.kafka, addresses.topics(settings), settings.data_folder))
    run_worker(worker.app, worker.membership, settings.stop_seconds)
