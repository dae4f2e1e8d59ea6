"""What a gateway remembers is bounded, and forgetting favours the voter."""

from hypothesis import given
from hypothesis import strategies as st

from producers.gateway.memory import CHOICES_REMEMBERED, Memory
from producers.gateway.rates import Rates, headers_of


VOTER, NETWORK = bytes(16), b"\x7f\0\0"


@given(gaps=st.lists(st.floats(0, 20), max_size=60), quota=st.integers(1, 5))
def test_no_window_takes_more_than_its_quota(gaps: list[float], quota: int) -> None:
    """In the minute after a window began a voter has at most the quota; then a new one begins."""
    rates = Rates(voter_per_minute=quota, network_per_minute=1_000)
    now, began, taken = 0.0, 0.0, 0
    for gap in [0.0, *gaps]:
        now += gap
        if now >= began + 60 or not taken:
            began, taken = now, 0
        rate = rates.count(VOTER, b"", now)
        taken += 1

        assert rate.exceeded == (taken > quota)
        assert 1 <= rate.reset_seconds <= 61


def test_the_scarcer_limit_is_told() -> None:
    """Of voter and network the answer names the one with less left."""
    rates = Rates(voter_per_minute=10, network_per_minute=3)

    names = [rates.count(bytes([n]) * 16, NETWORK, 0.0).name for n in range(3)]
    last = rates.count(b"x" * 16, NETWORK, 0.0)

    assert names == ["network"] * 3
    assert (last.name, last.exceeded) == ("network", True)
    assert headers_of(last)[b"retry-after"] == b"61"


def test_windows_are_forgotten_in_the_order_they_began() -> None:
    """Past the bound the oldest window goes: its voter begins anew, the others do not."""
    rates = Rates(voter_per_minute=1, network_per_minute=1, windows=2)
    for voter in (b"a" * 16, b"b" * 16, b"c" * 16):
        assert not rates.count(voter, b"", 0.0).exceeded

    assert rates.count(b"c" * 16, b"", 1.0).exceeded
    assert rates.count(b"b" * 16, b"", 1.0).exceeded
    assert not rates.count(b"a" * 16, b"", 1.0).exceeded


def test_windows_that_ended_are_not_kept() -> None:
    """After a busy minute each window that begins lets two ended ones go: memory is given back."""
    rates = Rates(voter_per_minute=1, network_per_minute=1)
    for voter in range(50):
        rates.count(bytes([voter]) * 16, b"", 0.0)
    for voter in range(50, 100):
        rates.count(bytes([voter]) * 16, b"", 61.0)

    assert rates.windows == 50


def test_keys_are_forgotten_in_the_order_they_came() -> None:
    """Within the bound another content is noticed, past it the key is as new."""
    memory = Memory(keys=2)

    assert memory.same_content(b"1", b"x")
    assert memory.same_content(b"1", b"x")
    assert not memory.same_content(b"1", b"y")
    assert memory.same_content(b"2", b"x")
    assert memory.same_content(b"3", b"x")
    assert memory.same_content(b"1", b"y")
    assert not memory.same_content(b"3", b"y")


def test_the_voter_who_acted_longest_ago_is_forgotten_first() -> None:
    """An act keeps its voter remembered."""
    memory = Memory(voters=2)
    for voter in (b"a", b"b", b"a", b"c"):
        memory.choose(voter, "p", "agree", trusted=True)

    assert [memory.choice(voter, "p") for voter in (b"a", b"b", b"c")] == ["agree", None, "agree"]


def test_the_choices_of_one_voter_are_bounded() -> None:
    """Past the bound no further proposal is remembered, and known ones are kept up to date."""
    memory = Memory()
    for number in range(CHOICES_REMEMBERED + 5):
        memory.choose(b"a", f"p{number}", "agree", trusted=True)
    memory.choose(b"a", "p0", None, trusted=True)

    assert len(memory.history(b"a")) == CHOICES_REMEMBERED
    assert memory.choice(b"a", "p0") is None


def test_what_a_voter_asks_for_too_much_takes_nothing_from_the_network() -> None:
    """One device past its own limit leaves its neighbours theirs."""
    rates = Rates(voter_per_minute=2, network_per_minute=5)
    for _ in range(50):
        rates.count(VOTER, NETWORK, 0.0)

    assert [rates.count(bytes([n]) * 16, NETWORK, 0.0).exceeded for n in range(1, 5)] == [
        False, False, False, True]


def test_a_key_whose_event_was_not_written_is_free_again() -> None:
    """Forgotten, a key may come with something else; what others came with stays."""
    memory = Memory()
    assert memory.same_content(b"one", b"a")
    assert memory.same_content(b"other", b"b")
    memory.forget_content(b"one")

    assert not memory.holds_content(b"one")
    assert memory.same_content(b"one", b"c")
    assert not memory.same_content(b"other", b"c")
