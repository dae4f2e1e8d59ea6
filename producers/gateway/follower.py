"""Follows the catalogue as long as the gateway lives: what can be voted on, and when.

Without a consumer group, from the beginning; a broker that goes away is waited for, and what was
read stays known meanwhile. A record that a later release wrote may close a consultation, for one:
from there on no vote is taken until a release that can read it runs here.
"""

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from producers.known_catalogue import KnownCatalogue
from schemas import codec
from schemas.corrections import NO_WORDS
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.registry import UnknownSchema
from schemas.stalls import LOOK_SECONDS, Standing
from schemas.topics import Topics


RETRY_SECONDS = 1.0
"""Pause before a broker that does not answer is asked again."""
POLL_MILLISECONDS = 500
_Folded = tuple[int, dict[str, dict[str, dict[str, Any]]]]
"""Catalogue offset; proposals by consultation and identifier."""
FETCH_WAIT_MILLISECONDS = 5_000
"""Longest the broker holds an empty fetch; records end the wait at once, and a stop needs none."""


class Follower:
    """The catalogue up to now; `ready` once it was read to the end it had at the start."""

    def __init__(self, address: str, topics: Topics) -> None:
        self.known = KnownCatalogue()
        self.offset = -1
        """Last catalogue offset folded."""
        self.whole_at = math.inf
        """When all was folded that the catalogue had last, by time.monotonic; once it is ready."""
        self.ready = asyncio.Event()
        self._address = address
        self._place = TopicPartition(topics.catalogue, 0)
        self._proposals: _Folded = (-1, {})
        self._ever: _Folded = (-1, {})
        self._logger = structlog.get_logger("catalogue")

    async def follow(self) -> None:
        """Read until cancelled."""
        while True:
            consumer = new_consumer(
                self._address, fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS)
            try:
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._logger.warning("the catalogue cannot be read", kafka=self._address,
                                     reason=f"{type(error).__name__}: {error}")
            except UnknownSchema as error:
                self.ready.clear()
                self._logger.error(  # noqa: TRY400 -- a sentence, not a trace
                    "no vote is taken: the catalogue goes on in a later version",
                    offset=self.offset + 1, reason=str(error))
            finally:
                await close_consumer(consumer)
            await asyncio.sleep(RETRY_SECONDS)

    def proposals(self, consultation: str) -> dict[str, dict[str, Any]]:
        """Return the proposals one may vote on, in the catalogue's order.

        They have a text, and are not retired.
        """
        offset, found = self._proposals
        if offset != self.offset:
            found = {}
            for place, fields in self._accepted():
                if place not in self.known.retired:
                    found.setdefault(place[0], {})[place[1]] = fields
            self._proposals = (self.offset, found)
        return found.get(consultation, {})

    def accepted(self, consultation: str) -> dict[str, dict[str, Any]]:
        """Return those that one may or once might vote on, as they may be shown, in that order."""
        offset, found = self._ever
        if offset != self.offset:
            found = {}
            for place, fields in self._accepted():
                retired = self.known.retired.get(place)
                hidden = retired is not None and retired["text_hidden"]
                found.setdefault(place[0], {})[place[1]] = (
                    {**fields, **NO_WORDS} if hidden else fields)
            self._ever = (self.offset, found)
        return found.get(consultation, {})

    def _accepted(self) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        for (event, *place), fields in self.known.latest.items():
            if event == "ProposalAccepted" and fields["text"]:
                yield (place[0], place[1]), fields

    async def _read(self, consumer: Any) -> None:
        await consumer.start()
        clock = time.monotonic
        # Before the first fetch, behind which the broker would let the question wait.
        asked_at = looked_at = clock()
        end = (await consumer.end_offsets([self._place]))[self._place]
        consumer.assign([self._place])
        consumer.seek(self._place, self.offset + 1)
        standing = Standing(self._place.topic)
        while True:
            if self.offset + 1 >= end:
                self.whole_at = asked_at
                self.ready.set()
            if clock() - looked_at > LOOK_SECONDS:
                looked_at = clock()
                try:
                    end = (await consumer.end_offsets([self._place]))[self._place]
                    asked_at = looked_at
                    standing.see(self.offset + 1, end, clock())
                except KafkaError:  # The broker is away, and waited for.
                    standing.forget()
            batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS)
            for record in batches.get(self._place, ()):
                self._fold(record)
            await asyncio.sleep(0)

    def _fold(self, record: Any) -> None:
        try:
            event, fields = codec.decode(record.value)
        except codec.Undecodable:
            pass  # The archive keeps it; nothing can be voted on by it.
        else:
            self.known.apply(event, fields, record.offset, record.value)
        self.offset = record.offset
