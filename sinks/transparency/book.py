"""A topic partition and its transparency log: records become entries, and closings sign them."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from schemas import named_keys
from schemas.codec import Undecodable
from schemas.named_keys import KeyList
from schemas.registry import HEADER_BYTES, UnknownSchema, headers
from sinks.ballots import consultation_of_ballot
from sinks.faults import LogDiffers, LogHasHole
from sinks.transparency.entries import entry_of
from sinks.transparency.keeper import Keeper


CLOSINGS = {"ConsultationClosed", "ClosingCompleted"}
"""Events that end a consultation."""

_NAMINGS = headers(named_keys.EVENT)

Decode = Callable[[bytes | None], tuple[str, dict[str, Any]]]
"""Reads a record of a topic; raises Undecodable, or UnknownSchema where nobody may pass."""

log = structlog.get_logger()


class Book:
    """One topic partition and its transparency log."""

    def __init__(
        self, topic: str, partition: int, decode: Decode, keeper: Keeper,
        keys: KeyList | None = None,
    ) -> None:
        self.topic, self.partition, self.keeper = topic, partition, keeper
        self._decode = decode
        self._keys = keys
        """Takes the keys that the records name."""
        self.stopped: str | None = None
        """Why nothing more of this partition is logged, if so."""
        self.log_end: int | None = None
        self.signed_at = time.monotonic()
        self._known = keeper.last_entry()

    @property
    def read_from(self) -> int:
        """The offset to come next: at the begin that of the newest entry, to compare."""
        return self.keeper.size - (self._known is not None)

    def take(self, found: Sequence[Any]) -> None:
        """Log records as Kafka gave them; raise LogHasHole or LogDiffers."""
        expected = self.read_from
        if found[0].offset != expected or found[-1].offset != expected + len(found) - 1:
            raise LogHasHole(
                f"{self.topic} partition {self.partition}: offset {expected} or one up to "
                f"{found[-1].offset} is missing. Records of this log are never deleted or "
                "compacted: check the topic's cleanup.policy and retention, and restore it from "
                "a replica.")
        entries, closings = self._entries(expected, [record.value for record in found])
        if self._known is not None and entries:
            if entries[0] != self._known:
                raise LogDiffers(
                    f"{self.topic} partition {self.partition} offset {expected} is not the "
                    f"record that was signed in {self.keeper.origin}: the topic was made anew or "
                    "changed. Restore it, or use another SCRUTIN_TOPIC_PREFIX for a new log.")
            entries, closings = entries[1:], [row - 1 for row in closings if row]
            self._known = None
        self._append(entries, closings)

    def _append(self, entries: Sequence[bytes], closings: Sequence[int]) -> None:
        begin = 0
        for row in closings:
            self.keeper.append(entries[begin:row + 1])
            self.sign()
            begin = row + 1
        self.keeper.append(entries[begin:])

    def _entries(
        self, first: int, values: Sequence[bytes | None]
    ) -> tuple[list[bytes], list[int]]:
        """Make the entries of records, up to one that nobody may pass by; say which rows close."""
        entries: list[bytes] = []
        closings = []
        for row, value in enumerate(values):
            try:
                event, consultation = self._named(value)
            except UnknownSchema as error:
                self.stopped = (f"{self.topic} partition {self.partition} stops before offset "
                                f"{first + row}: {error}")
                log.error("partition stopped", reason=self.stopped)  # noqa: TRY400 -- said
                break
            if event in CLOSINGS:
                closings.append(row)
            if event == named_keys.EVENT:
                self.name_key(value, first + row)
            entries.append(entry_of(consultation, value))
        return entries, closings

    def name_key(self, value: bytes | None, offset: int) -> None:
        """Take the key that a record names, if it names one."""
        if self._keys is not None and (value or b"")[:HEADER_BYTES] in _NAMINGS:
            with contextlib.suppress(Undecodable):
                self._keys.apply(self._decode(value)[1], offset)

    def _named(self, value: bytes | None) -> tuple[str, str]:
        """Read a record's event, where it matters, and its consultation; empty if it has none."""
        try:
            ballot = consultation_of_ballot(value)
            if ballot is not None:
                return "", ballot
            event, fields = self._decode(value)
        except Undecodable:
            return "", ""
        return event, fields.get("consultation") or ""

    def sign(self) -> None:
        """Sign what was taken."""
        before = self.keeper.checkpoint.size
        self.keeper.sign()
        self.signed_at = time.monotonic()
        if self.keeper.checkpoint.size != before:
            log.debug("checkpoint signed", origin=self.keeper.origin, size=self.keeper.size)
