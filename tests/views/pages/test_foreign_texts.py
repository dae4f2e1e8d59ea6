"""What others wrote, on a page: it stands by itself, and nothing of it changes what is around."""

import re
from typing import Any

import pytest

from tests.views import campaign
from tests.views.pages.html import parse
from views.pages import proposals_page, rendering, results_page


TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = f"Oui {TURNING}non\0\u0085 <b>gras</b> {'long' * 175}"
SIZE = 40


def document() -> dict[str, Any]:
    """Return a document in which everything that others wrote is hostile."""
    made = campaign.document(SIZE, closed=False)
    texts = {"fr": HOSTILE}
    made["consultation"] = {
        **made["consultation"], "question": texts, "hashtag": HOSTILE,
        "facts": [{"value": HOSTILE, "texts": texts, "source": HOSTILE}],
        "stages": [{"name": HOSTILE, "begins": HOSTILE, "ends": HOSTILE}],
        "organisers": [{"role": "initiator", "names": [HOSTILE, HOSTILE]},
                       {"role": HOSTILE, "names": [HOSTILE]}]}
    made["themes"] = [{**theme, "title": texts} for theme in made["themes"]]
    made["ideas"] = [{**idea, "title": texts} for idea in made["ideas"]]
    author = {"name": HOSTILE, "kind": "citizen", "age_band": HOSTILE}
    made["proposals"] = [
        {**entry, "text": texts, "author": author} for entry in made["proposals"]]
    return made


def pages(language: str) -> list[str]:
    """Render the pages that show most of what others wrote."""
    made = document()
    listed = proposals_page.page(made, proposals_page.Asked(), phase="open", published_at=0)
    return [rendering.render(template, language, **model).decode() for template, model in (
        ("results.html", results_page.page(made, 0, phase="open")),
        ("all_proposals.html", listed))]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_that_turns_text_or_controls_is_on_a_page(language: str) -> None:
    """Neither in what is read nor in an attribute, a title or an option."""
    for page in pages(language):
        assert not re.search(f"[{TURNING}\0\u0085]", page)
        assert "<b>gras" not in page


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_text_that_is_read_stands_in_an_isolated_element(language: str) -> None:
    """Its direction ends with it: only where no element can stand (options, titles) it is bare."""
    for page in pages(language):
        for element in parse(page.encode()).all():
            own = "".join(piece for piece in element.pieces if isinstance(piece, str))
            if "gras" in own and element.tag not in ("title", "option"):
                assert element.tag == "bdi", own


def test_an_option_of_a_command_is_one_piece_and_a_name_within_is_no_markup() -> None:
    """Lines break between options alone; what an organiser named stays text."""
    assert str(rendering.options("scrutin verify <b>--x</b> --policy p--q")) == (
        'scrutin verify &lt;b&gt;--x&lt;/b&gt; <span class="option">--policy</span> p--q')
