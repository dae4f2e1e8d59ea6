"""The doorkeeper: brings votes before the door, where there is one, and writes what it did."""

from collections.abc import Iterator
from typing import Any

from producers.gateway import identity
from producers.gateway.ballots import Act
from producers.gateway.broker_time import BrokerTime
from producers.gateway.door import OPEN, Answers, Door, Passage, Voter
from producers.gateway.door_marks import LASTING
from producers.gateway.follower import Follower
from producers.gateway.networks import Networks
from producers.gateway.outlet import Outlet
from producers.gateway.salts import Salts
from schemas import codec
from schemas.figures import Sample
from schemas.words import SHOWN


_SERVED = SHOWN.index("served")
_TELLS_ROUTES = 2
"""From these rules on view proofs tell the route: before, nobody knows what was drawn."""


class Doorkeeper:
    """Asks the door about votes, networks and refusals; without one it does nothing."""

    def __init__(
        self, door: Door | None, *, follower: Follower, networks: Networks, outlet: Outlet,
        topic: str, time: BrokerTime, salts: Salts,
    ) -> None:
        self.door = door
        """None: nothing is asked of anybody."""
        self._follower = follower
        self._networks = networks
        self._outlet = outlet
        self._topic = topic
        self._time = time
        self._salts = salts

    async def meet(
        self, voter: Voter, act: Act, now: int, *, trusted: bool, shown: int
    ) -> Passage:
        """Return what the door makes of a vote: nothing of one that is drawn, or suspect anyway."""
        door = self.door
        if door is None:
            return OPEN
        if not trusted:
            door.counts.refused(voter.consultation, now / 1_000,
                                "proof-bad" if act.proof else "proof-missing")
            return OPEN
        if shown == _SERVED:
            lasts = voter.mark.how in LASTING
            return Passage(OPEN.said, mark=None if lasts else door.served(now))
        if self._follower.known.rules < _TELLS_ROUTES:
            return OPEN
        name = self._networks.name(voter.network, now) if door.asks_names else b""
        there = self._follower.proposals(voter.consultation)
        return await door.meet(
            voter, act.proposal, Answers(act.solution, act.leave), now, name,
            others_most=len(there) - (act.proposal in there))

    def crowded(self, voter: Voter, now: float) -> None:
        """Take note that a network sends more without a cookie than people do (seconds)."""
        if self.door is not None:
            self.door.crowded(voter.consultation, voter.network, now)

    def refused(self, consultation: str, reason: str) -> None:
        """Count a refusal for the log, under a consultation that there is."""
        if self.door is not None:
            named = self._follower.known.find("ConsultationDescribed", consultation)
            self.door.counts.refused(
                consultation if named else "", self._time.milliseconds() / 1_000, reason)

    async def count(self, clock: identity.Clock) -> None:
        """Write what the door did, minute by minute; for ever."""
        if self.door is not None:
            await self.door.counts.run(self._write, clock)

    def samples(self) -> Iterator[Sample]:
        """Yield what the door did as figures."""
        if self.door is not None:
            yield from self.door.counts.samples()

    def _write(self, counts: dict[str, Any]) -> None:
        now = self._time.milliseconds()
        event_id = identity.time_ordered_id(now, self._salts.draw(10))
        self._outlet.post(self._topic, 0, now, codec.encode(
            "DoorCounted", event_id=event_id, occurred_at=now, **counts))
