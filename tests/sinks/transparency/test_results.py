"""Signed results: a note is of one document, and of the part of the logs it names."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.transparency.notes import Refused
from sinks.transparency.results_folder import ResultsFolder
from sinks.transparency.results_notes import require_signed, results_text
from tests.sinks.transparency.keeping import SIGNER


def document(*, votes: int = 7, final: bool = False) -> bytes:
    """Write the parts of a results document that a note names, and a number."""
    return json.dumps({
        "consultation": {"id": "town\nhall"}, "as_of": {"votes": [votes, -1], "catalogue": 5},
        "rules_version": 1, "scores_version": "make-org/2022", "final": final,
        "totals": {"received": 123},
    }).encode()


BODY = document()
NOTE = SIGNER.sign(results_text(BODY))


def test_a_note_says_what_it_is_of() -> None:
    """Vector, catalogue, versions and hash stand in the text, and the note verifies."""
    lines = results_text(BODY).splitlines()

    assert lines[:-1] == [
        "scrutin results v1", 'consultation "town\\nhall"', "votes 7 -1", "catalogue 5", "rules 1",
        'scores "make-org/2022"', "final no"]
    require_signed(NOTE, BODY, SIGNER.verifier)


@given(data=st.data())
def test_no_flipped_bit_of_document_or_note_survives(data: st.DataObject) -> None:
    """One bit changed, in a number too, and the two do not belong together."""
    parts = [bytearray(NOTE.encode()), bytearray(BODY)]
    changed = parts[data.draw(st.integers(0, 1))]
    bit = data.draw(st.integers(0, 8 * len(changed) - 1))
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises((Refused, UnicodeDecodeError)):
        require_signed(parts[0].decode(), bytes(parts[1]), SIGNER.verifier)


def test_a_number_typed_in_by_hand_is_named() -> None:
    """A document that was changed after it was signed does not have its hash."""
    typed = BODY.replace(b"123", b"321")
    with pytest.raises(Refused, match="the note is of another document: signed was `sha256 "):
        require_signed(NOTE, typed, SIGNER.verifier)
    with pytest.raises(Refused, match="signed was `votes 7 -1`, this document gives `votes 8 -1`"):
        require_signed(NOTE, document(votes=8), SIGNER.verifier)


def test_the_folder_holds_the_document_of_the_newest_note(tmp_path: Path) -> None:
    """Earlier documents go, a final one stays, all notes stay; any identifier is a folder."""
    folder = ResultsFolder(tmp_path)
    bodies = [document(votes=1), document(votes=2, final=True), document(votes=3, final=True)]
    for name in ("../up", ".", "a/b"):
        assert (folder.note(name), folder.document(name)) == (None, None)
        for body in bodies:
            folder.publish(name, SIGNER.sign(results_text(body)), body)
            assert folder.document(name) == body
            require_signed(folder.note(name) or "", body, SIGNER.verifier)
    kept = sorted(path.read_bytes() for path in tmp_path.glob("*/*.json"))
    assert kept == sorted(3 * bodies[1:])
    assert len(list(tmp_path.iterdir())) == 3
