"""A gateway keeps up with its key folder, and names its keys of receipts in the catalogue."""

import asyncio

import structlog

from producers import key_naming
from producers.gateway.dated_keys import LOOK_SECONDS
from producers.gateway.follower import Follower
from producers.gateway.identity import Clock
from producers.gateway.keys import KeyFolder, KeysUnusable
from producers.gateway.outlet import Full, NotWritten, Outlet, Unknown
from schemas.named_keys import IN_USE, RETIRED, NamedKey, key_id


class KeyWatch:
    """Looks at the folder again and again."""

    def __init__(
        self, keys: KeyFolder, follower: Follower, outlet: Outlet, topic: str,
        settled: asyncio.Event,
    ) -> None:
        """`settled`: the time is known, by which a key is named."""
        self._keys, self._follower, self._outlet, self._topic = keys, follower, outlet, topic
        self._settled = settled
        self._named: set[bytes] = set()
        """Public keys that were written, and that the follower may not have seen yet."""
        self._told = ""
        """What went wrong last: it is said once."""
        self._logger = structlog.get_logger("gateway")

    async def run(self, clock: Clock) -> None:
        """Look until cancelled, over whatever becomes of folder and broker."""
        await self._follower.ready.wait()
        # Both connect at once: the catalogue may be read before anything can be written.
        await self._outlet.opened.wait()
        await self._settled.wait()
        while True:
            try:
                if await asyncio.to_thread(self._keys.look):
                    self._logger.info("keys taken up", folder=str(self._keys.folder))
                await self._name(int(clock() * 1_000))
            except KeysUnusable as error:
                self._tell("keys are not taken up", str(error))
            except (Full, NotWritten, Unknown) as error:
                self._tell("a key of receipts is not named in the log yet",
                           f"{type(error).__name__} {error}")
            else:
                self._told = ""
            await asyncio.sleep(LOOK_SECONDS)

    async def _name(self, now: int) -> None:
        """Name what the catalogue does not name; a key is named before it signs, but the first.

        Raises KeysUnusable where the one that signs is retired: what it signs could be denied.
        """
        held = [NamedKey("receipt", "", key.public_key().public_bytes_raw(), IN_USE)
                for key in self._keys.receipts]
        for key in key_naming.unsaid(self._follower.known, held):
            if key.public not in self._named:
                await self._outlet.write(self._topic, 0, now, key_naming.naming(key, now))
                self._named.add(key.public)
                self._logger.info("key of receipts named in the log", key=key.public.hex())
        known = self._follower.known.keys.find("receipt", held[0].public)
        if known and known.state == RETIRED:
            raise KeysUnusable(
                f"the key of receipts {key_id(known.public)} signs here, and the log says that it "
                f"is retired: {self._keys.folder} is an older copy. Take that of another gateway, "
                "or make a new key with `scrutin keys rotate receipt`, and start again.")

    def _tell(self, what: str, reason: str) -> None:
        if reason != self._told:
            self._logger.error(what, reason=reason)
            self._told = reason
