"""Names of networks: one a day and network, remembered no longer than the key that made them."""

import asyncio
from pathlib import Path

from deploy.local.ports import find_free
from producers.gateway import identity, networks
from producers.gateway.keys import KeyFolder
from producers.gateway.networks import DAY_MILLISECONDS, Networks
from producers.gateway.outlet import Outlet
from schemas.words import CHALLENGED


DAY = 20_000
HERE, THERE = b"\xc0\x00\x02", b"\xc6\x33\x64"


def outlet() -> Outlet:
    """Return an outlet without a broker: what is posted there is lost, as it may be."""
    return Outlet(f"127.0.0.1:{find_free(1)[0]}", {"networks": 1})


async def test_a_network_has_one_name_a_day(tmp_path: Path) -> None:
    """Remembered or signed anew it is the day's; another day or network has another."""
    keys = KeyFolder(tmp_path)
    async with outlet() as lost:
        found = Networks(lost, keys, "networks")
        for day, network in ((DAY, HERE), (DAY, HERE), (DAY, THERE), (DAY + 1, HERE)):
            found.saw(bytes(16), network, day * DAY_MILLISECONDS)
        names = found._networks

        assert names[0] == names[1]
        assert len(set(names)) == 3
        for name, day in ((names[0], DAY), (names[3], DAY + 1)):
            assert name == identity.network_pseudonym(keys.network(networks._date(day)), HERE)


async def test_without_a_key_for_the_day_votes_go_on_and_their_networks_are_not_written_down(
    tmp_path: Path
) -> None:
    """Where nobody may make one: a minute later it is tried again."""
    (tmp_path / "networks").touch()
    at = DAY * DAY_MILLISECONDS
    async with outlet() as lost:
        found = Networks(lost, KeyFolder(tmp_path), "networks")
        found.saw(bytes(16), HERE, at)
        names = [found.name(HERE, at)]
        (tmp_path / "networks").unlink()
        for later in (networks.AGAIN_MILLISECONDS - 1, networks.AGAIN_MILLISECONDS):
            found.saw(bytes(16), HERE, at + later)
            names.append(found.name(HERE, at + later))

        assert [bool(name) for name in names] == [False, False, True]
        assert found._networks == names[-1:]


async def test_an_unknown_network_is_not_written_down(tmp_path: Path) -> None:
    """What comes from no address that can be read is no network to the hunt."""
    async with outlet() as lost:
        found = Networks(lost, KeyFolder(tmp_path), "networks")
        for network in (identity.UNKNOWN_NETWORK, b"", HERE):
            found.saw(bytes(16), network, DAY * DAY_MILLISECONDS)

        assert len(found._networks) == 1


async def test_networks_of_a_provider_share_a_block(tmp_path: Path) -> None:
    """IPv4 by 16 bits and IPv6 by 32; the same bits as a network or a block have two names."""
    day_key, at = KeyFolder(tmp_path).network(networks._date(DAY)), DAY * DAY_MILLISECONDS
    four, six = map(identity.network_of, ("192.0.2.7", "2001:db8:5:6::1"))
    same = (four, identity.network_of("192.0.99.1"), six, identity.network_of("2001:db8:9::1"))
    other = tuple(map(identity.network_of, ("192.1.2.7", "2001:db9:5:6::1")))
    async with outlet() as lost:
        found = Networks(lost, KeyFolder(tmp_path), "networks")
        for network in (*same, *other):
            found.saw(bytes(16), network, at)
        blocks, names = found._blocks, found._networks

    assert blocks[0] == blocks[1] == day_key.code(b"block", four[:2])
    assert blocks[2] == blocks[3] == day_key.code(b"block", six[:4])
    assert len(set(blocks)) == 4
    assert len(set(blocks) | set(names)) == 4 + 6


async def test_what_the_door_asked_stands_beside_each_event(tmp_path: Path) -> None:
    """In their order; where nobody says it, nothing was asked."""
    async with outlet() as lost:
        found = Networks(lost, KeyFolder(tmp_path), "networks")
        for number, challenged in enumerate(CHALLENGED):
            found.saw(bytes([number] * 16), HERE, DAY * DAY_MILLISECONDS, challenged)
        found.saw(bytes(16), THERE, DAY * DAY_MILLISECONDS)

        assert found._challenged == ["none", "asked", "solved", "waited", "none"]
        assert len(found._blocks) == len(found._events) == len(found._networks) == 5


async def test_what_is_remembered_of_networks_ends(tmp_path: Path) -> None:
    """It is bounded, and gone with the day's key."""
    keys = KeyFolder(tmp_path)
    async with outlet() as lost:
        found = Networks(lost, keys, "networks")
        for number in range(networks.NETWORKS_REMEMBERED + 10):
            found.saw(bytes(16), number.to_bytes(3, "big"), DAY * DAY_MILLISECONDS)
        assert 0 < len(found._pseudonyms) <= networks.NETWORKS_REMEMBERED
        tidying = asyncio.create_task(found.tidy(lambda: (DAY + 9) * 86_400.0))
        await asyncio.sleep(0)
        tidying.cancel()

        assert found._pseudonyms == {}
        assert not keys.holds_network(networks._date(DAY))
