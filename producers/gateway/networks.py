"""Where votes come from, for the hunt for fraud alone: apart from the votes, and soon forgotten.

The ids of events go to a topic of its own, with the names of each one's network and of the block
that it lies in, under the key of the day, and with what the door asked of its device. The broker
deletes the records after a fortnight; the key is destroyed two days after its day began, and then
no name can be traced to an address any more. Nobody waits for these records: what is lost with a
process, a broker, or a key that cannot be made, costs the hunt an observation, and no vote waits.
"""

import asyncio
import contextlib
import datetime as dt

import structlog

from producers.gateway import identity
from producers.gateway.identity import Clock, Signer
from producers.gateway.keys import KeyFolder, KeysUnusable
from producers.gateway.outlet import NotWritten, Outlet
from schemas import codec
from schemas.words import CHALLENGED


KEY_DAYS = 2
"""Days of which keys are kept: today and yesterday."""
TIDY_SECONDS = 600.0
"""Between two looks for keys that have had their days."""
GATHER_SECONDS = 0.1
"""Events gather so long for one record: a record for each would cost a tenth of a vote."""
GATHERED_EVENTS = 1_000
"""Events of one record, at most, as its schema says."""
NETWORKS_REMEMBERED = 16_384
"""Networks whose pseudonym is remembered: signing one takes longer than all the rest."""
DAY_MILLISECONDS = 86_400_000
AGAIN_MILLISECONDS = 60_000
"""After a key that cannot be had, it is asked for again after so long."""
NOT_CHALLENGED, ASKED, SOLVED, WAITED = CHALLENGED


class Networks:
    """Writes down where events came from."""

    def __init__(self, outlet: Outlet, keys: KeyFolder, topic: str) -> None:
        self._outlet = outlet
        self._keys = keys
        self._topic = topic
        self._day = -1
        self._signer: Signer | None = None
        self._pseudonyms: dict[bytes, tuple[bytes, bytes]] = {}
        """Those of network and block under the day's key, by network; forgotten with it."""
        self._events: list[bytes] = []
        self._networks: list[bytes] = []
        self._blocks: list[bytes] = []
        self._challenged: list[str] = []
        self._last = self._again_at = 0
        self._logger = structlog.get_logger("gateway")

    def saw(
        self, event_id: bytes, network: bytes, now: int, challenged: str = NOT_CHALLENGED
    ) -> None:
        """Note the network of an event (milliseconds since 1970); do nothing where it is unknown.

        All whose address cannot be read would be one network to the hunt. `challenged` is one of
        `schemas.words.CHALLENGED`: what the door asked of the device, or what this event answers.
        """
        if not network or network == identity.UNKNOWN_NETWORK:
            return
        signer = self._signer_of(now)
        if signer is None:
            return
        if not self._events:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self.write)
        self._events.append(event_id)
        name, block = self._names(signer, network)
        self._networks.append(name)
        self._blocks.append(block)
        self._challenged.append(challenged)
        self._last = now
        if len(self._events) == GATHERED_EVENTS:
            self.write()

    def name(self, network: bytes, now: int) -> bytes:
        """Return what a network is called on the day of an instant (milliseconds since 1970).

        Empty where the day's key cannot be had.
        """
        signer = self._signer_of(now)
        return b"" if signer is None else self._names(signer, network)[0]

    def _signer_of(self, now: int) -> Signer | None:
        day = now // DAY_MILLISECONDS
        if day != self._day or self._signer is None:
            if now < self._again_at:
                return None
            try:
                self._day, self._signer = day, self._keys.network(_date(day))
            except KeysUnusable as error:
                self._again_at = now + AGAIN_MILLISECONDS
                self._logger.error(  # noqa: TRY400 -- a sentence, not a trace
                    "networks are not written down", reason=str(error))
                return None
            self._pseudonyms.clear()
        return self._signer

    def _names(self, signer: Signer, network: bytes) -> tuple[bytes, bytes]:
        found = self._pseudonyms.get(network)
        if found is None:
            if len(self._pseudonyms) == NETWORKS_REMEMBERED:
                self._pseudonyms.clear()
            found = self._pseudonyms[network] = (
                identity.network_pseudonym(signer, network),
                identity.block_pseudonym(signer, network))
        return found

    def write(self) -> None:
        """Write what has gathered."""
        if not self._events:
            return
        value = codec.encode("NetworksSeen", events=self._events, networks=self._networks,
                             occurred_at=self._last, challenged=self._challenged,
                             blocks=self._blocks)
        self._events, self._networks, self._blocks, self._challenged = [], [], [], []
        with contextlib.suppress(NotWritten):
            self._outlet.post(self._topic, 0, self._last, value)

    async def tidy(self, clock: Clock) -> None:
        """Destroy the keys of days long past, forget those that others destroyed; for ever."""
        while True:
            day = int(clock() * 1_000) // DAY_MILLISECONDS
            self._keys.destroy_networks(before=_date(day - KEY_DAYS + 1))
            self._keys.forget_destroyed()
            if self._signer and not self._keys.holds_network(_date(self._day)):
                self._signer = None
                self._pseudonyms.clear()
            await asyncio.sleep(TIDY_SECONDS)


def _date(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
