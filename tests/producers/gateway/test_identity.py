"""Names: true for whom they were made, worthless for everybody else."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from producers.gateway import guards, identity
from producers.gateway.door_marks import SERVED, Mark, mark_text
from producers.gateway.exchange import Asked
from producers.gateway.identity import Signer
from schemas.topics import partition_of


KEYS = st.binary(min_size=32, max_size=32)
IDS = st.binary(min_size=16, max_size=16)


@given(key=st.binary(max_size=64), parts=st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_a_code_is_hmac_sha256(key: bytes, parts: list[bytes]) -> None:
    """The hashed first block gives what the standard library gives."""
    expected = hmac.digest(key, b"\0".join(parts), "sha256")[:16]

    assert Signer(key).code(*parts) == expected


@given(key=KEYS, other=KEYS, device=IDS)
def test_a_cookie_gives_its_device_under_its_key_alone(
    key: bytes, other: bytes, device: bytes
) -> None:
    """Signed by us it is the device; under another key, cut or changed it is nobody."""
    cookie = identity.device_cookie(Signer(key), device)

    assert identity.device_of(Signer(key), cookie) == device
    assert key == other or identity.device_of(Signer(other), cookie) is None
    assert identity.device_of(Signer(key), cookie[:-1]) is None
    assert identity.device_of(Signer(key), cookie + "A") is None
    changed = ("A" if cookie[0] != "A" else "B") + cookie[1:]
    assert identity.device_of(Signer(key), changed) is None


def _asking(cookie: str) -> Asked:
    """Ask with a device's cookie, on this machine."""
    async def receive() -> Message:
        raise AssertionError("nobody reads a body")

    named = f"{guards.LOOPBACK_COOKIE}={cookie}".encode("latin-1")
    return Asked({"type": "http", "scheme": "http", "headers": [
        (b"host", b"127.0.0.1:80"), (b"cookie", named)]}, receive)


@pytest.mark.parametrize("junk", ["", "A" * 200, "é" * 60_000])
def test_what_is_longer_than_our_cookies_takes_no_memory(junk: str) -> None:
    """It is read anew each time; and whom a browser stands for is the same either way."""
    key, device = Signer(bytes(32)), bytes(range(16))
    mark = Mark(SERVED, 1_800_000_000)
    ours = (f"{identity.device_cookie(key, device)}; "
            f"{guards.KNOWN_COOKIE}={mark_text(key, device, mark)}")
    known = guards.device_of(_asking(ours), key)
    before = guards._remembered.cache_info().currsize

    assert known == guards.Device(device, is_new=False, mark=mark)
    assert guards.device_of(_asking(f"{ours}; other={junk}"), key) == known
    assert guards.device_of(_asking(junk), key).is_new
    if len(junk) > guards.REMEMBERED_BYTES:
        assert guards._remembered.cache_info().currsize == before


def test_a_mark_of_another_device_or_of_nobody_makes_none_known() -> None:
    """A device is who it is; a mark that is not its own is none."""
    key, device, other = Signer(bytes(32)), bytes(range(16)), bytes(16)
    for mark in (mark_text(key, other, Mark(SERVED, 1)), mark_text(
            Signer(b"another"), device, Mark(SERVED, 1)), "", "A" * 400):
        asked = _asking(
            f"{identity.device_cookie(key, device)}; {guards.KNOWN_COOKIE}={mark}")
        assert guards.device_of(asked, key) == guards.Device(device, is_new=False)


@given(device=IDS, peppers=st.tuples(KEYS, KEYS))
def test_names_under_two_peppers_have_nothing_in_common(
    device: bytes, peppers: tuple[bytes, bytes]
) -> None:
    """A device is one voter under one pepper, and another under another."""
    first, second = (identity.pseudonym(Signer(pepper), device) for pepper in peppers)

    assert len(first) == 16
    assert (first == second) == (peppers[0] == peppers[1])


def test_voters_spread_over_all_partitions() -> None:
    """Pseudonyms fill the partitions evenly, whatever devices are like."""
    pepper = Signer(bytes(32))
    counts = [0] * 4
    for number in range(4_000):
        voter = identity.pseudonym(pepper, number.to_bytes(16, "big"))
        counts[partition_of(voter, 4)] += 1

    assert all(850 < count < 1_150 for count in counts)


@pytest.mark.parametrize(("one", "other", "same"), [
    ("192.0.2.1", "192.0.2.254", True), ("192.0.2.1", "192.0.3.1", False),
    ("::ffff:192.0.2.7", "192.0.2.1", True),
    ("2001:db8:1::1", "2001:db8:1:ffff::2", True), ("2001:db8:1::1", "2001:db8:2::1", False),
])
def test_a_network_is_a_prefix(one: str, other: str, *, same: bool) -> None:
    """IPv4 by /24, also where it comes as IPv6, and IPv6 by /48."""
    assert (identity.network_of(one) == identity.network_of(other)) == same


def test_what_is_no_address_is_of_the_unknown_network() -> None:
    """A socket's path, a word, or nothing: all share one, which is no prefix of an address."""
    for address in ("", "/run/gateway.sock", "unknown", "_hidden", "192.0.2", "192.0.2.7:x",
                    "[2001:db8::1", "[2001:db8::1]x", "192.0.2.7, ", "\0", "²:²", ":::::"):
        assert identity.network_of(address) == identity.UNKNOWN_NETWORK
    assert len(identity.UNKNOWN_NETWORK) not in {3, 6}


@pytest.mark.parametrize(("forwarded", "address"), [
    ("198.51.100.9:50123", "198.51.100.9"), ("[2001:db8::1]:50123", "2001:db8::1"),
    ("[2001:db8::1]", "2001:db8::1"), ("2001:db8::1:50123", "2001:db8::1"),
    ('"[2001:db8::1]:4711"', "2001:db8::1"), ("fe80::1%eth0", "fe80::1"),
    ("[fe80::1%eth0]:80", "fe80::1"), ("::ffff:192.0.2.7", "192.0.2.7"),
    ("[::ffff:192.0.2.7]:80", "192.0.2.7"), ("64:ff9b::192.0.2.7", "192.0.2.7"),
    (" 192.0.2.7", "192.0.2.7"),
])
def test_an_address_is_read_as_proxies_write_it(forwarded: str, address: str) -> None:
    """With a port, in brackets, in quotes, with a zone, or as IPv4 within IPv6."""
    assert identity.network_of(forwarded) == identity.network_of(address)
    assert identity.network_of(forwarded) != identity.UNKNOWN_NETWORK


@given(address=st.text(max_size=100))
def test_any_text_has_a_network(address: str) -> None:
    """Whatever is forwarded is an address or of the unknown network: nothing has none."""
    assert len(identity.network_of(address)) in {1, 3, 6}


@given(milliseconds=st.integers(0, 2**48 - 1), randomness=st.binary(min_size=10, max_size=10))
def test_an_id_made_here_begins_with_its_time(milliseconds: int, randomness: bytes) -> None:
    """The first six bytes are the time; version and variant are those of RFC 9562."""
    made = identity.time_ordered_id(milliseconds, randomness)

    assert int.from_bytes(made[:6], "big") == milliseconds
    assert (len(made), made[6] >> 4, made[8] >> 6) == (16, 7, 2)
