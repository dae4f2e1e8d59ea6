"""A producer that does not spin while its broker is away.

Theory of operation: the sender of an aiokafka producer that knows no leader asks for metadata, and
again as soon as it has an answer. While nobody listens at the broker's address that answer, a
failure, takes a tenth of a millisecond: the sender takes a whole processor and logs ten thousand
lines a second until the producer is given up. While other brokers answer that nobody leads the
partition, it takes theirs besides. aiokafka has no setting for a pause there (retry_backoff_ms is
for requests), so the question itself is made to take longer once it failed, or found no leader.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer


PAUSE_SECONDS = 0.1
"""Until a failed question is answered, and may be asked again: a broker's start takes longer, an
election too."""

_NOBODY = -1
"""Kafka's number for no leader."""


def unhurried(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """Have a producer pause after each failure to learn where the leaders are."""
    client: Any = producer.client
    client.force_metadata_update = _Asked(client.force_metadata_update, client)
    return producer


class _Asked:
    """A question whose failure is told late; who asks meanwhile gets the same answer."""

    def __init__(self, ask: Callable[[], asyncio.Future[bool]], client: Any) -> None:
        self._ask, self._client = ask, client
        self._answer: asyncio.Future[bool] | None = None

    def __call__(self) -> asyncio.Future[bool]:
        if self._answer is None or self._answer.done():
            self._answer = asyncio.get_running_loop().create_future()
            self._ask().add_done_callback(self._answered)
        return asyncio.shield(self._answer)

    def _answered(self, found: asyncio.Future[bool]) -> None:
        known = not found.cancelled() and found.exception() is None and found.result()
        pause_seconds = 0.0 if known and self._are_led() else PAUSE_SECONDS
        asyncio.get_running_loop().call_later(pause_seconds, self._tell, known)

    def _are_led(self) -> bool:
        """Whether somebody leads each partition that was asked for."""
        known = self._client.cluster._partitions  # noqa: SLF001 -- aiokafka has no other door
        return known.keys() >= self._client._topics and all(  # noqa: SLF001 -- as above
            each.leader != _NOBODY for found in known.values() for each in found.values())

    def _tell(self, known: bool) -> None:  # noqa: FBT001 -- the answer itself, given by the loop
        assert self._answer is not None, "told once for each question"
        if not self._answer.done():
            self._answer.set_result(known)
