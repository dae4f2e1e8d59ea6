"""View proofs: true for whom and what they were made, and nobody can make or change one."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import identity, view_proofs
from producers.gateway.identity import Signer
from producers.gateway.models import PROOF_CHARACTERS
from producers.gateway.view_proofs import (
    CLOCK_SKEW_SECONDS,
    PAUSE_LONGEST,
    PAUSE_UNKNOWN,
    PROOF_SECONDS,
    UNSEEN,
    WORDING_UNKNOWN,
    Seen,
    pause_of,
)
from schemas.words import SHOWN
from tests.schemas.events import property_test


RELEASED = json.loads(
    (Path(__file__).parents[2] / "releases/signed-by-0.1.0/browser.json").read_text("utf-8"))
SKEW, GOOD = CLOCK_SKEW_SECONDS * 1_000, PROOF_SECONDS * 1_000

keys = st.binary(min_size=32, max_size=32)
identifiers = st.binary(min_size=16, max_size=16)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
routes = st.integers(0, len(SHOWN) - 1)
wordings = st.integers(WORDING_UNKNOWN, 2**40)


@given(key=keys, voter=identifiers, named=st.tuples(names, names), now=st.integers(10**9, 2**42),
       age=st.integers(-10**8, 10**8), route=routes, wording=wordings)
@property_test
def test_a_proof_is_good_for_its_voter_and_proposal_for_a_day(
    key: bytes, voter: bytes, named: tuple[str, str], now: int, age: int, route: int, wording: int,
) -> None:
    """It says what it was made with, within its age, and to no other voter or proposal a thing."""
    signer, (consultation, proposal) = Signer(key), named
    proof = view_proofs.view_proof(signer, voter, consultation, proposal, shown_at=now - age,
                                   shown=route, wording=wording)

    def read(voter: bytes, consultation: str, proposal: str) -> Seen | None:
        return view_proofs.read(signer, voter, consultation, proposal, proof=proof, now=now)

    good = -SKEW <= age <= GOOD
    expected = route, pause_of(max(age, 0)), wording
    assert len(proof) <= PROOF_CHARACTERS
    assert read(voter, consultation, proposal) == (expected if good else None)
    assert read(bytes(16) if any(voter) else bytes(15) + b"\1", consultation, proposal) is None
    assert read(voter, consultation + "x", proposal) is None
    assert read(voter, consultation, proposal + "x") is None


@given(key=keys, voter=identifiers, named=st.tuples(names, names), now=st.integers(10**6, 2**32),
       age=st.integers(-10**6, 10**6))
@property_test
def test_a_proof_of_version_1_is_good_and_says_nothing_more(
    key: bytes, voter: bytes, named: tuple[str, str], now: int, age: int
) -> None:
    """A view within its age, for its voter and proposal alone, of which all else is unknown."""
    signer, (consultation, proposal) = Signer(key), named
    proof = view_proofs.first_proof(signer, voter, consultation, proposal, now - age)

    def read(voter: bytes, consultation: str, proposal: str) -> Seen | None:
        return view_proofs.read(
            signer, voter, consultation, proposal, proof=proof, now=now * 1_000 + 999)

    good = -CLOCK_SKEW_SECONDS <= age <= PROOF_SECONDS
    assert read(voter, consultation, proposal) == (UNSEEN if good else None)
    assert read(bytes(16) if any(voter) else bytes(15) + b"\1", consultation, proposal) is None
    assert read(voter, consultation + "x", proposal) is None
    assert read(voter, consultation, proposal + "x") is None
    assert (SHOWN.index("unknown"), PAUSE_UNKNOWN, WORDING_UNKNOWN) == UNSEEN


def test_a_proof_of_release_0_1_0_is_accepted() -> None:
    """Made by its own code: a view, and nothing known of it; none a day later."""
    signer, voter = (bytes.fromhex(RELEASED[name]) for name in ("view_key", "voter"))
    named = Signer(signer), voter, RELEASED["consultation"], RELEASED["proposal"]
    proof, issued = RELEASED["view_proof"], 1_000 * RELEASED["issued_at"]

    assert view_proofs.read(*named, proof=proof, now=issued + 5_000) == UNSEEN
    assert view_proofs.read(*named, proof=proof, now=issued + GOOD) == UNSEEN
    assert view_proofs.read(*named, proof=proof, now=issued + GOOD + 1_000) is None
    assert view_proofs.first_proof(*named, RELEASED["issued_at"]) == proof
    assert identity.pseudonym(
        Signer(bytes.fromhex(RELEASED["pepper"])), bytes.fromhex(RELEASED["device"])) == voter


def test_no_bit_of_a_proof_can_be_changed() -> None:
    """Asked for is not made served, nor late early, by whoever holds the proof: each bit tried."""
    signer, voter, now = Signer(bytes(32)), bytes(range(16)), 1_790_000_000_000
    named = signer, voter, "town", "p1"
    made = [view_proofs.view_proof(
        *named, shown_at=now - 9_000, shown=SHOWN.index("asked"), wording=7),
        view_proofs.first_proof(*named, now // 1_000 - 9)]
    tried = 0
    for proof in made:
        raw = identity.bytes_of(proof, len(proof) * 3 // 4)
        assert raw is not None
        assert view_proofs.read(*named, proof=proof, now=now) is not None
        for bit in range(8 * len(raw)):
            changed = bytearray(raw)
            changed[bit // 8] ^= 1 << bit % 8
            forged = identity.text_of(bytes(changed))
            assert view_proofs.read(*named, proof=forged, now=now) is None
            tried += 1

    assert tried == 8 * (29 + 21)


def test_what_was_signed_for_one_version_is_worth_nothing_in_the_other() -> None:
    """A head of version 2 under the word of version 1 is no proof: each has a word of its own."""
    signer, voter, now = Signer(bytes(32)), bytes(16), 1_790_000_000_000
    proof = view_proofs.view_proof(
        signer, voter, "town", "p1", shown_at=now, shown=1, wording=7)
    raw = identity.bytes_of(proof, 29)
    assert raw is not None
    forged = identity.text_of(
        raw[:13] + signer.code(b"view", voter, raw[:13], b"town", b"p1"))

    assert view_proofs.read(signer, voter, "town", "p1", proof=proof, now=now) is not None
    assert view_proofs.read(signer, voter, "town", "p1", proof=forged, now=now) is None


@pytest.mark.parametrize("proof", [None, "", "A", "A" * 28, "A" * 39, "é" * 39, "A" * 2_000])
def test_what_is_no_proof_says_nothing(proof: str | None) -> None:
    """Nothing, junk of a proof's length, or any other: no view."""
    assert view_proofs.read(
        Signer(bytes(32)), bytes(16), "town", "p1", proof=proof, now=10**12) is None


@given(milliseconds=st.integers(0, 2**40))
@property_test
def test_a_pause_is_the_bucket_that_its_schema_names(milliseconds: int) -> None:
    """min(14, floor(log2(1 + ms / 125))), in whole numbers."""
    bucket = pause_of(milliseconds)

    assert 0 <= bucket <= PAUSE_LONGEST
    assert bucket == PAUSE_LONGEST or milliseconds + 125 < 125 * 2**(bucket + 1)
    assert 125 * 2**bucket <= milliseconds + 125
    if milliseconds % 125:  # Where no rounding of a logarithm can matter.
        assert bucket == min(14, math.floor(math.log2(1 + milliseconds / 125)))


def test_each_bucket_of_pauses_begins_where_the_formula_says() -> None:
    """A millisecond before it the pause is one less; and what took less than nothing took none."""
    for bucket in range(1, PAUSE_LONGEST + 1):
        begins = 125 * (2**bucket - 1)
        assert (pause_of(begins - 1), pause_of(begins)) == (bucket - 1, bucket)
    assert [pause_of(early) for early in (-60_000, -1, 0, 124)] == [0, 0, 0, 0]
