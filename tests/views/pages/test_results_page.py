"""What the page shows, before it is HTML."""

import copy
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results.scores import RANKED_VOTES
from tests.views import campaign
from tests.views.pages.html import parse
from views.days import Told
from views.pages import rendering
from views.pages.highlights import APPROVED_SHOWN, CONTROVERSIAL_SHOWN, UNCERTAIN_SHOWN
from views.pages.results_page import PERCENT_VOTES, fates, last_day, measure, page


SIZE = 200


@given(st.data())
def test_a_measure_keeps_its_count_and_rounds_half_up(data: st.DataObject) -> None:
    """The percentage is the integers' own, rounded half up, and absent under PERCENT_VOTES."""
    base = data.draw(st.integers(0, 10_000))
    count = data.draw(st.integers(0, base))
    made = measure("agree", count, base, [0.1, 0.2])
    assert (made.count, made.base) == (count, base)
    if base < PERCENT_VOTES:
        assert (made.percent, made.low, made.high) == (None, None, None)
    else:
        exact = Decimal(100 * count) / Decimal(base)
        assert made.percent == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_half_a_percent_goes_up() -> None:
    """1 of 200 is one percent, whatever floating point would say."""
    assert measure("agree", 1, 200).percent == 1


def test_the_target_keeps_its_place_when_it_is_passed() -> None:
    """Beyond the target the bar is full and the mark lies within."""
    document = {**campaign.document(SIZE)}
    votes = document["totals"]["counted"]["votes"]
    for goal, filled, mark in ((2 * votes, 50, 100), (votes, 100, 100), (votes / 2, 100, 50)):
        document["consultation"] = {**document["consultation"], "votes_target": int(goal)}
        target = page(document, None)["target"]
        assert (round(target["filled"]), round(target["mark"])) == (filled, mark)


def test_lists_are_bounded_and_in_their_order() -> None:
    """Each list shows the first of its kind, no more than its bound."""
    document = campaign.document(SIZE)
    ranked = [entry for entry in document["proposals"] if entry["rank"]]
    zones = ["limbo" if number % 2 else entry["zone"] for number, entry in enumerate(ranked)]
    undecided = {**document, "proposals": [
        {**entry, "zone": zone} for entry, zone in zip(ranked, zones, strict=True)]}
    made = page(document, None)
    shown = [row["entry"]["id"] for row in made["controversial"]]
    unsure = [row["entry"] for row in page(undecided, None)["uncertain"]]
    assert shown == document["controversial"][:CONTROVERSIAL_SHOWN]
    assert [row["entry"]["rank"]["position"] for row in made["approved"]] == list(
        range(1, APPROVED_SHOWN + 1))
    assert len(unsure) == UNCERTAIN_SHOWN
    lows = [entry["intervals"]["neutral"][0] for entry in unsure]
    assert lows == sorted(lows, reverse=True)
    assert all(entry["counted"]["votes"] >= RANKED_VOTES for entry in unsure)
    left_out = [entry for entry in undecided["proposals"]
                if entry["zone"] == "limbo" and entry not in unsure]
    assert max(entry["intervals"]["neutral"][0] for entry in left_out) <= lows[-1]


def test_a_list_never_holds_what_its_words_deny() -> None:
    """Where one side prevails everywhere, nothing is called controversial or uncertain."""
    document = {**campaign.document(SIZE)}
    document["proposals"] = [
        entry for entry in document["proposals"] if entry["zone"] == "consensus"]
    made = page(document, None)
    assert set(document["controversial"]) & {entry["id"] for entry in document["proposals"]}
    assert made["ranked_proposals"]
    assert (made["controversial"], made["uncertain"]) == ([], [])


def test_what_became_of_votes_adds_up() -> None:
    """The lines of the conservation table add up to the votes received, entry by entry."""
    document = campaign.document(SIZE)
    for entry in (document["totals"], *document["ideas"], *document["proposals"]):
        assert sum(count for _, count in fates(entry)) == entry["received"]


def test_ideas_without_theme_are_not_lost() -> None:
    """An idea whose theme is unknown stands under none, after the themes."""
    document = {**campaign.document(SIZE), "themes": campaign.document(SIZE)["themes"][:1]}
    themes = page(document, None)["themes"]
    assert [theme["title"] is None for theme in themes] == [False, True]
    assert sum(len(theme["rows"]) for theme in themes) == len(document["ideas"])


@pytest.mark.parametrize(("closes", "last"), [
    ("2022-05-23T00:00:00+02:00", "2022-05-22"),
    ("2022-05-22T18:00:00+02:00", None),
    (None, None),
])
def test_a_closing_at_midnight_names_the_last_day(closes: str | None, last: str | None) -> None:
    """A closing time is exclusive: midnight ends the day before."""
    document = {**campaign.document(SIZE)}
    document["consultation"] = {**document["consultation"], "closes_at": closes}
    told = Told({date(2022, 5, day): day for day in (21, 22, 23)},
                datetime(2022, 5, 24, tzinfo=UTC))
    made = page(document, None, told=told)
    closing = made["moments"]["closes"]
    found = closing and last_day(closing)
    assert (found and found.isoformat()) == last
    assert made["after_closing"] == (23 if closes else 0)


def test_stages_may_be_days_months_or_words() -> None:
    """What is no date is shown as it stands."""
    document = {**campaign.document(SIZE)}
    stages = [{"name": "a", "begins": "2022-03-22", "ends": "2022-06"},
              {"name": "b", "begins": "soon", "ends": None}]
    document["consultation"] = {**document["consultation"], "stages": stages}
    first, second = page(document, None)["stages"]
    assert (first["begins"]["exact"], first["ends"]["exact"]) == (True, False)
    assert (second["begins"]["text"], second["begins"]["date"]) == ("soon", None)


def test_regions_are_sorted_by_name_and_other_comes_last() -> None:
    """Answers are found where a reader looks for them."""
    tables = page(campaign.document(SIZE), None)["participation"]["tables"]
    assert [cell["value"] for cell in tables["gender"]] == ["man", "woman", "other"]
    regions = [cell["value"] for cell in tables["region"]]
    assert regions.index("FR-IDF") == regions.index("FR-HDF") + 1


@pytest.mark.parametrize(("language", "said"), [
    ("fr", ("1 reçu, 0 mis", "venus de 1 votant ", "1 vote compté pour")),
    ("en", ("1 received, 0 set", "came from 1 ", "1 vote counted of"))])
def test_one_is_not_written_as_many(language: str, said: tuple[str, ...]) -> None:
    """The first vote of a consultation is one vote, of one voter."""
    found = copy.deepcopy(campaign.document(SIZE))
    found["totals"] |= {"received": 1, "participants_received": 1, "set_aside": {
        "unproven": 0, "suspended": 0}}
    found["totals"]["counted"]["votes"] = 1
    root = parse(rendering.render("results.html", language, **page(found, None)))
    (figures,) = (e for e in root.all("section") if e.attributes["id"] == "figures")
    text = " ".join(figures.text().split())
    assert [words for words in said if words not in text] == []
