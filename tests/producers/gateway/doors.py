"""Doors without a gateway around them, and devices that come to them at moments of our choice."""

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import altcha

from producers.gateway.booth import Voter
from producers.gateway.broker_time import BrokerTime
from producers.gateway.door import Answers, Door, Passage
from producers.gateway.door_counts import DoorCounts
from producers.gateway.door_marks import UNMARKED, Mark
from producers.gateway.doorkeeper import Doorkeeper
from producers.gateway.follower import Follower
from producers.gateway.keys import KeyFolder
from producers.gateway.ladder import OTHERS_FIRST, Ladder
from producers.gateway.memory import Memory
from producers.gateway.networks import Networks
from producers.gateway.outlet import Outlet
from producers.gateway.salts import Salts
from producers.gateway.work import Spent
from schemas.topics import Topics


HERE, THERE = b"\xc0\x00\x02", b"\xc0\x00\x63"


def begin() -> float:
    """Return a moment to begin at: the package looks at the machine's clock for itself."""
    return float(int(time.time()))


def door(folder: Path, *, gateways: int = 1, memory: Memory | None = None) -> Door:
    """Make the door of a gateway as it stands out of the box, but for the room it takes."""
    return Door(
        keys=KeyFolder(folder), memory=memory or Memory(), counts=DoorCounts(),
        ladder=Ladder(gateways=gateways, places=1 << 12, networks=1 << 12), spent=Spent())


def keeper(at: Door) -> Doorkeeper:
    """Make the keeper of a door, of a gateway that runs nowhere."""
    topics, outlet = Topics("scrutin", 1), Outlet("localhost:1", {})
    return Doorkeeper(
        at, follower=Follower("localhost:1", topics),
        networks=Networks(outlet, at._keys, topics.networks), outlet=outlet,
        topic=topics.sequences, time=BrokerTime(time.time, time.monotonic), salts=Salts())


@dataclass
class Device:
    """A device, with what it was given."""

    network: bytes = HERE
    mark: Mark = UNMARKED
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    leave: str | None = None
    back_at: float = 0
    work: dict[str, Any] | None = None

    def voter(self, of: str) -> Voter:
        """Name it within a consultation, with the mark that it brings."""
        return Voter(of, self.id, self.id, 0, self.network, mark=self.mark)

    async def votes(
        self, at: Door, now: float, proposal: str = "p1", *, of: str = "town",
        solution: str | None = None, leave: str | None = None, name: bytes = b"",
        others_most: int = OTHERS_FIRST,
    ) -> Passage:
        """Vote on what a link named; keep what is given."""
        done = await at.meet(
            self.voter(of), proposal, Answers(solution, leave), int(now * 1_000), name,
            others_most=others_most)
        self.mark = done.mark or self.mark
        if done.challenge is not None:
            self.leave, self.back_at = done.challenge.leave, now + done.challenge.wait_seconds
            self.work = done.challenge.work or self.work
        return done

    async def is_challenged(
        self, at: Door, now: float, proposal: str = "p1", **more: Any
    ) -> bool:
        """Vote; whether the vote is suspect."""
        return (await self.votes(at, now, proposal, **more)).challenge is not None


def solved(work: dict[str, Any]) -> str:
    """Solve a challenge as a browser does."""
    challenge = altcha.Challenge.from_dict(work)
    found = altcha.solve_challenge(challenge)
    assert found is not None
    return altcha.Payload(challenge, found).to_base64()


async def crowd(
    at: Door, now: float, proposal: str = "p1", *, devices: int = 31, network: bytes = HERE
) -> list[Passage]:
    """Let so many devices that are not known vote at once."""
    return [await Device(network).votes(at, now, proposal) for _ in range(devices)]
