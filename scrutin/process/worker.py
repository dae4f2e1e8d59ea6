"""What the processes that work on the log share: how they begin, and how they are told to stop.

SIGTERM or SIGINT tells them. Faust listens for the ledger and the patrol; for ideas, archive and
notary it is done here.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from processors.workers.kafka_checks import check_topics
from schemas.topics import Topics
from scrutin import addresses
from scrutin.process import garbage, health, log
from scrutin.process.pulse import beating
from scrutin.process.stopping import LastMoment
from scrutin.settings import Settings, load


@dataclass(frozen=True)
class Begun:
    """What a process of the log is told: its settings, the broker, the topics."""

    settings: Settings
    kafka: str
    topics: Topics

    def require(self, names: Collection[str]) -> None:
        """Raise WrongTopic or BrokerUnreachable unless topics of these names are as they must."""
        asyncio.run(check_topics(
            self.kafka, [one for one in self.topics.specifications() if one.name in names]))


def begin() -> Begun:
    """Read the settings and set the process up; raises StackNotRunning without a broker's name."""
    garbage.relax()
    settings = load()
    log.configure(settings)
    return Begun(settings, addresses.kafka_address(settings), addresses.topics(settings))


class Stoppable(Protocol):
    """What runs until it is stopped, and can say how it stands."""

    def stop(self) -> None: ...
    def status(self) -> dict[str, Any]: ...


@asynccontextmanager
async def stopped_by_signals(
    running: Stoppable, settings: Settings, name: str
) -> AsyncIterator[None]:
    """While inside: a signal stops what runs, and /status answers how it stands.

    Whoever has not ended SCRUTIN_STOP_SECONDS later ends at once.
    """
    last_moment = LastMoment(settings.stop_seconds)

    def stop() -> None:
        last_moment.begin()
        running.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with beating(health.serve(settings, name, running.status)):
        yield
