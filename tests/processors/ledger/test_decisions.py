"""The straight-line bytes of decisions are those of the generic codec."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import decisions, standing
from processors.ledger.decisions import MAX_CHANGES, Change, Decision
from processors.ledger.ledger import DecisionsDisagree, Ledger
from schemas import codec
from schemas.words import KINDS, OUTCOMES, REASONS
from tests.processors.ledger.logs import property_test


STANDINGS = [packed for packed in range(standing.STANDINGS)
             if standing.valid(packed) and packed != standing.SUSPENDED]
identifiers = st.binary(min_size=16, max_size=16)
names = st.text(min_size=1, max_size=63).filter(lambda text: _size(text) <= 63)
kept = st.sampled_from(STANDINGS)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def decision_strategy(most_changes: int = 4) -> st.SearchStrategy[Decision]:
    """Give decisions of any kind."""
    writable = names.filter(lambda text: text.isprintable())
    return st.builds(
        Decision, st.none() | identifiers, st.none() | identifiers, identifiers,
        st.integers(0, len(KINDS) - 1), st.integers(0, len(OUTCOMES) - 1),
        st.integers(0, len(REASONS) - 1), st.integers(0, 2**31 - 1),
        st.one_of(st.integers(0, 40_000), st.integers(-2**63, 2**63 - 1)), st.none() | writable,
        st.lists(st.builds(Change, writable, kept, kept), max_size=most_changes).map(tuple),
    )


def ballot_strategy() -> st.SearchStrategy[Decision]:
    """Give decisions of one ballot event."""
    return st.builds(
        lambda decision, event_id, voter, kind, offset, consultation, change: decision._replace(
            event_id=event_id, voter=voter, kind=kind, source_offset=offset, ledger_version=1,
            consultation=consultation, changes=(change,)),
        decision_strategy(), identifiers, identifiers, st.integers(1, 4),
        st.integers(0, 2**40), st.text("aé-0", min_size=1, max_size=9),
        st.builds(Change, st.text("aé-0", min_size=1, max_size=9), kept, kept),
    )


def fields_of(decision: Decision) -> dict[str, Any]:
    """Give a decision as the fields of its event."""
    return {
        **decision._asdict(),
        "kind": KINDS[decision.kind], "outcome": OUTCOMES[decision.outcome],
        "reason": REASONS[decision.reason],
        "changes": [
            {"proposal": change.proposal, "before": standing.fields(change.before),
             "after": standing.fields(change.after)} for change in decision.changes],
    }


@given(decision=decision_strategy())
@property_test
def test_decisions_are_written_as_the_codec_writes_them(decision: Decision) -> None:
    """encode gives the codec's bytes, decode gives the decision back."""
    value = decisions.encode(decision)

    assert codec.encode("DecisionMade", **fields_of(decision)) == value
    assert decisions.decode(value) == decision
    assert decision.described()["changes"] == fields_of(decision)["changes"]


@given(decision=decision_strategy() | ballot_strategy(), data=st.data())
@property_test
def test_decisions_are_refused_where_the_codec_refuses_them(
    decision: Decision, data: st.DataObject
) -> None:
    """On mutated bytes decode accepts what the codec accepts, save standings no rule reaches."""
    value = bytearray(decisions.encode(decision))
    place = data.draw(st.integers(5, len(value) - 1))
    change = data.draw(st.sampled_from(("cut", "byte", "pad", "add")))
    if change == "cut":
        del value[place:]
    elif change == "byte":
        value[place] = data.draw(st.integers(0, 255))
    else:
        value[place:place] = data.draw(st.binary(min_size=1, max_size=12))
    expected = read(bytes(value))
    try:
        actual: Decision | None = decisions.decode(bytes(value))
    except codec.Undecodable:
        actual = None

    assert expected == actual


def read(value: bytes) -> Decision | None:
    """Read a decision through the codec; None where it is refused or no rule reaches it."""
    try:
        _, found = codec.decode(value)
    except codec.Undecodable:
        return None
    changes = []
    for change in found["changes"]:
        packed = []
        for name in ("before", "after"):
            try:
                packed.append(standing.from_fields(change[name]))
            except ValueError:
                return None
            if standing.fields(packed[-1]) != change[name]:
                return None
        changes.append(Change(change["proposal"], *packed))
    return Decision(**{
        **{name: found[name] for name in Decision._fields}, "kind": KINDS.index(found["kind"]),
        "outcome": OUTCOMES.index(found["outcome"]),
        "reason": REASONS.index(found["reason"]), "changes": tuple(changes)})


@given(decision=ballot_strategy(), data=st.data())
@property_test
def test_decisions_are_folded_straight_line_as_they_are_decoded(
    decision: Decision, data: st.DataObject
) -> None:
    """Whatever the bytes, a ledger that has met their like folds what a careful reader folds."""
    first = decisions.encode(decision._replace(source_offset=0, event_id=bytes(16)))
    value = bytearray(decisions.encode(decision._replace(source_offset=1)))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        value[place] = data.draw(st.integers(0, 255))
    states = []
    for careful in (False, True):
        ledger = Ledger(0, 1)
        folded: list[object] = []
        for record in (first, bytes(value)):
            if careful:
                ledger._recorded.clear()
            try:
                folded.append(ledger.apply(record))
            except (codec.Undecodable, DecisionsDisagree) as error:
                folded.append(repr(error))
        states.append((folded, ledger.state()))

    assert states[0] == states[1]


@pytest.mark.parametrize("number", [MAX_CHANGES, MAX_CHANGES + 1])
def test_no_decision_changes_more_than_a_voter_can_hold(number: int) -> None:
    """A decision over the limit of changes is undecodable: a bound on what recovery reads."""
    changes = tuple(Change(f"p{n}", 1, 65) for n in range(number))
    value = decisions.encode(Decision(
        bytes(16), bytes(16), bytes(16), 6, 8, 0, 1, 5, "jeunes", changes))
    if number == MAX_CHANGES:
        assert decisions.decode(value).changes == changes
        assert len(value) < codec.MAX_VALUE_BYTES
    else:
        with pytest.raises(codec.Undecodable, match="number of changes"):
            decisions.decode(value)
