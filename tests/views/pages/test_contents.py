"""What the results page holds, section by section: nothing that is published is left out."""

import pytest

from processors.results import results_document, scores
from schemas.registry import FIRST_RULES
from tests.views import campaign
from tests.views.pages.html import Element
from tests.views.pages.test_pages import document, every, page


NAMES = {
    "fr": {"stages": ("Consultation", "Concertation", "Action"), "of": "sur",
           "dates": ("22 mars 2022", "22 mai 2022", "juin 2022", "février 2023")},
    "en": {"stages": ("Consultation", "Working groups", "Action"), "of": "of",
           "dates": ("22 March 2022", "22 May 2022", "June 2022", "February 2023")},
}


def section(language: str, name: str) -> Element:
    """Return a section of the campaign's page."""
    (found,) = (e for e in page("campaign", language).all("section")
                if e.attributes["id"] == name)
    return found


def said(element: Element) -> str:
    """Return the text of an element, its spaces made one."""
    return " ".join(element.text().split())


def number(language: str, value: int) -> str:
    """Write a count as a reader of the language does."""
    grouped = f"{value:,}"
    return grouped if language == "en" else grouped.replace(",", " ")


@every
def test_the_context_names_why_when_and_who(language: str) -> None:
    """Facts with their source, stages with their dates, organisers and partners, all of them."""
    described, text = document("campaign")["consultation"], said(section(language, "context"))
    for fact in described["facts"]:
        assert " ".join(fact["value"].split()) in text
        assert " ".join(fact["source"].split()) in text
    stages = [said(item) for item in section(language, "context").all("li")
              if item.within(name="stages")]
    for stage, name in zip(stages, NAMES[language]["stages"], strict=True):
        assert stage.startswith(name)
    assert all(date in " ".join(stages) for date in NAMES[language]["dates"])
    names = {name for organiser in described["organisers"] for name in organiser["names"]}
    assert names
    assert all(name in text for name in names)


@every
def test_an_idea_shows_its_counts_and_its_place(language: str) -> None:
    """Agree, coup de cœur and réaliste, each with its count, and the rank as a range."""
    rows = {row.attributes["id"]: row for row in section(language, "ideas").all("tr")
            if "id" in row.attributes}
    ideas = document("campaign")["ideas"]
    ranked = sum(idea["rank"] is not None for idea in ideas)
    assert ranked
    for idea in ideas:
        row = rows[f"idea-{idea['id']}"]
        agree, like_it, doable, rank = (said(cell) for cell in row.all("td"))
        counted = idea["counted"]
        for shown, count in ((agree, counted["agree"]),
                             (like_it, counted["qualifications"]["like_it"]),
                             (doable, counted["qualifications"]["doable"])):
            assert number(language, count) in shown
        place = idea["rank"]
        ends = {number(language, place["best"]), number(language, place["worst"])}
        assert ends <= set(rank.split())
        assert rank.endswith(f"{NAMES[language]['of']} {number(language, ranked)}")


@every
@pytest.mark.parametrize("name", ["controversial", "approved"])
def test_a_proposal_of_a_list_has_its_author(language: str, name: str) -> None:
    """Whoever wrote it stands beside it, and how many voted."""
    shown = section(language, name)
    entries = {entry["id"]: entry for entry in document("campaign")["proposals"]}
    cards = [item for item in shown.all("li") if "data-live-proposal" in item.attributes]
    for card in cards:
        entry = entries[card.attributes["data-live-proposal"]]
        (author,) = (said(e) for e in card.all("p") if e.attributes.get("class") == "author")
        assert author.startswith(entry["author"]["name"])
        assert number(language, entry["counted"]["votes"]) in said(card)
    authors = [e for e in shown.all("p") if e.attributes.get("class") == "author"]
    assert len(authors) >= len(cards)
    assert authors
    assert bool(cards) == (name == "controversial")


@every
def test_the_method_gives_formulas_and_versions(language: str) -> None:
    """Whoever computes anew finds what was computed, and by which version of it."""
    method = section(language, "method")
    text = said(method)
    for formula in ("(k + s) / (1 + n)", "s = 0", "2 √(q (1 − q) / (n + 4))", "Wilson", "− "):
        assert formula in text
    (versions,) = (said(each) for each in method.all("div")
                   if said(each).startswith("Versions"))
    for version in (scores.SCORES_VERSION, str(FIRST_RULES), results_document.FORMAT):
        assert version in versions
    assert len(method.all("dt")) == len(method.all("dd")) >= 10


@every
def test_the_data_can_be_taken_away_under_a_licence(language: str) -> None:
    """CSV, JSON and ZIP, under a licence that is named."""
    data = section(language, "data")
    files = f"/v1/consultations/{campaign.CONSULTATION}"
    assert {f"{files}/results", f"{files}/results.zip", f"{files}/proposals.csv",
            f"{files}/ideas.csv"} <= {link.attributes["href"] for link in data.all("a")}
    assert "Licence Ouverte 2.0" in said(data)
