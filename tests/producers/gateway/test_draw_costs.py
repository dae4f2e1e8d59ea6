"""What a drawn vote costs is what the draw does, and the same for whoever measures it again."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import draw_costs
from producers.gateway.sequence import SCORED_BY, SECOND, Candidate, Pool, serve
from schemas.words import CHOICES, QUALIFICATIONS
from tests.producers.gateway.test_sequence import CANDIDATES
from tests.schemas.events import property_test
from tests.views import campaign
from views.embargo import concealed


FEW = st.lists(st.sampled_from([None, None, "Ada", "Ben"]), min_size=1, max_size=30)


def document(candidates: list[Candidate]) -> dict[str, Any]:
    """Lay candidates out as a results document does."""
    entries = []
    for each in candidates:
        counts = dict(zip(SCORED_BY, each.counts, strict=True))
        entries.append({
            "id": each.id, "text": {"fr": each.id},
            "author": each.author and {"name": each.author},
            "drawn": {"votes": each.votes, **{name: counts[name] for name in CHOICES},
                      "qualifications": {name: counts.get(name, 0) for name in QUALIFICATIONS}}})
    return {"consultation": {"id": "town"}, "as_of": {"votes": [7], "catalogue": 3},
            "proposals": entries}


@given(candidates=CANDIDATES)
@property_test
def test_the_pool_of_a_document_is_the_one_gateways_draw_from(
    candidates: list[Candidate],
) -> None:
    """By drawn votes, in the order of the catalogue; what it does not know is not drawn."""
    made = document(candidates)
    made["proposals"].append({**made["proposals"][0], "id": "?", "text": None}
                             if candidates else {"id": "?", "text": None})
    pool = draw_costs.pool_of(made, blind=False)

    assert pool.every == candidates
    assert pool.algorithm == SECOND


def test_costs_are_those_of_the_draw_itself() -> None:
    """Counted in sequences of other seeds, the shares are the same within what chance leaves."""
    candidates = [Candidate(f"p{n:03}", f"author {n % 40}" if n % 3 else None,
                            (n % 90, (7 * n) % 40, n % 13, *(0,) * 6)) for n in range(150)]
    made = document(candidates)
    told, pool = draw_costs.measured(made, blind=False), draw_costs.pool_of(made, blind=False)
    found = Counter(name for number in range(4_000)
                    for name in serve(pool, [], number.to_bytes(16, "big")))
    costs = told["costs"]

    assert (told["proposals"], told["sequences"], told["as_of"]) == (150, 600, made["as_of"])
    assert costs["most_shown"]["sequences"] <= costs["median"]["sequences"]
    assert costs["median"]["sequences"] <= costs["least_shown"]["sequences"] <= 150 / 2 * 1.3
    for cost in costs.values():
        assert found[cost["proposal"]] / 4_000 * cost["sequences"] == pytest.approx(1, abs=0.45)


@given(authors=FEW)
@property_test
def test_the_uniform_places_are_computed_as_they_are_drawn(authors: list[str | None]) -> None:
    """Their probabilities add up to the places that are filled, authors with many proposals too."""
    candidates = [Candidate(f"p{n}", author, (0,) * len(SCORED_BY))
                  for n, author in enumerate(authors)]
    found = draw_costs._uniform(Pool(candidates, SECOND))
    writers = {author for author in authors if author}
    filled = min(2, authors.count(None) + len(writers))

    assert sum(found.values()) == pytest.approx(filled)


def test_in_a_small_consultation_a_drawn_vote_costs_two_sequences() -> None:
    """Of 22 proposals everybody is shown a dozen: nothing is promised there."""
    candidates = [Candidate(f"p{n}", None, (20 + n, 5, 5, *(0,) * 6)) for n in range(22)]
    costs = draw_costs.measured(document(candidates), blind=False)["costs"]

    assert 1 <= costs["most_shown"]["sequences"] <= costs["median"]["sequences"] <= 2.5
    assert costs["least_shown"]["sequences"] <= 11  # the uniform places alone


@pytest.mark.parametrize("blind", [False, True])
def test_who_measures_again_has_the_same_bytes(*, blind: bool) -> None:
    """From the document that is published, hidden shares or not, and whatever was measured before.
    """
    whole = campaign.document(60, closed=False, by_route=True)
    shown = concealed(whole) if blind else whole

    assert draw_costs.measured(shown, blind=blind) == draw_costs.measured(whole, blind=blind)
    assert draw_costs.measured(whole, blind=blind)["algorithm"] == (
        f"{SECOND}-blind" if blind else SECOND)


def test_without_proposals_nothing_costs_anything() -> None:
    """A consultation that has none yet has a measurement without costs."""
    assert draw_costs.measured(document([]), blind=False)["costs"] == {}
