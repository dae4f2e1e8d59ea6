"""Parts of the results page that are folded, withheld or empty: what is left of each to be seen."""

import copy

from tests.views.pages.html import parse
from tests.views.pages.test_pages import document, every, every_state, page
from views.pages import rendering, results_page


@every
def test_withheld_cells_show_no_number(language: str) -> None:
    """A cell that is withheld says so, and nothing else."""
    found = copy.deepcopy(document("campaign"))
    for cell in found["participation"]["region"]:
        cell["count"] = None if cell["value"] in ("FR-976", "FR-94R", "FR-20R") else 4_000
    made = rendering.render("results.html", language, **results_page.page(found, None))
    rows = {row.all("th")[0].text(): row.all("td")[0].text().strip()
            for row in parse(made).all("tr") if row.within(name="cells") and row.all("td")}
    assert rows["Mayotte"] == {"fr": "non publié", "en": "withheld"}[language]
    assert rows["Corse"] == rows["Mayotte"]
    assert rows["Bretagne"] != rows["Mayotte"]


@every
def test_a_table_withheld_whole_is_a_line(language: str) -> None:
    """Nobody scrolls past eighteen rows that say the same."""
    (section,) = (e for e in page("campaign", language).all("section")
                  if e.attributes["id"] == "participation")
    assert [e.attributes["id"] for e in section.all("table")] == ["by-gender", "by-age_band"]
    said = {"fr": "Région\u00a0: non publié", "en": "Region: withheld"}[language]
    assert said in [e.text().strip() for e in section.all("p")]


@every
@every_state
def test_what_is_folded_has_a_title_and_a_line_that_says_what_is_in_it(
    state: str, language: str
) -> None:
    """Nobody has to open a part to find out whether it is for them, and none opens on nothing."""
    for fold in page(state, language).all("details"):
        if fold.attributes.get("class") != "folded":
            continue
        summary, section = fold.children
        title, line = summary.children
        assert title.attributes["id"] == section.attributes["aria-labelledby"]
        assert line.text().strip()
        assert [e for e in section.all() if e.tag not in ("p", "a")], section.attributes["id"]


@every
@every_state
def test_of_what_is_empty_a_sentence_is_left(state: str, language: str) -> None:
    """Nobody scrolls past explanations of a list that has nothing in it."""
    for empty in page(state, language).all("section"):
        if empty.attributes.get("class") == "nothing":
            assert [e.tag for e in empty.children] == ["h2", "p"], empty.attributes["id"]


@every
@every_state
def test_what_most_people_come_for_is_never_folded(state: str, language: str) -> None:
    """Figures, ideas, controversies, search and data stand open; method and counts need not."""
    folded = {e.attributes["id"] for e in page(state, language).all("section")
              if e.within(name="folded")}
    assert {"method", "check", "counts", "terms"} <= folded
    assert not {"figures", "ideas", "controversial", "proposals", "data"} & folded
