"""Limits a minute: held at any load, in memory that never grows; who is refused leaves no trace."""

import random
import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway.cells import TRIES, Cells
from producers.gateway.rates import (
    CELLS_BYTES,
    NETWORK_CELLS,
    VOTER_CELLS,
    Rates,
    cookieless,
    headers_of,
)
from tests.memory import traced


VOTER, NETWORK = bytes(16), b"\x7f\0\0"
MINUTE = 60


def new_device() -> bytes:
    return secrets.token_bytes(16)


@given(gaps=st.lists(st.floats(0, 20), max_size=60), quota=st.integers(1, 5))
def test_no_window_takes_more_than_its_quota(gaps: list[float], quota: int) -> None:
    """In the minute after a window began a voter has at most the quota; then a new one begins."""
    rates = Rates(voter_per_minute=quota, network_per_minute=1_000)
    now, began, taken = 0.0, 0.0, 0
    for gap in [0.0, *gaps]:
        now += gap
        if now >= began + MINUTE or not taken:
            began, taken = now, 0
        rate = rates.count(VOTER, b"", now)
        taken += 1

        assert rate.exceeded == (taken > quota)
        assert 1 <= rate.reset_seconds <= MINUTE + 1


@pytest.mark.parametrize("per_second", [2_000, 10_000])
def test_one_network_gets_its_limit_whatever_it_sends(per_second: int) -> None:
    """Each request from a new device, for two minutes: each minute lets in what the limit says."""
    rates = Rates(voter_per_minute=120, network_per_minute=6_000)
    admitted = Counter(
        number // (per_second * MINUTE) for number in range(2 * per_second * MINUTE)
        if not rates.count(new_device(), NETWORK, number / per_second).exceeded)

    assert admitted == {0: 6_000, 1: 6_000}


def test_ten_thousand_networks_get_their_limits_each() -> None:
    """At 10,000 requests a second each is let in as often as the limit says, no more, no less."""
    quota, count = 30, 10_000
    rates = Rates(voter_per_minute=120, network_per_minute=quota)
    networks = [number.to_bytes(3, "big") for number in range(count)]
    admitted = Counter(
        network for turn in range(MINUTE) for at, network in enumerate(networks)
        if not rates.count(new_device(), network, turn + at / count).exceeded)

    assert set(admitted.values()) == {quota}
    assert len(admitted) == count


def test_a_refused_request_leaves_no_trace() -> None:
    """New devices of a network past its limit begin no window, and a voter past theirs neither."""
    rates = Rates(voter_per_minute=2, network_per_minute=4)
    for _ in range(3):
        rates.count(VOTER, NETWORK, 0.0)
    for _ in range(2):
        rates.count(new_device(), NETWORK, 0.0)
    before = rates.windows

    for _ in range(20_000):
        assert rates.count(new_device(), NETWORK, 1.0).exceeded
        assert rates.count(VOTER, b"\x01\x02\x03", 1.0).name == "voter"
        assert rates.count_reader(b"\x01\x02\x03", 1.0, cost=13).exceeded
    assert rates.windows == before


def test_a_crowd_of_new_networks_and_devices_frees_nobody() -> None:
    """A minute at 10,000 a second from as many networks: heavy ones stay refused."""
    rates = Rates(voter_per_minute=3, network_per_minute=5)
    for _ in range(3):
        rates.count(VOTER, b"", 0.0)
    for _ in range(5):
        rates.count(new_device(), NETWORK, 0.0)
    for number in range(600_000):
        rates.count(new_device(), number.to_bytes(6, "big"), number / 10_001)
        if not number % 1_000:
            assert rates.count(VOTER, b"", number / 10_001).exceeded
            assert rates.count(new_device(), NETWORK, number / 10_001).exceeded


def test_a_crowd_of_new_devices_takes_nothing_from_who_votes() -> None:
    """While 600,000 devices ask once each, from a hundred networks, a thousand voters go on."""
    rates = Rates(voter_per_minute=120, network_per_minute=6_000)
    voters, chance = [new_device() for _ in range(1_000)], random.Random(1)
    refused = 0
    for number in range(600_000):
        now = number / 10_001
        rates.count(new_device(), bytes([7, 7, number % 100]), now)
        if not number % 10:
            voter = chance.choice(voters)
            refused += rates.count(voter, b"\x09\0" + voter[:1], now).exceeded

    assert refused == 0


def test_windows_take_the_same_memory_empty_and_full() -> None:
    """Filled with more voters and networks than there are windows, nothing grows."""
    rates = Rates(voter_per_minute=120, network_per_minute=6_000)
    names = [(number.to_bytes(16, "big"), (number // 4).to_bytes(6, "big"))
             for number in range(1_500_000)]
    for voter, network in names[:-50_000]:
        rates.count(voter, network, 1.0)
    with traced() as memory:
        for voter, network in names[-50_000:]:
            rates.count(voter, network, 1.0)

    assert rates.windows > 0.9 * (VOTER_CELLS + NETWORK_CELLS)
    assert memory.size_bytes < 50_000
    assert rates.size_bytes == CELLS_BYTES


def test_names_have_windows_of_their_own_until_all_cells_are_taken() -> None:
    """Then who comes counts with one that is there; who is there goes on as before."""
    cells = Cells(TRIES)
    names = [bytes([number]) for number in range(TRIES)]
    for count, name in enumerate(names, start=5):
        cell, used, rest = cells.look(name, 0.0)
        assert (used, rest) == (0, 0)
        cells.begin(cell, name, 0.0)
        cells.counts[cell] += count
    _, used, rest = cells.look(b"another", 10.0)

    assert rest == 50.0
    assert used in range(5, 5 + TRIES)
    assert [cells.look(name, 10.0)[1] for name in names] == [*range(5, 5 + TRIES)]
    assert cells.look(b"another", 60.0)[1:] == (0, 0)


def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    """Windows that would end in an hour have ended."""
    rates = Rates(voter_per_minute=1, network_per_minute=1)
    assert not rates.count(VOTER, NETWORK, 3_600.0).exceeded
    assert rates.count(VOTER, NETWORK, 3_601.0).exceeded

    assert not rates.count(VOTER, NETWORK, 0.0).exceeded
    assert rates.count(VOTER, NETWORK, 1.0).exceeded


def test_the_scarcer_limit_is_told() -> None:
    """Of voter and network the answer names the one with less left."""
    rates = Rates(voter_per_minute=10, network_per_minute=3)

    names = [rates.count(bytes([n]) * 16, NETWORK, 0.0).name for n in range(3)]
    last = rates.count(b"x" * 16, NETWORK, 0.0)

    assert names == ["network"] * 3
    assert (last.name, last.exceeded) == ("network", True)
    assert headers_of(last)[b"retry-after"] == b"61"


def test_what_a_voter_asks_for_too_much_takes_nothing_from_the_network() -> None:
    """One device past its own limit leaves its neighbours theirs."""
    rates = Rates(voter_per_minute=2, network_per_minute=5)
    for _ in range(50):
        rates.count(VOTER, NETWORK, 0.0)

    assert [rates.count(bytes([n]) * 16, NETWORK, 0.0).exceeded for n in range(1, 5)] == [
        False, False, False, True]


def test_what_is_read_has_windows_of_its_own() -> None:
    """Votes, pages and the booth's pages of a network take nothing from each other."""
    rates = Rates(voter_per_minute=9, network_per_minute=1, readers_per_minute=2)
    for kind in ("readers", "booth"):
        assert [rates.count_reader(NETWORK, 0.0, kind=kind).exceeded for _ in range(3)] == [
            False, False, True]

    assert [rates.count(VOTER, NETWORK, 0.0).exceeded for _ in range(2)] == [False, True]


@pytest.mark.parametrize(("quota", "gateways", "each"), [
    (6_000, 1, 6_000), (6_000, 4, 1_500), (7, 2, 4), (1, 3, 1)])
def test_gateways_divide_what_a_network_may_ask_for(quota: int, gateways: int, each: int) -> None:
    """Each allows its part, rounded up; a voter's limit is whole at each."""
    rates = Rates(voter_per_minute=9, network_per_minute=quota, gateways=gateways)
    admitted = sum(not rates.count(new_device(), NETWORK, 0.0).exceeded for _ in range(quota + 1))

    assert admitted == each
    assert rates.count(VOTER, b"", 0.0).quota == 9
    assert rates.count_reader(NETWORK, 0.0).quota == -(-3 * quota // gateways)


def test_requests_without_a_cookie_take_nothing_from_those_with_one() -> None:
    """They have a window of their own; a quarter of it is a crowd, in another network none."""
    rates = Rates(voter_per_minute=1_000_000, network_per_minute=400)
    crowds = []
    for number in range(500):
        counted = rates.count(number.to_bytes(16, "big"), cookieless(b"\1\2\3"), 1_000.0)
        crowds.append(rates.is_crowd(b"\1\2\3", 1_000.0))
        assert counted.exceeded == (number >= 400)

    assert crowds == [False] * 100 + [True] * 400
    assert not rates.is_crowd(b"\1\2\4", 1_000.0)
    assert not rates.is_crowd(b"\1\2\3", 1_061.0)
    assert not rates.count(bytes(16), b"\1\2\3", 1_000.0).exceeded
