"""The list of all proposals: what is asked for is shown, what is not understood is said."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.views import campaign
from tests.views.pages.html import Element, parse
from views.api import application
from views.embargo import concealed
from views.flushes import Flushes
from views.pages import rendering
from views.pages.glance import ZONES
from views.pages.proposals_page import (
    PAGE_ROWS,
    SEARCH_CHARACTERS,
    SORTS,
    Asked,
    BadPart,
    asked,
    folded,
    found,
    page,
)


SIZE = 180
LIST = f"/c/{campaign.CONSULTATION}/proposals"


def document() -> dict[str, Any]:
    return campaign.document(SIZE, closed=False)


@dataclass
class Published:
    """A source whose state is given."""

    flushes: Flushes
    ready: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """Yield a client of the application that shows the campaign."""
    source = Published(campaign.flushes(SIZE, closed=False))
    source.ready.set()
    with TestClient(application(source), headers={"accept-language": "en"}) as made:
        yield made


def shown(client: TestClient, query: str = "") -> tuple[list[str], Element]:
    """Return the identifiers of the rows of a page, and the page."""
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    page = parse(answer.content)
    return [row.attributes["data-live-proposal"] for row in page.all("li")
            if "data-live-proposal" in row.attributes], page


def test_the_pages_hold_every_proposal_once(client: TestClient) -> None:
    """Following "next" from the first page meets each proposal once, in the order asked for."""
    met: list[str] = []
    query: str | None = "?sort=agree"
    while query is not None:
        names, page = shown(client, query)
        assert len(names) <= PAGE_ROWS
        met += names
        following = [a.attributes["href"] for a in page.all("a")
                     if a.attributes.get("rel") == "next"]
        query = following[0].removeprefix(LIST) if following else None
    assert met == [entry["id"] for entry in found(document(), Asked(sort="agree"))]
    assert sorted(met) == sorted(entry["id"] for entry in document()["proposals"])


@pytest.mark.parametrize("sort", SORTS)
def test_an_order_loses_nothing_and_goes_by_its_figure(sort: str) -> None:
    """Each order is of all proposals; shares go by the cautious end of their interval."""
    listed = found(document(), Asked(sort=sort))
    assert len(listed) == SIZE
    if sort in ("agree", "disagree", "neutral"):
        lows = [entry["intervals"][sort][0] for entry in listed]
        assert lows == sorted(lows, reverse=True)
    if sort == "score":
        ranks = [entry["rank"]["position"] for entry in listed if entry["rank"]]
        assert ranks == list(range(1, len(ranks) + 1))
        assert all(entry["rank"] for entry in listed[:len(ranks)])
    if sort == "controversy":
        first = document()["controversial"]
        assert [entry["id"] for entry in listed[:len(first)]] == first
    if sort == "catalogue":
        assert [entry["id"] for entry in listed] == [
            entry["id"] for entry in document()["proposals"]]


def test_filters_keep_what_they_say_and_nothing_else() -> None:
    """Idea, theme, zone and least votes each keep exactly the proposals they name."""
    every = document()["proposals"]
    idea = document()["ideas"][3]
    theme = {each["id"] for each in document()["ideas"] if each["theme"] == idea["theme"]}
    for wanted, keep in (
        (Asked(idea=idea["id"]), lambda entry: entry["idea"] == idea["id"]),
        (Asked(theme=idea["theme"]), lambda entry: entry["idea"] in theme),
        (Asked(zone=ZONES[1]), lambda entry: entry["zone"] == ZONES[1]),
        (Asked(min_votes=100), lambda entry: entry["counted"]["votes"] >= 100),
    ):
        kept = sorted(entry["id"] for entry in every if keep(entry))
        assert kept
        assert sorted(entry["id"] for entry in found(document(), wanted)) == kept


@pytest.mark.parametrize(("search", "words"), [
    ("ECOLE créer", ("école", "créer")), ("l’université", ("l'université",)),
    ("p-0042", ()), ("Inès", ("inès",)),
])
def test_a_search_finds_words_whatever_their_case_accents_and_apostrophes(
    search: str, words: tuple[str, ...]
) -> None:
    """All words must be there, in the text or the author's name; an identifier finds its own."""
    listed = found(document(), asked({"q": search}, document()))
    assert listed
    for entry in listed:
        text = folded(" ".join([*entry["text"].values(), entry["author"]["name"]]))
        assert all(folded(word) in text for word in words)
    if not words:
        assert [entry["id"] for entry in listed] == [search]


@given(st.builds(
    Asked, q=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")),
                     max_size=SEARCH_CHARACTERS),
    zone=st.sampled_from(["", *ZONES]), min_votes=st.integers(0, 10**9 - 1),
    sort=st.sampled_from(SORTS), page=st.integers(1, 9_999)))
def test_an_address_leads_back_to_its_list(wanted: Asked) -> None:
    """What is written into the address is read from it."""
    parts = dict(parse_qsl(wanted.query().removeprefix("?"), keep_blank_values=True))
    assert asked(parts, document()) == wanted


@pytest.mark.parametrize("query", [
    "sort=nope", "idea=nope", "theme=nope", "zone=nope", "min_votes=-1", "min_votes=1.5",
    "min_votes=9999999999", "page=two", "page=%C2%B2", f"q={'x' * (SEARCH_CHARACTERS + 1)}"])
def test_a_part_that_is_not_understood_is_said(client: TestClient, query: str) -> None:
    """400, a sentence that a screen reader speaks, the form to begin anew, and no list."""
    name = query.partition("=")[0]
    with pytest.raises(BadPart) as caught:
        asked(dict(parse_qsl(query)), document())
    assert caught.value.name == name
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
    page = parse(answer.content)
    (alert,) = (e for e in page.all("div") if e.attributes.get("role") == "alert")
    assert len(alert.all("strong")[0].text().split()) > 4
    assert page.all("form")
    assert not any("data-live-proposal" in row.attributes for row in page.all("li"))


def test_beyond_the_last_page_the_number_of_pages_is_said(client: TestClient) -> None:
    """404, and how many pages there are."""
    answer = client.get(f"{LIST}?page=99")
    assert answer.status_code == 404
    assert "This list has 4 pages." in answer.text


def test_an_empty_list_says_what_to_do(client: TestClient) -> None:
    """Nothing found is no error: the page says of how many, and leads back to all."""
    names, page = shown(client, "?q=xylophone")
    assert names == []
    assert "No proposal found" in page.all("h2")[0].text()
    assert f"None of the {SIZE} proposals" in page.text()


def test_the_form_keeps_what_was_asked(client: TestClient) -> None:
    """Search, filters and order stand in the form, languages keep the address, rows are named."""
    _, page = shown(client, "?q=cr%C3%A9er&zone=consensus&min_votes=7&sort=neutral")
    inputs = {e.attributes["name"]: e.attributes.get("value") for e in page.all("input")}
    chosen = {e.parent.attributes["name"]: e.attributes["value"] for e in page.all("option")
              if "selected" in e.attributes and e.parent}
    assert inputs == {"q": "créer", "min_votes": "7"}
    assert chosen == {"zone": "consensus", "sort": "neutral"}
    labels = {label.attributes["for"] for label in page.all("label")}
    fields = page.all("input", "select")
    assert labels == {element.attributes["id"] for element in fields}
    french = next(a for a in page.all("a") if a.attributes.get("hreflang") == "fr")
    assert re.search(r"\?q=.*&lang=fr$", french.attributes["href"])


def test_a_list_has_a_tag_of_its_own(client: TestClient) -> None:
    """Two lists are two representations; who holds one gets 304."""
    first, second = (client.get(f"{LIST}{query}") for query in ("", "?sort=agree"))
    assert first.headers["etag"] != second.headers["etag"]
    again = client.get(LIST, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("written", "typed"), [
    ("cœur", "coeur"), ("Œuvre", "oeuvre"), ("été", "ete"), ("ex æquo", "ex aequo"),
    ("garçon", "garcon"), ("Straße", "strasse"), ("l’école", "l'ecole"),
    ("ap\u00adpren\u00adtis\u00adsage", "apprentissage"),
    ("zéro\u200b\u200ddéchet", "zerodechet"), ("vélo\u00a0gratuit", "velo gratuit"),
    ("porte‑à‑porte", "porte-a-porte"), ("eﬃcace", "efficace"), ("e\u0301cole", "école"),
])
def test_a_search_finds_a_word_however_it_is_typed(written: str, typed: str) -> None:
    """Ligatures, accents, apostrophes, hyphens and what nobody sees make no difference."""
    made = document()
    made["proposals"] = [
        {**entry, "text": {"fr": f"Il faut {written} partout"}} if place == 3 else entry
        for place, entry in enumerate(made["proposals"])]

    for words in (written, typed, typed.upper()):
        names = [entry["id"] for entry in found(made, asked({"q": words}, made))]
        assert made["proposals"][3]["id"] in names


@pytest.mark.parametrize("closed", [True, False])
def test_a_proposal_has_its_drawn_votes_beside_all(*, closed: bool) -> None:
    """Where rules 2 are in force: choices with intervals, routes, rank; hidden with the shares."""
    made = campaign.document(SIZE, by_route=True)
    made = made if closed else concealed(made)
    asked_for = Asked()
    text = rendering.render(
        "all_proposals.html", "en",
        **page(made, asked_for, phase=made["state"], published_at=None)).decode()
    details = parse(text.encode()).all("details")
    if not closed:
        assert not details
        return
    shown = found(made, asked_for)[:PAGE_ROWS]
    assert len(details) == len(shown)
    for element, entry in zip(details, shown, strict=True):
        told = element.text().replace(",", "")
        assert f"{entry['drawn']['agree']} of {entry['drawn']['votes']} votes" in told
        assert f"route unknown: {entry['routes']['unknown']}" in told
        assert ("Rank by drawn votes" in told) == bool(entry["drawn_rank"])


def test_the_list_says_that_shares_are_rounded_where_it_shows_any(client: TestClient) -> None:
    """Agree, disagree and neutral of a row may come to 99 or 101: the page says it, once."""
    note = "Percentages are rounded"
    assert shown(client)[1].text().count(note) == 1
    assert note not in shown(client, "?q=nothing-is-called-so")[1].text()
