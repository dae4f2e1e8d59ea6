"""The ledgers of a worker as the store of a Faust table, whose changelog is the decisions topic.

Recovery folds recorded decisions, batch by batch, those after the snapshot where one is of use; a
revoked partition is forgotten. Faust logs and swallows errors raised here, so each ends the process
instead.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

import faust
import structlog
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.stores.base import Store
from faust.types import TP

from processors.ledger.ledger import Ledger
from processors.workers.batch_lane import stop_process
from processors.workers.recoveries import WatchedApp
from processors.workers.snapshot_files import Snapshots
from schemas.topics import Topics


log = structlog.get_logger("scrutin.ledger")


@dataclass
class Held:
    """A partition this worker holds."""

    ledger: Ledger
    generation: int | None = None
    """Group generation under which it was recovered; None while recovering."""
    durable: int = -1
    """Last source offset whose decision the broker has acknowledged."""
    end: int = 0
    """End offset of the votes, as last heard."""
    checked: bool = False
    """Whether the last vote decided was compared with the ballot box since recovery."""
    flushed_offset: int = -1
    """Last source offset whose tallies were flushed; -1: everything is to be flushed."""
    flushed_at: float = 0.0
    touched_again_at: float = 0.0
    turn: int = 0
    """When a slice of everything was flushed again, and at which proposal the next one begins."""
    still: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a flush is taken: nothing is decided meanwhile."""
    snapshot_offset: int = -1
    """Last source offset in a snapshot, taken or read; -1: none."""
    decisions_offset: int | None = None
    """Offset in the decisions topic up to which nothing is left to fold; None: fold everything."""
    undecodable: list[int] = field(default_factory=list)
    """Offsets of the newest undecodable records, as many as a window holds."""
    read_again_after: int | None = None
    """Last source offset behind which a batch began too late, and was read again."""


class Holder(Protocol):
    """What the store asks of its worker."""

    app: WatchedApp
    topics: Topics
    held: dict[int, Held]
    snapshots: Snapshots
    first_keys: frozenset[bytes]

    async def read_decision(self, partition: int, offset: int) -> bytes | None:
        """Read one record of the decisions topic; None where there is none."""


class DecisionTable(faust.Table[bytes, bytes]):
    """The table `ledger`: state by partition, not by key."""

    def __init__(self, app: faust.App, *, worker: Holder, **options: Any) -> None:
        self._worker = worker
        super().__init__(app, **options)

    def _new_store(self) -> Any:
        return DecisionStore("memory://", self.app, self, table_name=self.name,
                              worker=self._worker)


class DecisionStore(Store[bytes, bytes]):
    """The ledgers as a Faust table store: recovery folds decisions, revocation forgets them."""

    def __init__(self, *arguments: Any, worker: Holder, **options: Any) -> None:
        self._worker = worker
        super().__init__(*arguments, **options)

    def persisted_offset(self, tp: TP) -> int | None:
        """Fold the changelog from here on: what comes before is in the state already."""
        held = self._worker.held.get(tp.partition)
        return held.decisions_offset if held is not None else None

    def apply_changelog_batch(
        self, batch: Any, to_key: Any, to_value: Any  # noqa: ARG002 -- Faust's signature
    ) -> None:
        for event in batch:
            held = self._worker.held.get(event.message.partition)
            if held is None:
                continue
            try:
                for record in event.message.value.records:
                    held.ledger.apply(record.value)
            except Exception as error:  # noqa: BLE001 -- Faust would log it and go on
                stop_process(str(error), error)

    def reset_state(self) -> None:
        self._worker.held.clear()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        worker = self._worker
        for tp in revoked | newly_assigned:
            worker.held.pop(tp.partition, None)
        for held in worker.held.values():
            held.generation, held.checked = None, False
        for tp in newly_assigned:
            if tp.topic == worker.topics.decisions:
                worker.held[tp.partition] = await self._begun(tp.partition)
        log.info("rebalanced", assigned=sorted({tp.partition for tp in assigned}),
                 revoked=sorted({tp.partition for tp in revoked}), generation=generation_id)

    async def _begun(self, partition: int) -> Held:
        """Begin a partition: from its snapshot, or from nothing."""
        worker = self._worker
        found = None
        try:
            found = await worker.snapshots.read(
                partition, worker.topics.partitions, worker.read_decision, worker.first_keys)
        except (KafkaError, ConsumerStoppedError, TimeoutError) as error:
            # Stopped: the worker is told to end in the middle of a rebalance.
            log.warning("snapshot not checked, all decisions are folded", partition=partition,
                        error=repr(error))
        if found is None:
            return Held(Ledger(partition, worker.topics.partitions, worker.first_keys))
        ledger, decisions_offset = found
        log.info("snapshot read", partition=partition, decided=ledger.last_offset)
        return Held(ledger, snapshot_offset=ledger.last_offset, decisions_offset=decisions_offset)

    async def on_recovery_completed(
        self, active_tps: set[TP], standby_tps: set[TP]  # noqa: ARG002 -- Faust's signature
    ) -> None:
        worker = self._worker
        for tp in active_tps:
            held = worker.held.get(tp.partition)
            # One that was begun again after its end finds batches decided and not yet durable.
            if held is not None and held.generation is None:
                held.generation = worker.app.consumer_generation_id
                held.durable = held.ledger.last_offset
                held.flushed_offset = -1
        log.info("recovered", decided={
            partition: held.ledger.last_offset for partition, held in worker.held.items()})

    # A Store is also a mapping; nobody uses this one as such.
    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def __delitem__(self, key: Any) -> None: ...

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, key: Any) -> bool:
        return False

    def clear(self) -> None: ...

    async def backup_partition(self, *arguments: Any, **options: Any) -> None: ...

    def restore_backup(self, *arguments: Any, **options: Any) -> None: ...
