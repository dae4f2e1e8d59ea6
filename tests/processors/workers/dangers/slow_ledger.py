"""A program: a ledger that takes its partitions only once it has said meanwhile that it lives."""

import asyncio
import threading
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.group import HeartbeatRequest

from processors.workers import decision_store
from processors.workers.ledger_worker import LedgerWorker
from tests.harness import WAIT_SECONDS
from tests.processors.workers.dangers.program import run


_ask, _take = AIOKafkaClient.send, decision_store.DecisionStore.on_rebalance
_lives = threading.Event()


async def _asked(client: Any, node: Any, request: Any, **options: Any) -> Any:
    answer = await _ask(client, node, request, **options)
    if isinstance(request, HeartbeatRequest) and not answer.error_code:
        _lives.set()
    return answer


async def _taken(*arguments: Any, **options: Any) -> None:
    await asyncio.to_thread(_lives.wait, WAIT_SECONDS)
    await _take(*arguments, **options)


if __name__ == "__main__":
    AIOKafkaClient.send = _asked
    decision_store.DecisionStore.on_rebalance = _taken  # type: ignore[method-assign]  # On purpose.
    run(lambda _folder: LedgerWorker)
