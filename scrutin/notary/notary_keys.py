"""The keys of the transparency logs are named in the catalogue, by whoever runs the notary."""

import asyncio
import time

import structlog
from aiokafka.errors import KafkaError

from producers.errors import ProducingError
from producers.key_naming import name_keys
from producers.operations import Log
from schemas.registry import UnknownSchema
from sinks.transparency.notary import Notary


RETRY_SECONDS = 10.0
"""Pause before keys are named after all: nobody waits for it, and one try may take two minutes."""

log = structlog.get_logger()


async def name_log_keys(notary: Notary, catalogue: Log) -> None:
    """Name the keys that sign the logs, once the notary has opened them and a broker answers."""
    await notary.started.wait()
    while True:
        try:
            named = await name_keys(catalogue, notary.named_keys(), now=time.time_ns() // 1_000_000)
        except (ProducingError, KafkaError, OSError, UnknownSchema) as error:
            log.warning("the logs' keys are not named in the catalogue yet",
                        reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            if named:
                log.info("keys of logs named in the catalogue", keys=len(named))
            return
