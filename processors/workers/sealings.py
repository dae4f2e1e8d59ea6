"""Which consultations were sealed, as far as a ledger has to know: its snapshots name their voters.

Theory of operation: the partition that a control seals deletes its own snapshot. But a machine may
lie about with the snapshot of a partition that another one holds now. So every ledger reads the
catalogue, where each sealing is announced, when it starts and then every LOOK_SECONDS, and deletes
whatever there is of a sealed consultation, again and again until it is gone.
"""

import asyncio

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from processors.workers.looker import Looker
from processors.workers.snapshot_files import Snapshots
from schemas.endorsements import CountedCatalogue


LOOK_SECONDS = 10.0
"""So long after its announcement a sealing is learned of, at most, while the broker answers."""

log = structlog.get_logger("scrutin.snapshots")


class Sealings:
    """What a ledger knows of sealings, and what it deletes for it."""

    def __init__(self, looker: Looker, catalogue: str, snapshots: Snapshots) -> None:
        self._looker, self._snapshots = looker, snapshots
        self._catalogue = TopicPartition(catalogue, 0)
        self._read = 0
        """Records of the catalogue that were looked at."""
        self._counted = CountedCatalogue()
        self._sealed: set[str] = set()
        self._deleted = True
        """Whether everything of them is."""

    async def run(self) -> None:
        """Look again and again, over whatever becomes of the broker."""
        while True:
            try:
                await self.look()
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("sealings unknown: the broker is away", error=repr(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read on, and delete what is of consultations that were sealed since."""
        values = await self._looker.values(self._catalogue, self._read)
        counted = [self._counted.take(offset, value)
                   for offset, value in enumerate(values, self._read)]
        self._read += len(values)
        found = {each.fields["consultation"] for each in counted
                 if each and each.event == "ConsultationSealed"}
        if found - self._sealed or not self._deleted:
            self._sealed |= found
            self._deleted = await self._snapshots.forget_sealed(self._sealed)
