"""The straight-line bytes of decisions are those of the generic codec."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import decisions, standing
from processors.ledger.decisions import MAX_CHANGES, Change, ControlKey, Decision
from processors.ledger.ledger import DecisionsDisagree, Ledger, LedgerStopped
from schemas import codec
from schemas.findings import Finding
from schemas.registry import current, newest
from schemas.words import CONTROL_ROLES, KINDS, OUTCOMES, REASONS, REFUSALS, ROUTES
from tests.processors.ledger.logs import property_test


STANDINGS = [packed for packed in range(standing.STANDINGS)
             if standing.valid(packed) and packed != standing.SUSPENDED]
identifiers = st.binary(min_size=16, max_size=16)
names = st.text(min_size=1, max_size=63).filter(lambda text: _size(text) <= 63)
kept = st.sampled_from(STANDINGS)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def decision_strategy(most_changes: int = 4) -> st.SearchStrategy[Decision]:
    """Return decisions of any kind, by rules of any version."""
    first = _decisions(most_changes, st.just(1), {
        "refusal": st.just(0), "findings": st.just(()), "immune": st.just(()),
        "edition": st.just(0), "keys": st.just(()), "event_version": st.just(1)}, st.just(0))
    causes = st.integers(0, 15)
    later = _decisions(most_changes, st.integers(2, 2**31 - 1), {
        "refusal": st.integers(0, len(REFUSALS) - 1),
        "findings": st.lists(st.builds(Finding, causes, identifiers), max_size=3).map(tuple),
        "immune": st.sets(st.integers(1, 15)).map(lambda found: tuple(sorted(found))),
        "edition": st.integers(0, 2**63 - 1),
        "keys": st.lists(st.builds(
            ControlKey, st.binary(min_size=8, max_size=8), st.integers(0, 2),
            st.binary(min_size=32, max_size=32)), max_size=2).map(tuple),
        "event_version": st.integers(0, 63)}, st.integers(0, len(ROUTES) - 1))
    return first | later


def _decisions(
    most_changes: int, versions: st.SearchStrategy[int], more: dict[str, st.SearchStrategy[Any]],
    routes: st.SearchStrategy[int],
) -> st.SearchStrategy[Decision]:
    writable = names.filter(lambda text: text.isprintable())
    return st.builds(
        Decision, st.none() | identifiers, st.none() | identifiers, identifiers,
        st.integers(0, len(KINDS) - 1), st.integers(0, len(OUTCOMES) - 1),
        st.integers(0, len(REASONS) - 1), versions,
        st.one_of(st.integers(0, 40_000), st.integers(-2**63, 2**63 - 1)), st.none() | writable,
        st.lists(st.builds(Change, writable, kept, kept, routes), max_size=most_changes).map(tuple),
        **more,
    )


def ballot_strategy() -> st.SearchStrategy[Decision]:
    """Return decisions of one ballot event."""
    return st.builds(
        lambda decision, event_id, voter, kind, offset, consultation, change: decision._replace(
            event_id=event_id, voter=voter, kind=kind, source_offset=offset,
            ledger_version=min(decision.ledger_version, 2), refusal=0, findings=(), immune=(),
            edition=0, keys=(), consultation=consultation, changes=(change._replace(
                route=change.route if decision.ledger_version > 1 else 0),)),
        decision_strategy(), identifiers, identifiers, st.integers(1, 4),
        st.integers(0, 2**40), st.text("aé-0", min_size=1, max_size=9),
        st.builds(Change, st.text("aé-0", min_size=1, max_size=9), kept, kept,
                  st.integers(0, len(ROUTES) - 1)),
    )


def fields_of(decision: Decision) -> dict[str, Any]:
    """Return a decision as the fields of its event."""
    fields = decision._asdict()
    return {
        "generation": fields.pop("edition"), **fields,
        "kind": KINDS[decision.kind], "outcome": OUTCOMES[decision.outcome],
        "reason": REASONS[decision.reason],
        "changes": [
            {"proposal": change.proposal, "before": standing.fields(change.before),
             "after": standing.fields(change.after), "route": ROUTES[change.route]}
            for change in decision.changes],
        "refusal": REFUSALS[decision.refusal],
        "findings": [pair._asdict() for pair in decision.findings],
        "immune": list(decision.immune),
        "keys": [{**key._asdict(), "role": CONTROL_ROLES[key.role]} for key in decision.keys],
    }


@given(decision=decision_strategy())
@property_test
def test_decisions_are_written_as_the_codec_writes_them(decision: Decision) -> None:
    """encode gives the codec's bytes, decode gives the decision back."""
    value = decisions.encode(decision)

    schema = newest("DecisionMade") if decision.ledger_version > 1 else current("DecisionMade")
    assert codec.encode_as(schema, **fields_of(decision)) == value
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
        changes.append(
            Change(change["proposal"], packed[0], packed[1], ROUTES.index(change["route"])))
    return Decision(**{
        **{name: found["generation" if name == "edition" else name] for name in Decision._fields},
        "kind": KINDS.index(found["kind"]),
        "outcome": OUTCOMES.index(found["outcome"]),
        "refusal": REFUSALS.index(found["refusal"]), "immune": tuple(found["immune"]),
        "findings": tuple(Finding(**pair) for pair in found["findings"]),
        "keys": tuple(ControlKey(key["id"], CONTROL_ROLES.index(key["role"]), key["public"])
                      for key in found["keys"]),
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
        ledger.ledger_version = decision.ledger_version
        folded: list[object] = []
        for record in (first, bytes(value)):
            if careful:
                ledger._recorded.clear()
                ledger._recorded_by_route.clear()
            try:
                folded.append(ledger.apply(record))
            except (codec.Undecodable, DecisionsDisagree, LedgerStopped) as error:
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
