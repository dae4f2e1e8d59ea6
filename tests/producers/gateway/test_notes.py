"""What a browser is told of its acts: signed for one voter; and proofs that are dated anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import notes
from producers.gateway.identity import Signer
from producers.gateway.notes import NOTE_CHARACTERS, Note
from producers.gateway.view_proofs import PROOF_SECONDS, UNSEEN, dated_anew, read, view_proof
from schemas.words import QUALIFICATIONS
from views.voting import cards
from views.voting.desk import Act, Recorded, TurnedAway
from views.voting.paper import Paper


KEY, VOTER = Signer(b"k" * 32), b"v" * 16
NOTES = st.builds(
    Note, kind=st.sampled_from(("VoteCast", "VoteWithdrawn", "QualificationWithdrawn")),
    proposal=st.text(min_size=1).filter(lambda text: len(text.encode()) <= 63),
    word=st.sampled_from(("", "agree", *QUALIFICATIONS)), trusted=st.booleans(),
    partition=st.integers(0, 2**32 - 1), offset=st.integers(0, 2**63 - 1))


@given(NOTES)
def test_a_note_says_what_was_written_to_its_voter_alone(note: Note) -> None:
    """Whatever a proposal is called it fits; to another voter, or under another key, it is none."""
    text = notes.written(KEY, VOTER, note)

    assert len(text) <= NOTE_CHARACTERS == cards.NOTE_CHARACTERS
    assert notes.read(KEY, VOTER, text) == note
    assert notes.read(KEY, b"w" * 16, text) is None
    assert notes.read(Signer(b"l" * 32), VOTER, text) is None


@given(NOTES, st.integers(0), st.characters(codec="ascii"))
def test_a_note_that_was_changed_is_none(note: Note, place: int, letter: str) -> None:
    """Nobody writes a note but the gateway."""
    text = notes.written(KEY, VOTER, note)
    at = place % len(text)
    changed = text[:at] + letter + text[at + 1:]

    assert notes.read(KEY, VOTER, changed) in (None, note)
    assert notes.read(KEY, VOTER, text + "A" * NOTE_CHARACTERS) is None


def acts(*offsets: int) -> list[tuple[Act, Recorded]]:
    """Vote, qualify, change, withdraw: by their places in the log."""
    every = (Act("VoteCast", "p1", "agree"), Act("QualificationAdded", "p1", "doable"),
             Act("VoteCast", "p1", "disagree"), Act("VoteWithdrawn", "p1"))
    return [(every[offset], Recorded(0, offset, trusted=True)) for offset in offsets]


@pytest.mark.parametrize("told", [
    [(0, 1, 2, 3)], [(3, 1, 0, 2)], [(0,), (1, 2), (3,)], [(0, 1), (0, 1, 2), (1, 2, 3)],
    [(0, 1, 2, 3), (0, 1, 2, 3)],
])
def test_acts_that_are_told_twice_or_in_any_order_are_marked_once(
    told: list[tuple[int, ...]]
) -> None:
    """A script that lost an answer tells again: the paper stays as if a form each had come."""
    held, by_forms = Paper(), Paper()
    for offsets in told:
        cards.mark(held, acts(*offsets))
    for act, done in acts(0, 1, 2, 3):
        by_forms.mark(act, act.word, done)

    assert held == by_forms


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{}", b'{"notes":[],"proposal":1}', b'{"notes":"","proposal":"p"}',
    b'{"notes":[1],"proposal":"p"}', b'{"notes":' + b"[" * 16_000, b"\xff",
    b'{"notes":[' + b",".join([b'""'] * 33) + b'],"proposal":"p"}',
    b'{"notes":[],"proposal":"p","challenge":{"step":1}}',
    b'{"notes":[],"proposal":"p","challenge":7}',
    *(b'{"notes":[],"proposal":"p","challenge":{"step":%b,"work":null,"leave":"a","wait_seconds":1,'
      b'"others_first":0,"problem":null}}' % step
      for step in (b"1e999", b"-1", b"true", b"1" * 5_000, b'"1"')),
])
def test_what_is_none_of_what_a_script_says_is_refused(body: bytes) -> None:
    """Anybody may send anything there."""
    with pytest.raises(TurnedAway):
        cards.said_by(body)


@pytest.mark.parametrize("tells_routes", [True, False])
@given(st.integers(0, 2), st.integers(-1, 10**6), st.integers(0, PROOF_SECONDS * 1_000))
def test_a_proof_that_is_dated_anew_keeps_route_and_words_and_begins_the_pause_anew(
    tells_routes: bool, shown: int, wording: int, later: int  # noqa: FBT001 -- a parameter
) -> None:
    """Only a good one is: of the same voter and proposal, within its day."""
    given_at = 1_700_000_000_000
    now = given_at + later
    old = view_proof(
        KEY, VOTER, "town", "p1", shown_at=given_at, shown=shown, wording=wording)
    new = dated_anew(KEY, VOTER, "town", "p1", old, now, tells_routes=tells_routes)

    assert new is not None
    assert read(KEY, VOTER, "town", "p1", new, now) == (
        (shown, 0, wording) if tells_routes else UNSEEN)
    for voter, proposal, moment in (
        (b"w" * 16, "p1", now), (VOTER, "p2", now),
        (VOTER, "p1", given_at + PROOF_SECONDS * 1_000 + 1),
    ):
        assert dated_anew(
            KEY, voter, "town", proposal, old, moment, tells_routes=tells_routes) is None
