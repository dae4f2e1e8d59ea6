"""However members freeze, die and come back, at most one of them is taken at any place of a log."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.leases import (
    NO_TERM,
    NOBODY,
    TERM,
    Lease,
    Standing,
    Terms,
    chosen,
    headers,
    term_in,
    term_of,
)


MEMBERS = 2
ACTIONS = ("balance", "freeze", "evict", "thaw", "claim", "take", "write", "land")


@dataclass
class Member:
    """A process that wants to publish: it acts by what it knows."""

    name: str
    lease: Lease = field(default_factory=Lease)
    told: list[tuple[int, bool]] = field(default_factory=list)
    """What the group has said, and it has not heard: it was frozen."""
    frozen: bool = False
    claimed: int = 0
    """The turn in which it claimed..."""
    term: int = NO_TERM
    """... and the term that began."""
    sent: list[tuple[str, int]] = field(default_factory=list)
    """On the way to the log: a claim of a turn, or a publication of a term."""
    next_offset: int = NOBODY

    def hear(self) -> None:
        """Learn what the group has agreed on meanwhile."""
        if not self.frozen:
            for generation, holds in self.told:
                self.lease.assigned(generation, holds=holds)
            self.told.clear()

    @property
    def leads(self) -> bool:
        """Whether it believes that it may publish."""
        return self.lease.holds and self.claimed == self.lease.turn and self.term != NO_TERM


class World:
    """A group, its members, and the log that they write to."""

    def __init__(self) -> None:
        self.members = [Member(str(number)) for number in range(MEMBERS)]
        self.generation = 0
        self.holder: Member | None = None
        self.log: list[tuple[str, Member, int]] = []
        """Claim or publication, whose, and its term."""

    def act(self, action: str, number: int) -> None:
        """Have something happen to a member, or to all."""
        getattr(self, f"_{action}")(self.members[number])

    def _balance(self, _member: Member) -> None:
        """Whoever is not frozen joins, and is told; the others are thrown out."""
        joining = [each for each in self.members if not each.frozen]
        if not joining:
            return
        self.generation += 1
        for each in joining:
            each.hear()
        name = chosen({each.name: each.lease.standing(ready=each.leads).encoded()
                       for each in joining})
        for each in self.members:
            each.told.append((self.generation, each.name == name))
            if each.frozen:  # It will hear of being thrown out alone, and join later.
                each.told[-1] = (NOBODY, False)
        self.holder = next(each for each in joining if each.name == name)
        for each in joining:
            each.hear()

    def _evict(self, member: Member) -> None:
        """A member freezes until its session ends: the group goes on without it."""
        member.frozen = True
        self._balance(member)

    def _freeze(self, member: Member) -> None:
        member.frozen = True

    def _thaw(self, member: Member) -> None:
        """It goes on with what it was about to do, before it hears anything."""
        member.frozen = False

    def _claim(self, member: Member) -> None:
        if not member.frozen and member.lease.holds and member.claimed != member.lease.turn:
            member.claimed, member.term = member.lease.turn, NO_TERM
            member.sent.append(("claim", member.claimed))

    def _take(self, member: Member) -> None:
        """Claim, and have the broker take it at once."""
        self._claim(member)
        self._land(member)

    def _write(self, member: Member) -> None:
        if not member.frozen and member.leads and not member.sent:
            member.sent.append(("publication", member.term))

    def _land(self, member: Member) -> None:
        """The broker takes what was sent first, whenever that was, and the member hears of it."""
        if not member.sent or member.frozen:
            member.hear()
            return
        kind, said = member.sent.pop(0)
        offset = len(self.log)
        term = term_of(offset) if kind == "claim" else said
        self.log.append((kind, member, term))
        if kind == "claim" and said == member.claimed:
            member.term = term
        elif kind == "publication" and offset != member.next_offset:
            member.lease.interrupted()
        member.next_offset = offset + 1
        member.hear()


LATE = [("balance", 0), ("take", 1), ("write", 1), ("evict", 1), ("take", 0), ("thaw", 1),
        ("land", 1)]
"""The holder (of two alike the last one) wakes with a publication in its hands."""

histories = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, MEMBERS - 1)), max_size=120)


def taken(log: list[tuple[str, Member, int]]) -> list[tuple[int, Member, int]]:
    """Read a log: which publications count, at which offset, whose, of which term."""
    terms, found = Terms(), []
    for offset, (kind, member, term) in enumerate(log):
        if kind == "claim":
            terms.claimed(offset)
        elif terms.takes(term_in(headers(term), offset)):
            found.append((offset, member, term))
    return found


@given(histories)
@example(LATE)
@settings(max_examples=500)
def test_at_most_one_is_taken_between_two_claims(history: list[tuple[str, int]]) -> None:
    """Of every publication that counts the newest claim before it is its writer's own."""
    world = World()
    for action, number in history:
        world.act(action, number)
    for offset, member, term in taken(world.log):
        claims = [(at, whose) for at, (kind, whose, _) in enumerate(world.log[:offset])
                  if kind == "claim"]

        assert claims[-1] == (term - 1, member)


@given(histories)
@settings(max_examples=500)
def test_once_all_is_quiet_the_holder_is_taken(history: list[tuple[str, int]]) -> None:
    """Whatever claims came late: all thaw, and after two attempts what the holder writes counts."""
    world = World()
    for action, number in [*history, *(("thaw", number) for number in range(MEMBERS))]:
        world.act(action, number)
    for member in world.members:
        while member.sent:
            world.act("land", int(member.name))
    world.act("balance", 0)
    for member in world.members:
        member.hear()
    holder = world.holder
    assert holder is not None
    for _ in range(2):
        for action in ("claim", "land", "write", "land"):
            world.act(action, int(holder.name))

    assert taken(world.log)[-1][:2] == (len(world.log) - 1, holder)


@given(histories)
def test_a_new_reader_of_a_compacted_log_takes_nothing_more(history: list[tuple[str, int]]) -> None:
    """Of claims the last one alone is left: what counts then of the records behind it is the same.
    """
    world = World()
    for action, number in history:
        world.act(action, number)
    last = max((at for at, (kind, *_) in enumerate(world.log) if kind == "claim"), default=-1)
    whole = [found for found in taken(world.log) if found[0] > last]
    terms: Any = Terms()
    if last >= 0:
        terms.claimed(last)

    assert whole == [(at, member, term) for at, (_, member, term) in enumerate(world.log)
                     if at > last and terms.takes(term)]


def test_a_turn_goes_on_while_every_generation_is_held_and_only_then() -> None:
    """A newcomer moves the generation by one and breaks nothing; a missed generation does."""
    lease = Lease()
    turns = []
    for generation, holds in ((3, True), (4, True), (6, True), (7, False), (8, True)):
        lease.assigned(generation, holds=holds)
        turns.append(lease.turn)
    lease.lost()
    lease.assigned(9, holds=True)

    assert [*turns, lease.turn] == [1, 1, 2, 2, 3, 4]


def test_who_holds_the_lease_keeps_it_and_who_is_ready_is_given_it() -> None:
    """A newcomer takes nothing from anybody; who cannot be understood comes last."""
    holder, ready, newcomer = Standing(4, ready=False), Standing(NOBODY, ready=True), Standing(
        NOBODY, ready=False)

    assert chosen({"a": holder.encoded(), "b": ready.encoded(), "c": newcomer.encoded()}) == "a"
    assert chosen({"b": ready.encoded(), "c": newcomer.encoded()}) == "b"
    assert chosen({"a": Standing(3, ready=True).encoded(), "b": holder.encoded()}) == "b"
    assert chosen({"a": b"\xff", "b": newcomer.encoded(), "": b""}) == "b"


@pytest.mark.parametrize("term", [NO_TERM, 1, 1 << 40])
def test_a_term_in_headers_reads_as_it_was_written(term: int) -> None:
    """Records of before there were leases have none."""
    assert term_in([("vector", b"1,2"), *headers(term)], 1 << 40) == term


@pytest.mark.parametrize("said", [
    b"8", b"%d" % (1 << 62), b"9" * 5_000, b"-1", b"", None, b" 7", b"7_0", b"later"])
def test_a_term_that_cannot_be_ends_nobodys(said: bytes | None) -> None:
    """Its claim would lie behind it, or it is none: the record is passed by, and the holder's
    next one counts as before.
    """
    terms = Terms()
    terms.claimed(3)

    assert not terms.takes(term_in([(TERM, said)], 7))
    assert terms.takes(term_in(headers(term_of(3)), 8))
