"""Copies of signed retirements, of both versions, and such by strangers change nothing anywhere."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from processors.results.catalogue import Catalogue
from producers.known_catalogue import KnownCatalogue
from schemas import codec, corrections
from schemas.control_roles import OPERATOR, public_key
from schemas.genesis import announced
from schemas.registry import versions
from tests.schemas.test_endorsements import CONTROL, STRANGER, record


ANNOUNCED = announced(2, 1, (public_key(OPERATOR, CONTROL.public),), occurred_at=0)
IN_FORCE = codec.decode(ANNOUNCED)[1]["event_id"]
STEPS = ("ProposalRetired", "ProposalRestored")


def written(
    event: str, version: int, number: int, private: Ed25519PrivateKey, *, hidden: bool
) -> bytes:
    """Sign a retirement or restoration of a version; `hidden` hides the words, and names one."""
    schema = versions(event)[min(version, len(versions(event))) - 1]
    said: dict[str, Any] = {
        "event_id": number.to_bytes(16, "big"), "consultation": "town", "proposal": "p1",
        "reason": f"reason {number}", "text_hidden": hidden, "salt": bytes(16),
        "hidden": [{"offset": 1, "digest": bytes(32)}] * hidden, "origin": "operator",
        "occurred_at": number, "by": CONTROL.id, "signature": bytes(64)}
    names = {field["name"] for field in schema.fields}
    return corrections.signed(private, IN_FORCE, codec.encode_as(
        schema, **{name: datum for name, datum in said.items() if name in names}))


def known_to(log: list[bytes]) -> tuple[Any, Any, Any]:
    """Say what is retired, and which words are hidden, to pages and to writers; and how often."""
    shown, written_to = Catalogue(), KnownCatalogue()
    for offset, value in enumerate(log):
        for each in (shown, written_to):
            each.apply(*codec.decode(value), offset, value)
    town = shown.consultations["town"]
    return ({name: (found.reason, found.hidden) for name, found in town.retired.items()},
            {name: (fields["reason"], fields["text_hidden"])
             for (_, name), fields in written_to.retired.items()},
            (written_to.retirements, bool(town.hidden)))


@given(st.lists(st.tuples(
    st.sampled_from(STEPS), st.integers(1, 2), st.booleans(), st.booleans()), max_size=6),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4))
def test_a_copy_of_a_retirement_or_one_by_a_stranger_changes_nothing(
    steps: list[tuple[str, int, bool, bool]], copies: list[tuple[int, int]]
) -> None:
    """Wherever behind its first a copy is written: what is restored stays so, for every reader."""
    honest, all_written = [ANNOUNCED, record("ProposalAccepted")], [
        ANNOUNCED, record("ProposalAccepted")]
    for number, (event, version, hidden, by_stranger) in enumerate(steps, 1):
        key = STRANGER if by_stranger else CONTROL
        value = written(event, version, number, key.private, hidden=hidden)
        all_written.append(value)
        if not by_stranger:
            honest.append(value)
    for which, where in copies:
        copied = which % len(all_written)
        if copied > 1:
            at = copied + 1 + where % (len(all_written) - copied)
            all_written.insert(at, all_written[copied])

    found = known_to(all_written)
    assert found == known_to(honest)
    assert found[0] == found[1]
