"""The patrol's suspensions as controls of the log: of its rules' version, signed where it asks.

They are signed with the guard's key. What a log takes is read from its partitions at the first
suspension, and again when an adoption is met in the ballot box.
"""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from processors.guard.parameters import NAMES
from processors.workers.patrol_suspending import CannotSuspend, Owed
from producers import signing
from producers.errors import ProducingError
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.signing import Controls
from schemas.codec import ID_BYTES
from schemas.private_files import KeyRefused
from schemas.registry import FIRST_RULES
from schemas.topics import Topics, partition_of


class SuspensionControls:
    """Encodes suspensions for one log."""

    def __init__(self, kafka: str, topics: Topics, keys_folder: Path) -> None:
        self._kafka, self._topics, self._keys_folder = kafka, topics, keys_folder
        self._controls: Controls | None = None

    def forget(self) -> None:
        """Look again at the rules and keys of the log: they have changed."""
        self._controls = None

    async def encoded(self, owed: Sequence[Owed]) -> list[bytes]:
        """Return a control for each suspension; raise CannotSuspend."""
        try:
            controls = self._controls = self._controls or await self._read()
            if controls.rules == FIRST_RULES:
                raise CannotSuspend(
                    "this log has rules 1, under which no finding can be named: adopt rules 2 with "
                    "`scrutin rules adopt`, or have the guard's rules report only.")
            return [self._control(controls, each) for each in owed]
        except (ProducingError, KeyRefused, KafkaError, TimeoutError, OSError) as error:
            self.forget()  # The key may be there the next time.
            raise CannotSuspend(str(error) or type(error).__name__) from error

    async def _read(self) -> Controls:
        async with LogReader(self._kafka) as reader:
            known = await read_catalogue(reader, self._topics)
            return await signing.controls(
                reader, self._topics, known, signing.own_keys(self._keys_folder))

    def _control(self, controls: Controls, owed: Owed) -> bytes:
        return controls.encoded(
            "VoterSuspended", partition_of(owed.voter, self._topics.partitions),
            event_id=owed.event_id, voter=owed.voter, consultation=owed.consultation,
            reason=f"{NAMES[owed.rule]}/{owed.version}", salt=secrets.token_bytes(ID_BYTES),
            origin="operator", occurred_at=time.time_ns() // 1_000_000, cause=owed.rule,
            finding=owed.finding)
