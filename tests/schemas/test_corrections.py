"""What corrections change, on top of which record, and by whose signature."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, corrections
from schemas.control_roles import public_key
from schemas.control_signatures import UNSIGNED
from schemas.corrections import Authority, Change
from tests.schemas.events import property_test


OPERATOR, CLERK, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n] * 32))
                             for n in (1, 2, 3))
KEYS = {private: public_key(role, private.public_key().public_bytes_raw())
        for private, role in ((OPERATOR, "operator"), (CLERK, "clerk"), (STRANGER, "operator"))}
DESCRIBED: dict[str, Any] = {
    "event_id": b"d" * 16, "question": {"fr": "Quoi ?", "en": "What?"}, "opens_at": 1_000,
    "closes_at": None, "time_zone": "Europe/Paris"}
texts = st.dictionaries(st.sampled_from(("fr", "en", "de")), st.text(max_size=5), max_size=3)


def retired(private: Ed25519PrivateKey) -> bytes:
    """Sign a retirement."""
    return corrections.signed(private, bytes(16), codec.encode(
        "ProposalRetired", event_id=bytes(16), consultation="c", proposal="p", reason="why",
        text_hidden=True, origin="operator", occurred_at=1, by=KEYS[private].id,
        signature=UNSIGNED))


def keyed(*privates: Ed25519PrivateKey) -> Authority:
    """Return the authority of a catalogue that announces keys."""
    found = Authority()
    found.announce({"event_id": bytes(16), "generation": 1,
                    "keys": [KEYS[each].fields() for each in privates]}, None)
    return found


def test_where_keys_are_announced_only_an_operators_signature_counts() -> None:
    """A clerk's does not, nor a stranger's; a changed record is not the one that was signed."""
    value = retired(OPERATOR)
    event, fields = codec.decode(value)
    found = keyed(OPERATOR, CLERK)

    assert found.takes(event, fields, value)
    assert not found.takes(event, fields, None)
    assert not found.takes(event, fields, value.replace(b"why", b"law"))
    for other in (CLERK, STRANGER):
        assert not found.takes(event, codec.decode(retired(other))[1], retired(other))
    assert Authority().takes(event, fields, None)


@pytest.mark.parametrize("found", [keyed(OPERATOR), Authority()])
def test_a_record_that_is_delivered_again_counts_once(found: Authority) -> None:
    """What is not taken, as for want of a signature, does not stand in its way."""
    value = retired(OPERATOR)
    event, fields = codec.decode(value)

    if found.keys:
        assert not found.takes(event, fields, retired(STRANGER))
    assert [found.takes(event, fields, value) for _ in range(3)] == [True, False, False]


@given(before=texts, after=texts)
@property_test
def test_what_a_description_changes_a_correction_changes_alike(
    before: dict[str, str], after: dict[str, str]
) -> None:
    """The listed changes lead from the old words to the new ones, and nowhere from others."""
    known = {**DESCRIBED, "question": before}
    changes = corrections.kept_changes(
        "ConsultationDescribed", known, {**DESCRIBED, "question": after})

    assert bool(changes) == (before != after)
    assert corrections.changed("ConsultationDescribed", known, changes) == {
        **DESCRIBED, "question": after}
    if changes:
        assert corrections.changed(
            "ConsultationDescribed", {**DESCRIBED, "question": after}, changes) is None


@pytest.mark.parametrize("change", [
    Change("opens_at", "1000", "tomorrow"), Change("opens_at", "1000", None),
    Change("opens_at", "1000", "9" * 40), Change("time_zone", "Europe/Paris", None),
    Change("votes_target", None, "5"), Change("question", None, "What?"),
    Change("time_zone.fr", None, "x"), Change("opens_at", "999", "2000"),
    Change("event_id", None, "x")])
def test_a_correction_that_cannot_be_one_changes_nothing(change: Change) -> None:
    """No instant, nothing where something must stand, fields of no such kind, another before."""
    assert corrections.changed("ConsultationDescribed", DESCRIBED, [change]) is None


def test_instants_are_corrected_as_milliseconds() -> None:
    """An announced closing may come and go; an opening moves."""
    made = corrections.changed("ConsultationDescribed", DESCRIBED, [
        Change("opens_at", "1000", "2000"), Change("closes_at", None, "3000")])

    assert made == {**DESCRIBED, "opens_at": 2_000, "closes_at": 3_000}
    assert corrections.kept_changes("ConsultationDescribed", made, DESCRIBED) == [
        Change("opens_at", "2000", "1000"), Change("closes_at", "3000", None)]


@given(one=texts, other=texts)
@property_test
def test_a_digest_commits_to_every_word(one: dict[str, str], other: dict[str, str]) -> None:
    """Two wordings have one digest where they are one, in whatever order languages stand."""
    assert (corrections.digest_of(one) == corrections.digest_of(other)) == (one == other)
    assert corrections.digest_of(dict(reversed(one.items()))) == corrections.digest_of(one)


def test_the_digest_is_of_what_is_documented() -> None:
    """SHA-256 of JSON without spaces, keys in order, UTF-8: whoever has the words makes it."""
    assert corrections.digest_of({"fr": "Été", "en": "Summer"}) == (
        "ed70222c994af164f5d5bd4859ecabf2861c50ee531dc08ecf3d468931ffdce7")
