"""Rule 3: keen voters who share far more than chance gives."""

import random

import pytest

from processors.guard import rings
from processors.guard.chances import MILLION, poisson_tail
from processors.guard.findings import Finding
from processors.guard.marks import ONE_PLACE
from processors.guard.parameters import RING
from tests.processors.guard.traffic import (
    AGREE,
    BEGAN_AT,
    SERVED,
    Crowds,
    Vote,
    judged,
    kinds,
    log_of,
)


MANY = 400
"""Proposals: of few, everybody has cast most."""


def keen(crowds: Crowds, count: int, *, targets: int = 0, camouflage: int = 14,
         networks: int = 10_000) -> list[Vote]:
    """Make keen voters: some targets that all of a ring share, the rest as it is drawn."""
    places = [crowds.network(b"home") for _ in range(min(networks, count))]
    votes = []
    for number in range(count):
        voter, time = crowds.voter(b"ring" if targets else b"keen"), BEGAN_AT + number * 311
        drawn = crowds.chance.sample(range(targets, MANY), camouflage)
        for proposal in (*range(targets), *drawn):
            time += crowds.chance.randrange(4_000, 15_000)
            choice = AGREE if proposal < targets else crowds.choice()
            votes.append(Vote(time, voter, places[number % len(places)], proposal, choice, SERVED,
                              crowds.pause()))
    return votes


def found(votes: list[Vote]) -> list[Finding]:
    """Judge votes; return what the rule says."""
    log = log_of(votes, proposals=MANY)
    _, judgements = judged(log, cuts=log.cuts(every=30_000))
    return [each for one in judgements for each in one.findings if each.rule == RING]


def test_honest_keen_voters_are_no_ring() -> None:
    """They share what chance gives."""
    assert found(keen(Crowds(1), 300)) == []


def test_a_ring_with_common_targets_is_told_and_marked_by_its_places() -> None:
    """Sixty voters with ten common targets: told, and set aside only from few networks."""
    crowds = Crowds(2)
    honest = keen(crowds, 250, camouflage=16)
    spread = found([*honest, *keen(crowds, 60, targets=10, camouflage=5)])
    housed = found([*honest, *keen(crowds, 60, targets=10, camouflage=5, networks=4)])
    named = {voter for each in housed for voter in each.voters}

    assert kinds({voter for each in spread for voter in each.voters}) == {b"ring": 60}
    assert {kind for each in housed for kind in each.marks} == {ONE_PLACE}
    assert kinds(named) == {b"ring": 60}
    assert len({each.finding for each in housed}) == 1


@pytest.mark.parametrize("common", [1, 2, 5, 17, 100, 200])
def test_the_table_of_means_is_where_the_score_is_reached(common: int) -> None:
    """The greatest mean, in millionths, that so many common items are beyond."""
    most = int(rings._expected_most()[common])

    assert poisson_tail(common, max(1, most)) >= rings.PAIR_SCORE or most == 0
    assert poisson_tail(common, most + 1) < rings.PAIR_SCORE
    assert most < common * MILLION


def test_more_keen_voters_than_can_be_compared_are_a_sample(
        monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the least pseudonyms: whoever came first has no say."""
    assert rings.MAX_KEEN == 5_000
    monkeypatch.setattr(rings, "MAX_KEEN", 250)
    crowds = Crowds(3)
    votes = [*keen(crowds, 300), *keen(crowds, 30, targets=10, camouflage=5, networks=4)]
    random.Random(1).shuffle(votes)
    [finding, *_] = found(votes)

    assert dict(finding.numbers)["keen"] <= 250
