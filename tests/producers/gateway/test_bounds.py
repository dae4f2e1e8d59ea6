"""What a gateway remembers is bounded, and forgetting favours the voter."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import memory as memories
from producers.gateway.memory import (
    CHOICES_BYTES,
    CHOICES_REMEMBERED,
    SEQUENCE_BYTES,
    SEQUENCES_REMEMBERED,
    Memory,
)
from schemas.words import CHOICES
from tests.memory import traced


FEW_BYTES = 1 << 20
FEW_SEQUENCES = 10_000
NAMES = tuple(f"p{number}" for number in range(CHOICES_REMEMBERED))
NAMES_BYTES = 256 * len(NAMES)
"""What the names of so many proposals take, which are the catalogue's."""
WORDS = (None, *CHOICES)
VOTER = bytes(16)


def test_sequences_are_forgotten_in_the_order_they_came() -> None:
    """Within the bound a sequence comes back once, past it it is as new."""
    memory = Memory(sequences=2)

    assert [memory.note(each) for each in (b"1", b"1", b"2", b"3", b"1", b"3")] == [
        True, False, True, True, True, False]


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


def test_a_sequence_that_was_not_written_may_come_again() -> None:
    """Forgotten, it is as new; others stay."""
    memory = Memory()
    assert memory.note(b"one")
    assert memory.note(b"other")
    memory.forget(b"one")

    assert memory.note(b"one")
    assert not memory.note(b"other")


def taken_by(fill: Callable[[], object]) -> int:
    """Count the bytes of what is made and kept."""
    with traced() as memory:
        kept = fill()
    assert kept is not None
    return memory.size_bytes


def test_the_choices_of_all_voters_are_bounded_in_bytes() -> None:
    """However many voters vote on however much: whoever acted longest ago goes."""
    def fill() -> Memory:
        memory = Memory(choices_bytes=FEW_BYTES)
        for number in range(600):
            voter = number.to_bytes(16, "big")
            for name in NAMES:
                memory.choose(voter, name[:1] + name[1:], "agree", trusted=False)
        assert memory.history(voter) == sorted(NAMES)
        assert memory.choices_bytes <= FEW_BYTES
        assert not memory.remembers(bytes(16))
        return memory

    assert taken_by(fill) <= FEW_BYTES + NAMES_BYTES
    assert CHOICES_BYTES <= 64 << 20


def test_voters_of_one_choice_each_are_bounded_in_bytes() -> None:
    """Many small rows take no more than is counted for them."""
    def fill() -> Memory:
        memory = Memory(choices_bytes=FEW_BYTES)
        for number in range(10_000):
            memory.choose(number.to_bytes(16, "big"), "p1", "agree", trusted=True)
        return memory

    assert taken_by(fill) <= FEW_BYTES


def test_sequences_are_bounded_in_bytes() -> None:
    """Each takes what is said at most."""
    def fill() -> Memory:
        memory = Memory(sequences=FEW_SEQUENCES)
        for number in range(3 * FEW_SEQUENCES):
            memory.note(number.to_bytes(16, "big"))
        return memory

    assert taken_by(fill) <= FEW_SEQUENCES * SEQUENCE_BYTES
    assert SEQUENCES_REMEMBERED * SEQUENCE_BYTES <= 64 << 20


@given(acts=st.lists(st.tuples(
    st.sampled_from((b"a" * 16, b"b" * 16)), st.integers(0, 20_000), st.sampled_from(WORDS),
    st.booleans()), max_size=60))
def test_choices_are_remembered_as_a_dictionary_would(
    acts: list[tuple[bytes, int, str | None, bool]],
) -> None:
    """Whatever numbers the proposals have and in whatever order they come."""
    memory = Memory()
    for number in range(20_000):
        memory.choose(b"c" * 16, f"p{number}", "neutral", trusted=True)
    known: dict[tuple[bytes, str], tuple[str | None, bool]] = {}
    for voter, number, word, trusted in acts:
        name = f"p{number}"
        if number % 5 == 0:  # Nobody knows what became of it.
            memory.forget_choice(voter, name)
            known.pop((voter, name), None)
            continue
        memory.choose(voter, name, word, trusted=trusted)
        choice, proven = known.get((voter, name), (None, False))
        if trusted or not proven or choice is None:
            known[voter, name] = word, trusted
    for voter in (b"a" * 16, b"b" * 16):
        mine = {name: word for (whose, name), (word, _) in known.items() if whose == voter}

        assert memory.remembers(voter) >= bool(mine)
        assert memory.history(voter) == sorted(mine)
        assert {name: memory.choice(voter, name) for name in mine} == mine


def test_proposals_that_are_told_apart_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is not remembered, and nothing else is lost."""
    monkeypatch.setattr(memories, "NAMES_REMEMBERED", 2)
    memory = Memory()
    for name in ("p1", "p2", "p3"):
        memory.choose(VOTER, name, "agree", trusted=True)

    assert memory.history(VOTER) == ["p1", "p2"]
    assert memory.choice(VOTER, "p3") is None
