"""The booth behind the pages: what a browser keeps for us outlives the key it was sealed by."""

from collections.abc import Mapping
from pathlib import Path

from processors.guard.aside import SetAside
from producers.gateway import booth, guards
from producers.gateway.broker_time import BrokerTime
from producers.gateway.exchange import Asked
from producers.gateway.follower import Follower
from producers.gateway.identity import Clock
from producers.gateway.keys import KeyFolder
from producers.gateway.memory import Memory
from producers.gateway.meter import Meter
from producers.gateway.networks import Networks
from producers.gateway.outlet import Outlet
from producers.gateway.pools import Pools
from producers.gateway.rates import Rates
from producers.gateway.rereading import Rereader
from schemas.topics import Topics
from scrutin.gateway.composition import FlushSnapshot
from scrutin.gateway.desk import GatewayDesk, GatewayVisit


NOBODY = "127.0.0.1:9"


def visit(
    folder: Path, clock: Clock, device: bytes, *, lanes: Mapping[str, int] | None = None
) -> GatewayVisit:
    """Enter a booth whose broker is not asked."""
    topics, keys = Topics("scrutin", 2), KeyFolder(folder, clock)
    follower, outlet, memory = Follower(NOBODY, topics), Outlet(NOBODY, lanes or {}), Memory()
    brokers = BrokerTime(clock, clock)
    taken = booth.Booth(
        topics=topics, follower=follower, outlet=outlet, keys=keys, memory=memory,
        networks=Networks(outlet, keys, topics.networks),
        pools=Pools(follower, lambda _: FlushSnapshot((), {}, {})), time=brokers)
    desk = GatewayDesk(
        topics, taken, follower, keys, memory,
        Rates(voter_per_minute=1, network_per_minute=1),
        Rereader(NOBODY, topics.votes, connected=lambda: False), Meter(), brokers,
        SetAside())
    asked = Asked({"scheme": "https", "headers": []}, _nothing)
    return GatewayVisit(desk, asked, guards.Device(device, is_new=False),
                        booth.Voter("town", bytes(16), device, 0, b""))


async def _nothing() -> dict[str, object]:
    return {}


async def test_what_a_browser_keeps_outlives_the_key_it_was_sealed_by(tmp_path: Path) -> None:
    """Ours after a rotation, until the old key is gone; never another device's."""
    now = 1_000.0
    mine, other = (visit(tmp_path, lambda: now, bytes([number] * 16)) for number in (1, 2))
    before = mine.seal(b"paper")
    mine.desk.keys.add("device", bytes(32), 2_000)
    now = 2_000.0
    for each in (mine, other):
        each.desk.keys.look()
    after = mine.seal(b"paper")

    assert before != after
    for code in (before, after):
        assert mine.is_sealed(code, b"paper")
        assert not mine.is_sealed(code, b"pope")
        assert not other.is_sealed(code, b"paper")
    (tmp_path / "device.key").unlink()
    mine.desk.keys.look()
    assert (mine.is_sealed(before, b"paper"), mine.is_sealed(after, b"paper")) == (False, True)
