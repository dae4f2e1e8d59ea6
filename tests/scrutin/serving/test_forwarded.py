"""Addresses behind proxies: which hop is believed, and that nothing is without a limit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from producers.gateway import guards, identity
from producers.gateway.exchange import Asked
from scrutin.serving.forwarded import behind
from scrutin.serving.proxies import ANY, believed
from scrutin.settings import Settings


PROXY = "10.0.0.5"


async def network(named: str, *lines: bytes, peer: str | None = PROXY) -> bytes:
    """Return the network of a request that a peer sends with lines of X-Forwarded-For."""
    found: list[bytes] = []

    async def application(scope: Scope, receive: Receive, _send: Send) -> None:
        found.append(guards.network_of(Asked(scope, receive)))

    async def nothing(*_: object) -> Any:
        """Neither receive nor send."""

    await behind(application, named)({
        "type": "http", "client": (peer, 1) if peer is not None else None, "scheme": "http",
        "headers": [(b"x-forwarded-for", line) for line in lines]}, nothing, nothing)
    return found[0]


@pytest.mark.parametrize(("named", "lines", "believed_address"), [
    # Nobody is believed: whoever connects is the visitor.
    ("", [b"6.6.6.6"], PROXY), ("192.0.2.1", [b"6.6.6.6"], PROXY), ("10.0.0.5", [], PROXY),
    # One proxy: the last address, which it wrote; before it stands what the visitor sent.
    ("10.0.0.5", [b"198.51.100.9"], "198.51.100.9"),
    ("10.0.0.5", [b"6.6.6.6, 198.51.100.9"], "198.51.100.9"),
    ("10.0.0.5", [b"6.6.6.6", b"198.51.100.9"], "198.51.100.9"),
    ("10.0.0.5", [b"10.0.0.5, 198.51.100.9"], "198.51.100.9"),
    ("10.0.0.5", [b"198.51.100.9:50123"], "198.51.100.9"),
    ("10.0.0.5", [b"[2001:db8::1]:50123"], "2001:db8::1"),
    ("10.0.0.5", [b"::ffff:198.51.100.9"], "198.51.100.9"),
    # Two in a row: the last address that is no proxy's.
    ("10.0.0.0/8", [b"6.6.6.6, 198.51.100.9, 10.9.9.9"], "198.51.100.9"),
    ("10.0.0.5,10.9.9.9", [b"6.6.6.6, 198.51.100.9", b"10.9.9.9:80"], "198.51.100.9"),
    ("10.0.0.5", [b"6.6.6.6, 10.9.9.9"], "10.9.9.9"),
    # Who is within a named network is taken for a proxy, and can name any address.
    ("10.0.0.0/8", [b"6.6.6.6, 10.9.9.9"], "6.6.6.6"),
    # Any proxy: the last address alone.
    (ANY, [b"198.51.100.9"], "198.51.100.9"), (ANY, [b"6.6.6.6, 198.51.100.9"], "198.51.100.9"),
    (ANY, [b"6.6.6.6", b"198.51.100.9"], "198.51.100.9"), (ANY, [], PROXY),
    (ANY, [b"6.6.6.6,"], PROXY), (ANY, [b""], PROXY),
    # Nothing that can be read: not the visitor's own words, but the unknown network or the proxy's.
    ("10.0.0.5", [b"6.6.6.6, unknown"], "unknown"), ("10.0.0.5", [b"_hidden"], "unknown"),
    ("10.0.0.5", [b"6.6.6.6, "], PROXY), (ANY, [b"6.6.6.6, \xff"], "unknown"),
])
async def test_the_hop_that_is_believed(
    named: str, lines: list[bytes], believed_address: str
) -> None:
    """What a proxy of ours wrote, never what stood before it; else an address with limits."""
    assert await network(named, *lines) == identity.network_of(believed_address)


async def test_a_proxy_is_known_again_as_ipv6() -> None:
    """A socket for both families shows an IPv4 proxy as an IPv6 one."""
    for named in ("10.0.0.5", "10.0.0.0/8"):
        found = await network(named, b"198.51.100.9", peer="::ffff:10.0.0.5")
        assert found == identity.network_of("198.51.100.9")


@pytest.mark.parametrize("peer", [None, "", "/run/proxy.sock", "unknown", "x" * 100_000])
async def test_who_has_no_address_has_a_network(peer: str | None) -> None:
    """Without a client, from a socket's path, or with words for an address: the unknown one."""
    assert await network("", peer=peer) == identity.UNKNOWN_NETWORK


async def test_an_endless_address_is_not_remembered() -> None:
    """Only addresses of a length that one can have are kept, whoever is believed sends."""
    before = guards._network_of.cache_info().currsize
    for number in range(50):
        assert await network(ANY, b"%050000d" % number) == identity.UNKNOWN_NETWORK

    assert guards._network_of.cache_info().currsize == before


@given(lines=st.lists(st.binary(max_size=60), max_size=4),
       named=st.sampled_from([PROXY, "10.0.0.0/8", ANY]))
async def test_nothing_that_is_forwarded_leaves_a_request_without_a_network(
    lines: list[bytes], named: str
) -> None:
    """Any bytes in any number of lines: a network of an address, or the unknown one."""
    assert len(await network(named, *lines)) in {1, 3, 6}


@pytest.mark.parametrize(("named", "said"), [
    ("proxy.local", "proxy.local is no address"), ("10.0.0.1/8", "10.0.0.1/8 is no address"),
    ("10.0.0.5,*", r"\* is no address"), ("0.0.0.0/0", "visitors could name their own"),
    ("10.0.0.5, ::/0", "::/0 are all addresses"),
])
def test_proxies_that_cannot_be_read_are_refused(named: str, said: str) -> None:
    """They would be believed by nobody, in silence, or by everybody: a sentence says so."""
    with pytest.raises(ValidationError, match=said):
        Settings(gateway_proxies=named)
    with pytest.raises(ValidationError, match=said):
        Settings(views_proxies=named)


def test_proxies_may_be_named_with_spaces() -> None:
    """Addresses and networks of both families; empty names are none."""
    assert believed(" 10.0.0.5 ,2001:db8::/32,") == "10.0.0.5,::ffff:10.0.0.5/128,2001:db8::/32"
    assert believed("") == ""
    assert Settings(gateway_proxies=" * ").gateway_proxies == " * "
