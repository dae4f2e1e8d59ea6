"""A program: a ledger whose coordinator is lost while it joins, and once it lives.

The answer to its first join is lost, so that it joins twice and a real coordinator fences it. Then
a coordinator that cannot write what the group agreed on answers its next sync, its first heartbeat
and its first commit: their answers bear that error, for a lone broker cannot be made to give it.
"""

from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from processors.workers.ledger_worker import LedgerWorker
from tests.processors.workers.dangers.program import run


UNKNOWN_SERVER_ERROR = -1
_ask = AIOKafkaClient.send
_met: set[type] = set()


async def _asked(client: Any, node: Any, request: Any, **options: Any) -> Any:
    answer = await _ask(client, node, request, **options)
    kind = type(request)
    if kind in _met or getattr(answer, "error_code", None):
        return answer
    _met.add(kind)
    if kind is JoinGroupRequest:
        await _ask(client, node, request, **options)
    elif kind in (SyncGroupRequest, HeartbeatRequest):
        answer.error_code = UNKNOWN_SERVER_ERROR
    elif kind is OffsetCommitRequest:
        answer.topics = [
            (topic, [(partition, UNKNOWN_SERVER_ERROR) for partition, _ in partitions])
            for topic, partitions in answer.topics]
    return answer


if __name__ == "__main__":
    AIOKafkaClient.send = _asked
    run(lambda _folder: LedgerWorker)
