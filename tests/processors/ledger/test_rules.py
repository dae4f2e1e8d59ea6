"""The table of rules, entry by entry, against the rules told a second time."""

import itertools
from collections import Counter

import pytest

from processors.ledger.rules import COUNT, OUTCOME, REASON, Transition
from processors.ledger.rules_1 import TRANSITIONS, standing_still
from processors.ledger.standing import (
    ENCODED,
    KEPT_BITS,
    STANDINGS,
    SUSPECT,
    SUSPENDED,
    choice_of,
    fields,
    from_fields,
    qualifications_of,
    valid,
)
from schemas.words import CHOICES, COUNTS, KINDS, OUTCOMES, QUALIFICATIONS, REASONS, TRUSTS
from tests.processors.ledger.logs import PARTITION, PARTITIONS, identifier, voter
from tests.processors.ledger.naive import Fields, NaiveLedger, Vote


KEY = ("jeunes", voter(0))
SITUATIONS = [situation for situation in range(STANDINGS) if valid(situation)]
DETAILS = {
    "vote_cast": ("choice", CHOICES), "vote_withdrawn": (None, ("",)),
    "qualification_added": ("qualification", QUALIFICATIONS),
    "qualification_withdrawn": ("qualification", QUALIFICATIONS),
}


def naive_in(situation: int) -> NaiveLedger:
    """Put the naive ledger into a situation."""
    naive = NaiveLedger(PARTITION, PARTITIONS)
    naive.cast[KEY[0], "p1"], naive.gone[KEY[0], "p1"] = Counter(), Counter()
    if situation & SUSPENDED:
        naive.suspended.add(KEY)
    if situation & 3:
        held = {QUALIFICATIONS[index] for index in qualifications_of(situation)}
        trust = "suspect" if situation & SUSPECT else "trusted"
        naive.votes[KEY] = {"p1": Vote(CHOICES[choice_of(situation)], trust, held)}
    return naive


def told(found: Transition, situation: int) -> tuple[str, str, str, Fields | None, dict[str, int]]:
    """Return kind, outcome, reason, standing after and moved counts of a transition."""
    kind, outcome, reason = (code // 2 for code in found.codes[:3])
    deltas = {COUNTS[index]: delta for index, delta in found.deltas}
    after = found.after[0] | situation & SUSPENDED if found.after[0] & 3 else 0
    return KINDS[kind], OUTCOMES[outcome], REASONS[reason], fields(after), deltas


def test_there_are_as_many_situations_as_the_words_allow() -> None:
    """Three choices, eight sets of qualifications, two trusts, suspended or not; or no vote."""
    assert len(SITUATIONS) == 3 * 8 * 2 * 2 + 2


@pytest.mark.parametrize("kind", DETAILS)
def test_every_transition_equals_the_naive_rules(kind: str) -> None:
    """In every situation every event does what the naive rules do, and moves the same counts."""
    name, details = DETAILS[kind]
    for situation, detail, suspect in itertools.product(
            SITUATIONS, range(len(details)), (False, True)):
        naive = naive_in(situation)
        before, stood = naive.recount()[KEY[0], "p1"], naive.standing(KEY, "p1")
        event = {"event_id": identifier(1), "consultation": KEY[0], "voter": KEY[1],
                 "proposal": "p1", "trust": TRUSTS[suspect]}
        if name:
            event[name] = details[detail]
        (outcome, reason), [change] = naive._ballot(kind, event)
        after = naive.recount()[KEY[0], "p1"]
        after.subtract(before)
        moved = {count: delta for count, delta in after.items() if delta}
        found = Transition(*TRANSITIONS[KINDS.index(kind)][detail][suspect][situation])
        tail = ENCODED[situation if situation & 3 else 0]

        assert (kind, outcome, reason, change["after"], moved) == told(found, situation)
        assert stood == change["before"] == fields(situation)
        assert found.tail.startswith(tail)
        assert found.live_delta == bool(change["after"]) - bool(change["before"])
        assert found.counted_delta == counts(change["after"]) - counts(change["before"])


def counts(standing: Fields | None) -> bool:
    """Whether a standing counts."""
    return standing is not None and standing["set_aside"] is None


@pytest.mark.parametrize(("outcome", "reason", "remembered"), [
    ("repeated", "none", False), ("late", "none", False), ("refused", "too_many", True),
    ("refused", "misplaced", False)])
def test_an_event_without_effect_changes_no_standing(
    outcome: str, reason: str, remembered: bool  # noqa: FBT001 -- a column of the table above
) -> None:
    """Repeated, late and refused votes leave the standing; only counts of deliveries move."""
    for situation in SITUATIONS:
        found = Transition(*standing_still(KINDS.index("vote_cast"), outcome, situation, reason))
        count = outcome if reason == "none" else f"refused_{reason}"

        assert dict(found.deltas) == {COUNT["received"]: 1, COUNT[count]: 1}
        assert found.codes == bytes((2, 2 * OUTCOME[outcome], 2 * REASON[reason], 2))
        assert found.after[0] == (situation & KEPT_BITS if situation & 3 else 0)
        assert (found.remembered, found.live_delta, found.counted_delta) == (remembered, 0, 0)


def test_standings_pack_and_unpack() -> None:
    """Every standing becomes the fields of its record and back."""
    for situation in SITUATIONS:
        assert from_fields(fields(situation)) == (situation if situation & 3 else 0)
