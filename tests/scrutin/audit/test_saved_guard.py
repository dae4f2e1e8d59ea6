"""A saved guard document is whatever a stranger gives: read within bounds, or refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from scrutin.audit.beginning import Missing, saved_guard
from views.flushes import ResultsUnreadable


WHOLE: dict[str, Any] = {
    "consultation": "town", "totals": {}, "rules": [], "changes": [], "days": [], "unanswered": 0,
    "findings": [], "page": {"first": 0, "limit": 1, "findings": 0, "gone": 0, "next": None},
    "as_of": {"votes": [1, 2], "catalogue": 3, "judgement": 0, "judged_at": None,
              "time": "2022-05-22T03:00:00+00:00"}}


def saved(folder: Path, text: str) -> Path:
    """Save an answer."""
    path = folder / "guard.json"
    path.write_text(text, "utf-8")
    return path


def test_a_whole_document_is_taken(tmp_path: Path) -> None:
    """As it was sent."""
    assert saved_guard(saved(tmp_path, json.dumps(WHOLE)), "town", 2) == WHOLE


@pytest.mark.parametrize("text", [
    "", "[]", "3", '"as_of"', "{}", json.dumps({**WHOLE, "as_of": 3}),
    json.dumps({**WHOLE, "page": {"first": "0", "limit": 1}}),
    json.dumps({**WHOLE, "as_of": {**WHOLE["as_of"], "votes": [1]}}),
    json.dumps({**WHOLE, "as_of": {**WHOLE["as_of"], "time": "yesterday"}})])
def test_what_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Of another log, or no document at all: with what to save instead."""
    with pytest.raises(ResultsUnreadable, match="save /v1/consultations/town/guard"):
        saved_guard(saved(tmp_path, text), "town", 2)


def test_a_document_of_another_consultation_is_not_compared(tmp_path: Path) -> None:
    """Nor one that is not there."""
    with pytest.raises(Missing, match="'town', not of 'village'"):
        saved_guard(saved(tmp_path, json.dumps(WHOLE)), "village", 2)
    with pytest.raises(Missing, match="cannot be read"):
        saved_guard(tmp_path / "nothing", "town", 2)
