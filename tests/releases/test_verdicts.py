"""Bundles of release 0.1.0, whole and damaged, get the verdicts that it gave itself."""

import json

import pytest

from tests.releases.damages import KINDS, VERDICTS, damages, digest, verdict


@pytest.mark.parametrize("kind", KINDS)
def test_every_damage_has_the_verdict_it_had(kind: str) -> None:
    """The same bytes, the same verdict, the same place; only sentences may be better than then."""
    expected = json.loads(VERDICTS.read_text("utf-8"))[kind]
    made = {name: [digest(damaged), *verdict(damaged)] for name, damaged in damages(kind)}

    assert made == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_damages_meet_every_verdict(kind: str) -> None:
    """What holds, and each way not to hold, at many places."""
    expected = json.loads(VERDICTS.read_text("utf-8"))[kind]
    places = {place for _, _, place in expected.values()}

    assert {said for _, said, _ in expected.values()} == {
        "equal", "different", "invalid", "unreadable", "missing"}
    assert len(places) > 30
