"""What a browser keeps of its votes: what the ledger decided, for this device alone, bounded."""

import hmac
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import decode
from processors.ledger import Ledger
from schemas.words import CHOICES
from tests.processors import logs
from views.voting import paper
from views.voting.desk import Recorded
from views.voting.forms import WITHDRAW, intention
from views.voting.paper import PAPER_CHARACTERS, Paper, qualifications_of


KEY = "k" * 16
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


def pressed(
    held: Paper, ledger: Ledger, offset: int, click: tuple[str, int, bool]
) -> dict[str, Any]:
    """Press a button: mark it on the paper, and let the ledger decide; give what changed."""
    proposal, number, trusted = click
    words = offered(held, proposal)
    act, _, button, _ = intention(
        {"act": words[number % len(words)], "key": KEY, "proposal": proposal})
    fields: dict[str, Any] = {"proposal": proposal, "event_id": logs.identifier(offset),
                              "trust": "trusted" if trusted else "suspect"}
    if act.event == "VoteCast":
        fields["choice"] = act.word
    elif act.event != "VoteWithdrawn":
        fields["qualification"] = act.word
    held.mark(act, button, Recorded(logs.PARTITION, offset, trusted))
    value = ledger.decide(offset, logs.ballot(act.event, **fields))
    assert value is not None
    decided = decode(value).described()
    mark = held.marks[proposal]
    assert bool(mark.unproven) == (decided["outcome"] == "refused")
    return {change["proposal"]: change["after"] for change in decided["changes"]}


@logs.property_test
@given(clicks)
def test_the_paper_says_what_the_ledger_decided(drawn: list[tuple[str, int, bool]]) -> None:
    """Whatever buttons a voter presses, the marks are the voter's standing, also when read back."""
    ledger, held = Ledger(logs.PARTITION, logs.PARTITIONS), Paper()
    ledger.decide(0, logs.adopted())
    standing: dict[str, Any] = {}
    for offset, click in enumerate(drawn, 1):
        standing |= pressed(held, ledger, offset, click)
    again = paper.read(held.written(seal), seal)

    assert again == held
    assert {name: (mark.choice, mark.qualifications, mark.trusted)
            for name, mark in again.marks.items() if mark.choice} == {
        name: (after["choice"], set(after["qualifications"]), after["trust"] == "trusted")
        for name, after in standing.items() if after}


def test_nobody_else_can_write_a_paper() -> None:
    """A paper of another device, a changed or cut one, or none at all is an empty one."""
    held = Paper(["p1"], voted=1)
    held.cast("p1", "agree", 7, trusted=True)
    text = held.written(seal)
    for forged in (held.written(other_seal), text[:-4], "A" + text[1:], "", None, "é", "="):
        assert paper.read(forged, seal) == Paper()


def test_a_paper_fits_into_a_cookie_and_keeps_the_latest() -> None:
    """However many votes, with the longest names: some hundred stay, and the count of all."""
    held = Paper([f"p{number:062}" for number in range(12)])
    for number in range(2_000):
        held.cast(f"{number * 2_654_435_761 % 2**32:x}", "agree", 10**9 + number, trusted=True)
    text = held.written(seal)
    again = paper.read(text, seal)

    assert len(text) <= PAPER_CHARACTERS
    assert list(again.marks)[-1] == list(held.marks)[-1]
    assert len(again.marks) >= 80
    assert again.voted == 2_000
    assert again.sequence == held.sequence
