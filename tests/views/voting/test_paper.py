"""What a browser keeps of its votes: what the ledger decided, for this device alone, bounded."""

import base64
import functools
import hashlib
import hmac
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.registry import current
from schemas.words import CHOICES, QUALIFICATIONS, SHOWN
from tests.processors.ledger import logs
from views.voting import folded
from views.voting.desk import Act, Recorded
from views.voting.folded import BUTTONS, PAPER_CHARACTERS, WHOLE_LEAST
from views.voting.forms import WITHDRAW, intention
from views.voting.paper import DONE_BYTES, Mark, Paper, qualifications_of
from views.voting.roll import Roll


KEY = "k" * 16
ROLL = Roll(logs.PROPOSALS)
NAMES = [f"{number:08x}-5717-4562-b3fc-2c963f66afa6" for number in range(200)]
mark_of = functools.partial(Mark, trusted=True)
clicks = st.lists(
    st.tuples(st.sampled_from(logs.PROPOSALS), st.integers(0, 99), st.booleans()), max_size=30)
"""Which proposal, which of its buttons, and whether the page still held a good proof."""


def seal(content: bytes) -> bytes:
    return hmac.digest(b"device", content, "sha256")[:16]


def other_seal(content: bytes) -> bytes:
    return hmac.digest(b"another", content, "sha256")[:16]


def offered(held: Paper, proposal: str) -> list[str]:
    """List what the buttons below a proposal say."""
    mark = held.marks.get(proposal)
    if mark is None or mark.choice is None:
        return list(CHOICES)
    return [*CHOICES, WITHDRAW, *(
        ("-" if word in mark.qualifications else "+") + word
        for word in qualifications_of(mark.choice))]


def written(rules: int, event: str, **fields: Any) -> bytes:
    """Write an event of the ballot box as it is written under announced rules."""
    _, every = codec.decode(logs.ballot(event, **fields))
    return codec.encode_as(current(event, rules), **every)


class Booth:
    """A voter's paper, and the ledger that decides what it says."""

    def __init__(self, rules: int) -> None:
        self.held, self.rules, self.standing = Paper(), rules, dict[str, Any]()
        self._ledger, self._offset = Ledger(logs.PARTITION, logs.PARTITIONS), 0
        _, adopted = codec.decode(logs.adopted())
        self._ledger.decide(0, codec.encode_as(
            current("RulesAdopted", rules), **{**adopted, "ledger_version": rules}))

    def press(self, click: tuple[str, int, bool]) -> None:
        """Press a button, as the booth's pages do: what a vote loses is sent again with it."""
        proposal, number, trusted = click
        words = offered(self.held, proposal)
        act, _, button, _ = intention(
            {"act": words[number % len(words)], "key": KEY, "proposal": proposal})
        done = Recorded(logs.PARTITION, self._offset + 1, trusted, self.rules)
        lost = self.held.lost_by(act, done)
        self._decide(act, button, trusted=trusted)
        for word in lost:
            self._decide(act._replace(event="QualificationAdded", word=word), f"+{word}",
                         trusted=trusted)

    def _decide(self, act: Act, button: str, *, trusted: bool) -> None:
        """Mark an act on the paper, and let the ledger decide it."""
        self._offset += 1
        fields: dict[str, Any] = {
            "proposal": act.proposal, "event_id": logs.identifier(self._offset),
            "trust": "trusted" if trusted else "suspect"}
        if act.event == "VoteCast":
            fields["choice"] = act.word
        elif act.event != "VoteWithdrawn":
            fields["qualification"] = act.word
        self.held.mark(act, button, Recorded(logs.PARTITION, self._offset, trusted, self.rules))
        value = self._ledger.decide(self._offset, written(self.rules, act.event, **fields))
        assert value is not None
        decided = decode(value).described()
        assert bool(self.held.marks[act.proposal].unproven) == (decided["outcome"] == "refused")
        self.standing |= {change["proposal"]: change["after"] for change in decided["changes"]}


@pytest.mark.parametrize("rules", [1, 2])
@logs.property_test
@given(drawn=clicks)
def test_the_paper_says_what_the_ledger_decided(
    rules: int, drawn: list[tuple[str, int, bool]]
) -> None:
    """Whatever buttons a voter presses, the marks are the voter's standing, also when read back."""
    booth = Booth(rules)
    for click in drawn:
        booth.press(click)
    again = folded.read(folded.written(booth.held, seal, ROLL), seal, ROLL)

    assert again == booth.held
    assert {name: (mark.choice, mark.qualifications, mark.trusted)
            for name, mark in again.marks.items() if mark.choice} == {
        name: (after["choice"], set(after["qualifications"]), after["trust"] == "trusted")
        for name, after in booth.standing.items() if after}


marks = st.builds(
    Mark, st.sampled_from([None, *CHOICES]), st.sets(st.sampled_from(QUALIFICATIONS)),
    st.sampled_from([None, *CHOICES]), st.booleans(), st.integers(-1, 2**40), st.just(-1),
    st.integers(1, 2**20), st.sampled_from(["", *BUTTONS]), st.sampled_from(SHOWN))


@logs.property_test
@given(st.lists(st.tuples(st.integers(0, 199), marks, st.integers(0, 2**40)), max_size=12),
       st.lists(st.integers(0, 199), max_size=12), st.integers(0, 2**20), st.integers(0, 1_023),
       st.booleans(), st.binary(min_size=DONE_BYTES, max_size=DONE_BYTES))
def test_a_paper_comes_back_as_it_was(
    drawn: list[tuple[int, Mark, int]], sequence: list[int], voted: int, partition: int,
    described: bool,  # noqa: FBT001 -- drawn by hypothesis
    done: bytes,
) -> None:
    """Whatever a mark holds, and written again without a change it is the same to the byte."""
    roll = Roll(NAMES)
    held = Paper([NAMES[place] for place in sequence], voted=voted, partition=partition,
                 described=described, done=done)
    for place, mark, later in drawn:
        mark.last = mark.cast + later
        held.marks[NAMES[place]] = mark
    text = folded.written(held, seal, roll)
    again = folded.read(text, seal, roll)

    assert again == held
    assert folded.written(again, seal, roll) == text


def test_nobody_else_can_write_a_paper() -> None:
    """A paper of another device, a changed or cut one, or none at all is an empty one."""
    held = Paper([logs.PROPOSALS[0]], voted=1)
    held.cast(logs.PROPOSALS[0], "agree", 7, trusted=True)
    text = folded.written(held, seal, ROLL)
    sealed_nothing = base64.urlsafe_b64encode(seal(b"")).decode()
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    code_bytes = len(seal(b""))
    as_before = base64.urlsafe_b64encode(raw[:code_bytes] + b"2" + raw[code_bytes:]).decode()
    for forged in (
            as_before, folded.written(held, other_seal, ROLL), text[:-4], "A" + text[1:], "", None,
            "é", "=", sealed_nothing):
        assert folded.read(forged, seal, ROLL) == Paper()


def test_a_paper_of_another_catalogue_is_an_empty_one() -> None:
    """Numbers name proposals of the catalogue they were written by, and of longer ones alone."""
    held = Paper(NAMES[:3], voted=1)
    held.cast(NAMES[5], "agree", 7, trusted=True)
    text = folded.written(held, seal, Roll(NAMES[:6]))

    assert folded.read(text, seal, Roll(NAMES)) == held
    assert folded.read(text, seal, Roll(["another", *NAMES])) == Paper()
    assert folded.read(text, seal, Roll([*NAMES[:5], "another"])) == Paper()


@pytest.mark.parametrize("tells_routes", [False, True])
def test_a_gateway_that_is_behind_forgets_nothing(*, tells_routes: bool) -> None:
    """What it does not know yet it hands on: marks, older ones, the sequence and routes come back.
    """
    held = Paper()
    held.serve(NAMES[:150:12], NAMES[150::7], tells_routes=tells_routes)
    for place, name in enumerate(NAMES[:180]):
        held.cast(name, "agree", 10**6 * place, trusted=True)
    whole = Roll(NAMES)
    text = folded.written(held, seal, whole)
    before = folded.read(text, seal, whole)
    behind = Roll(NAMES[:50])
    handed_on = folded.written(folded.read(text, seal, behind), seal, behind)

    assert folded.read(handed_on, seal, whole) == before
    assert before.older
    late = Roll(NAMES[:50])
    late.follow(NAMES, len(NAMES))
    assert folded.read(handed_on, seal, late) == before


def test_papers_of_before_are_read() -> None:
    """One of release 0.1.0, whose browser comes back: nothing of it is lost."""
    content = zlib.compress(
        b'[["p1","p2"],[["p1",0,3,2,1,70,2,4],["p2",-1,0,1,0,80,0,2,"withdraw"]],2,3,1]', 9)
    text = base64.urlsafe_b64encode(seal(content) + content).rstrip(b"=").decode()
    held = folded.read(text, seal, ROLL)

    assert held == Paper(["p1", "p2"], {
        "p1": Mark("agree", {"like_it", "doable"}, "neutral", trusted=True, cast=70, last=72,
                   acts=4),
        "p2": Mark(None, set(), "disagree", trusted=False, cast=80, last=80, acts=2,
                   unproven="withdraw"),
    }, voted=2, partition=3, described=True)
    roll = Roll(["p1", "p2"])
    assert folded.read(folded.written(held, seal, roll), seal, roll) == held


def shuffled(names: list[str]) -> list[str]:
    """In an order that is nobody's, always the same."""
    return sorted(names, key=lambda name: hashlib.md5(name.encode()).digest())


def voted_on(names: list[str], *, tells_routes: bool) -> Paper:
    """A paper after a vote with a qualification on each, some of them withdrawn."""
    held = Paper()
    for number, name in enumerate(names):
        choice, offset = CHOICES[number % 3], 10**9 + 4_000 * number
        ahead = [names[at] for at in range(number + 1, min(number + 12, len(names))) if at % 13]
        held.serve([name, *ahead], [name] if number % 13 == 0 else [], tells_routes=tells_routes)
        held.cast(name, choice, offset, trusted=number % 7 != 0)
        held.qualify(name, qualifications_of(choice)[number % 2], offset + 900, added=True)
        if number % 11 == 0:
            held.withdraw(name, offset + 1_900)
        held = folded.read(folded.written(held, seal, WIDE), seal, WIDE)
    return held


WIDE = Roll(f"{number * 2_654_435_761 % 2**32:08x}-5717-4562-b3fc-2c963f66afa6"
            for number in range(3_000))


@pytest.mark.parametrize("tells_routes", [False, True])
def test_of_five_hundred_votes_each_is_still_known(*, tells_routes: bool) -> None:
    """Choice, qualifications, trust, route of all; before and receipt of the latest some dozens."""
    names = shuffled([WIDE.name(place) for place in range(0, 3_000, 6)])
    held = voted_on(names, tells_routes=tells_routes)
    text = folded.written(held, seal, WIDE)
    every = held.every()

    assert len(text) <= PAPER_CHARACTERS
    assert (held.voted, set(every)) == (500, set(names))
    assert len([mark for mark in held.marks.values() if mark.last >= 10**9]) == len(
        held.marks) >= 40
    for number, name in enumerate(names):
        mark, choice = every[name], CHOICES[number % 3]
        assert (mark.trusted, mark.route) == (
            number % 7 != 0,
            "unknown" if not tells_routes else "served" if number % 13 else "asked")
        if number % 11:
            assert (mark.choice, mark.qualifications) == (
                choice, {qualifications_of(choice)[number % 2]})
        else:
            assert (mark.choice, mark.before) == (None, choice)


def test_a_paper_is_bounded_whatever_was_voted_on() -> None:
    """Of 20,000 votes many are forgotten, never the latest nor how many there were."""
    names = [f"p{number:062}" for number in range(20_000)]
    roll = Roll(names)
    held = Paper(names[:12], voted=len(names))
    held.older = {name: mark_of("agree", {"like_it"}, None, cast=-1, last=-1) for name in names}
    for number, name in enumerate(names[::1_000]):
        held.cast(name, "neutral", 10**12 + number, trusted=True)
    text = folded.written(held, seal, roll)
    again = folded.read(text, seal, roll)

    assert len(text) <= PAPER_CHARACTERS
    assert len(again.marks) >= WHOLE_LEAST
    assert list(again.marks)[-1] == list(held.marks)[-1]
    assert len(again.every()) > 1_000
    assert (again.voted, again.sequence) == (held.voted, held.sequence)


def test_an_act_on_an_older_vote_makes_it_whole_again() -> None:
    """Changed, withdrawn, qualified or refused: what is known of it goes on from there."""
    def older() -> Paper:
        return Paper(older={"a": mark_of("agree", {"like_it"}, None, cast=-1, last=-1)}, voted=5)

    held = older()
    held.cast("a", "neutral", 9, trusted=True)
    assert held.marks == {"a": mark_of("neutral", set(), "agree", cast=9, last=9, acts=2)}
    held = older()
    held.withdraw("a", 9)
    assert held.marks == {"a": mark_of(None, set(), "agree", cast=-1, last=9, acts=2)}
    held = older()
    held.qualify("a", "doable", 9, added=True)
    assert held.marks == {
        "a": mark_of("agree", {"like_it", "doable"}, None, cast=-1, last=9, acts=2)}
    held = older()
    assert held.refuse("a", "withdraw", 9)
    assert held.marks == {"a": mark_of(
        "agree", {"like_it"}, None, cast=-1, last=9, acts=2, unproven="withdraw")}
    assert (held.older, held.voted, held.last_cast()) == ({}, 5, None)


def test_a_page_from_before_adds_no_qualification_that_the_ledger_refuses() -> None:
    """Of the choice before, or of a vote withdrawn meanwhile; it is recorded, and not shown."""
    held = Paper(marks={
        "a": mark_of("disagree", set(), "agree", cast=1, last=1),
        "b": mark_of(None, set(), "agree", cast=1, last=1)})
    held.qualify("a", "like_it", 2, added=True)
    held.qualify("a", "no_way", 3, added=True)
    held.qualify("b", "like_it", 4, added=True)

    assert (held.marks["a"].qualifications, held.marks["b"].qualifications) == ({"no_way"}, set())
