"""What a voter is told of themselves follows from judgements, and from what people decided."""

from typing import Any

import pytest

from processors.guard import aside
from processors.guard.aside import SetAside
from schemas import codec
from schemas.corrections import FINDING_CONFIRMED, FINDING_DISMISSED
from schemas.finding_acts import Acts


VOTERS = [bytes([number]) * 16 for number in range(3)]
FINDING = b"finding".ljust(16)


def judgement(number: int = 1, *, mode: str = "report", **of: Any) -> bytes:
    """Encode a judgement with one finding, about all voters."""
    finding = {"finding": FINDING, "rule": 1, "version": 1, "mode": mode, "consultation": "town",
               "day": 0, "proposal": "p1", "choice": "agree", "marks": [], "numbers": [],
               "voters": VOTERS, **of}
    return codec.encode(
        "PatrolJudged", number=number, judged_at=0, log_time=0, votes=[-1], networks=-1,
        catalogue=-1, rules=[], findings=[finding], left=0, voters=3, sample=0,
        votes_digest=bytes(32), networks_digest=bytes(32))


def acts(*events: str, **of: Any) -> Acts:
    """Take acts on the finding, each by one person for little."""
    found = Acts()
    for number, event in enumerate(events):
        found.take(event, {
            "event_id": bytes([number]) * 16, "consultation": "town", "finding": FINDING,
            "occurred_at": 0, "by": bytes(8), "second": None, "reason": "", "judgement": 1,
            "voters": 3, "votes": 0, "of": 10_000, "marked_only": False,
            "follows": found.newest("town", FINDING), **of})
    return found


@pytest.mark.parametrize(("said", "decided", "answered", "told"), [
    ({}, acts(), (), False),
    ({"mode": "set_aside"}, acts(), (), False),
    ({"mode": "set_aside", "marks": [1]}, acts(), (), True),
    ({"mode": "set_aside", "marks": [1]}, acts(FINDING_DISMISSED), (), False),
    ({"mode": "set_aside", "marks": [1]}, acts(), (1,), False),
    ({}, acts(FINDING_CONFIRMED), (), True),
    ({}, acts(FINDING_CONFIRMED, votes=101), (), False),
    ({}, acts(FINDING_CONFIRMED, marked_only=True), (), False),
    ({"marks": [1]}, acts(FINDING_CONFIRMED, marked_only=True), (), True),
    ({}, acts(FINDING_CONFIRMED, FINDING_DISMISSED), (), False),
])
def test_who_is_set_aside_is_told_by_which_rule(
    said: dict[str, Any], decided: Acts, answered: tuple[int, ...], *, told: bool
) -> None:
    """Only if the rule set them aside, or a person whose act holds; and until a person undid it."""
    found = SetAside()
    found.take(judgement(**said))
    found.take(b"a stray")
    named = [found.of(voter, "town", decided, frozenset(answered)) for voter in VOTERS]

    assert [each is not None and each.rule == 1 for each in named] == [told] * len(VOTERS)
    assert found.of(VOTERS[0], "other", decided, frozenset()) is None


def test_who_is_named_after_the_judgement_that_was_confirmed_is_not_covered() -> None:
    """A person confirms what they saw."""
    found = SetAside()
    found.take(judgement(1, voters=VOTERS[:1]))
    found.take(judgement(2, voters=VOTERS[1:]))

    assert [found.of(voter, "town", acts(FINDING_CONFIRMED), frozenset()) is not None
            for voter in VOTERS] == [True, False, False]


def test_only_so_many_voters_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was named first is forgotten first."""
    monkeypatch.setattr(aside, "VOTERS_MOST", 2)
    found = SetAside()
    found.take(judgement(mode="set_aside", marks=[1]))

    assert [found.of(voter, "town", acts(), frozenset()) is not None for voter in VOTERS] == [
        False, True, True]
