"""The debate at a glance: nothing is lost in the picture, and its place says what it must."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from tests.views import campaign
from views.pages.glance import HEIGHT, SIZES, WIDTH, ZONES, glance, place, turned_back


SIZE = 400
ELEMENTS_MAX = len(SIZES) * len(ZONES)


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_a_dot_lies_within_the_triangle(agree: int, disagree: int, neutral: int) -> None:
    """Across is the share of agree; division is never above either side of the triangle."""
    votes = agree + disagree + neutral
    if not votes:
        return
    x, y = place({"votes": votes, "agree": agree, "disagree": disagree, "neutral": neutral})
    assert abs(x - WIDTH * agree / votes) <= 0.5
    assert 0 <= y <= HEIGHT
    assert HEIGHT - y <= min(x, WIDTH - x) + 2
    if not neutral:
        assert HEIGHT - y >= min(x, WIDTH - x) - 2


def test_every_proposal_with_votes_is_in_the_picture_and_in_the_table() -> None:
    """Each place of a proposal is on the path of its zone and size; the table counts them all."""
    proposals = campaign.document(SIZE)["proposals"]
    made = glance(proposals)
    drawn = {(dots.zone, dots.width): set(re.findall(r"M(-?\d+) (-?\d+)h0", dots.path))
             for dots in made.dots}
    for entry in proposals:
        votes = entry["counted"]["votes"]
        width = max(width for least, width in SIZES if votes >= least)
        x, y = place(entry["counted"])
        if entry["zone"] == "controversy":
            x, y = turned_back(x, y)
        assert (str(x), str(y)) in drawn[entry["zone"], width]
    assert made.proposals == sum(group.proposals for group in made.groups) == SIZE
    assert sum(group.votes for group in made.groups) == sum(
        entry["counted"]["votes"] for entry in proposals)


def test_thousands_of_proposals_are_a_few_elements() -> None:
    """The picture has no more paths than sizes times zones, large dots below small ones."""
    made = glance(campaign.document()["proposals"])
    assert len(made.dots) <= ELEMENTS_MAX
    widths = [dots.width for dots in made.dots]
    assert widths == sorted(widths, reverse=True)


@given(st.integers(0, WIDTH), st.integers(0, HEIGHT))
def test_what_is_turned_back_stands_in_its_place_when_the_picture_turns_it(x: int, y: int) -> None:
    """A turn by 45 degrees brings the place back, within the rounding."""
    u, v = turned_back(x, y)
    assert abs((u - v) / math.sqrt(2) - x) <= 1
    assert abs((u + v) / math.sqrt(2) - y) <= 1


def test_proposals_without_votes_are_said_not_drawn() -> None:
    """Nobody voted: there is no place to draw, and the number of such proposals is given."""
    entry = campaign.document(SIZE)["proposals"][0]
    empty = {**entry, "zone": None,
             "counted": {**entry["counted"], "votes": 0, "agree": 0, "disagree": 0}}
    made = glance([entry, {**empty, "id": "first"}, {**empty, "id": "second"}])
    assert (made.proposals, made.without_votes) == (1, 2)
