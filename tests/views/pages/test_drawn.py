"""Drawn votes on the results page: beside all, and where they differ from others."""

import re

from tests.views.pages.html import Element
from tests.views.pages.test_pages import document, every, html, page
from views.pages import highlights


APART = {"fr": "des votes exprimés quand le service", "en": "of votes cast when the service"}


@every
def test_drawn_votes_stand_beside_all_where_rules_2_are_in_force(language: str) -> None:
    """Routes add up to the counted votes; ideas have both shares and ranks. Before, no word of it.
    """
    made, found = document("by draw"), page("by draw", language)
    section = section_of(found, "drawn")
    shown = re.sub(r"[^\w:]", "", section.text())
    routes = made["totals"]["routes"]
    assert sum(routes.values()) == made["totals"]["counted"]["votes"]
    assert all(str(count) in shown for count in routes.values())
    for idea in made["ideas"]:
        assert f"{idea['drawn']['agree']}" in shown
        assert f":{idea['routes']['unknown']}" in shown
    assert 'href="#drawn"' in html("by draw", language).decode()
    assert 'id="drawn"' not in html("campaign", language).decode()


@every
def test_where_drawn_and_other_votes_differ_the_page_says_both(language: str) -> None:
    """"62 % of all; 54 % of votes cast when the service showed it", and no word of fraud."""
    entries = [entry for entry in document("by draw")["proposals"] if entry["apart"]]
    section = section_of(page("by draw", language), "drawn")
    told = [element.text() for element in section.all() if element.attributes.get(
        "class") == "apart measure"]
    assert entries
    assert len(told) >= min(len(entries), highlights.APART_SHOWN)
    assert all(APART[language] in text for text in told)
    assert str(len(entries)) in section.text()
    assert "fraud" not in section.text().lower()


def section_of(found: Element, name: str) -> Element:
    return next(each for each in found.all("section") if each.attributes.get("id") == name)
