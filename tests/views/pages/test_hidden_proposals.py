"""Proposals without a text on the pages: rejected comments of an import, hidden but counted."""

from pathlib import Path

import pytest

from producers.polis import read_export
from tests.views.test_polis_export import counted
from views.pages import proposals_page, rendering, results_page


CASE = Path(__file__).parents[2] / "producers" / "cases" / "polis-moderated"
SAID = {
    "fr": "Proposition dont le texte n’est pas montré",
    "en": "Proposal whose text is not shown",
}


@pytest.mark.parametrize("language", SAID)
def test_a_hidden_proposal_is_counted_and_its_text_is_nowhere(language: str) -> None:
    """The pages name it by its number, and show its votes with all others."""
    found, _, _ = counted(read_export(CASE))
    hidden = next(entry for entry in found["proposals"] if entry["id"] == "1")
    listed = rendering.render("all_proposals.html", language, **proposals_page.page(
        found, proposals_page.Asked(), phase="open", published_at=None)).decode()
    whole = rendering.render("results.html", language, **results_page.page(found, None)).decode()

    assert hidden["counted"]["agree"] == 1
    assert SAID[language] in listed
    assert "First, with a comma" in listed
    assert "Rejected by moderators" not in listed + whole + str(found)
