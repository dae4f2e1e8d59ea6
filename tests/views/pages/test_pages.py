"""The results page as HTML: complete, valid, honest with its numbers, open to everybody."""

import copy
import functools
import gzip
import itertools
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures, compute
from processors.results.results_document import document as results_document
from schemas import codec
from tests.views import campaign
from tests.views.pages.html import Element, parse
from views.days import Told
from views.pages import proposals_page, rendering, results_page
from views.pages.glance import ZONES
from views.pages.languages import LANGUAGES


SIZE = 120
PUBLISHED_AT = 1_653_256_800_000
WEIGHT_BYTES = 100_000
"""Most a page may weigh, compressed."""
STATES = ("campaign", "no votes", "nothing described", "unknown proposals", "few votes", "by draw")


@functools.cache
def document(state: str) -> dict[str, Any]:
    """A results document in one of STATES."""
    catalogue, figures = Catalogue(), campaign.figures(SIZE, by_route=state == "by draw")
    if state != "nothing described":
        for offset, value in enumerate(campaign.catalogue_values(SIZE)):
            catalogue.apply(*codec.decode(value), offset)
    if state == "no votes":
        figures = Figures(proposals={})
    if state == "unknown proposals":
        figures.proposals["<b>&"] = figures.proposals["youth-wage"]
    if state == "few votes":
        figures = Figures(proposals={
            name: [min(count, 5) for count in counts]
            for name, counts in list(figures.proposals.items())[:6]}, participants=12)
    found = compute(campaign.CONSULTATION, figures, catalogue,
                    AsOf((100, 200, -1, 0), catalogue.offset, -1), decided={}, undecodable=0)
    return results_document(found, catalogue)


@functools.cache
def html(state: str, language: str) -> bytes:
    model = results_page.page(document(state), PUBLISHED_AT)
    return rendering.render("results.html", language, **model)


@functools.cache
def page(state: str, language: str) -> Element:
    return parse(html(state, language))


every = pytest.mark.parametrize("language", ["fr", "en"])
every_state = pytest.mark.parametrize("state", STATES)


@every
@every_state
def test_tags_balance_and_names_are_given_once(state: str, language: str) -> None:
    """The page is well formed in every state; ids are unique and fragments lead somewhere."""
    elements = page(state, language).all()
    names = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert sorted(names) == sorted(set(names))
    targets = [e.attributes["href"] for e in elements if e.attributes.get("href", "")[:1] == "#"]
    assert {target[1:] for target in targets} <= set(names)


@every
@every_state
def test_headings_descend_one_by_one_from_a_single_first(state: str, language: str) -> None:
    """Who moves by headings misses no level."""
    levels = [int(h.tag[1]) for h in page(state, language).all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


@every
def test_a_citizen_is_given_what_a_check_takes(language: str) -> None:
    """The section leads to the receipts, the keys, the signed results and the note over them."""
    (section,) = (e for e in page("campaign", language).all("section")
                  if e.attributes["id"] == "check")
    results = f"/v1/consultations/{campaign.CONSULTATION}/results"
    receipts = f"/c/{campaign.CONSULTATION}/vote/receipts"
    assert {receipts, f"{receipts}#keys", results, f"{results}/signed", f"{results}/note"} <= {
        e.attributes["href"] for e in section.all("a")}
    assert f"scrutin audit verify {campaign.CONSULTATION}.zip" in section.text()


@every
@every_state
def test_contents_name_every_section_and_no_other(state: str, language: str) -> None:
    """A section that has nothing to say is left out, its link too; every other one has both."""
    root = page(state, language)
    sections = [e.attributes["id"] for e in root.all("section")]
    (contents,) = (e for e in root.all("nav") if e.within(name="contents"))
    links = [e.attributes["href"].removeprefix("#") for e in contents.all("a")]
    assert links == sections
    assert ("context" in sections) == (state != "nothing described")


@every
@every_state
def test_landmarks_and_tables_are_named(state: str, language: str) -> None:
    """One main, a skip link first, named navigations, captions and scopes on every table."""
    root = page(state, language)
    assert len(root.all("main")) == 1
    assert root.all("body")[0].children[0].attributes["href"] == "#content"
    assert all(nav.attributes["aria-label"] for nav in root.all("nav"))
    for table in root.all("table"):
        assert table.children[0].tag == "caption"
        assert table.children[0].text().strip()
        assert all(cell.attributes["scope"] in ("row", "col") for cell in table.all("th"))


@every
@every_state
def test_no_inline_script_or_style_and_nothing_from_elsewhere(state: str, language: str) -> None:
    """The strict policy costs nothing: the page has nothing that it would stop."""
    for element in page(state, language).all():
        assert element.tag not in ("style", "iframe", "object")
        if element.tag == "script":
            assert element.attributes["src"].startswith("/static/live.js?v=")
            assert not element.text()
        for name, value in element.attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in ("href", "src"):
                assert value.startswith(("/", "#", "mailto:")), value


@every
@every_state
def test_languages_are_said(state: str, language: str) -> None:
    """The page says its language, its alternates, and which texts are in another one."""
    root = page(state, language)
    assert root.all("html")[0].attributes["lang"] == language
    alternates = {link.attributes["hreflang"]: link.attributes["href"]
                  for link in root.all("link") if "hreflang" in link.attributes}
    here = f"/c/{campaign.CONSULTATION}"
    assert alternates == {
        "x-default": here, **{other: f"{here}?lang={other}" for other in LANGUAGES}}
    for fact in root.all("li"):
        if fact.within(name="facts") and language == "en":
            langs = [each.attributes.get("lang") for each in fact.all("bdi")]
            assert langs == [None, "fr", None]  # its figure, what it says, its source


@every
@every_state
def test_every_percentage_has_its_count(state: str, language: str) -> None:
    """No share stands without the number of votes, whatever the state."""
    for element in page(state, language).all():
        own = "".join(piece for piece in element.pieces if isinstance(piece, str))
        if not re.search(r"\d[\u00a0\u202f ]?%", own):
            continue
        if any(element.within(name=each) for each in ("facts", "method", "axis", "threshold")):
            continue
        holder = element
        while not holder.within(name="measure") or holder.parent is None:
            assert holder.parent is not None, f"a percentage outside a measure: {own!r}"
            holder = holder.parent
        while holder.attributes.get("class", "").split()[-1:] != ["measure"]:
            assert holder.parent is not None
            holder = holder.parent
        rest = re.sub(r"[\d,.]+[\u00a0\u202f ]?%", "", holder.text())
        assert re.search(r"\d", rest), f"a percentage without a count: {holder.text()!r}"


@every
def test_few_votes_show_counts_and_no_percentage(language: str) -> None:
    """Under 30 votes there is no percentage anywhere in lists and tables of entries."""
    for measure in page("few votes", language).all():
        if measure.attributes.get("class") == "measure" and measure.within(name="legend"):
            assert "%" not in measure.text()


def test_french_numbers_have_their_code_points() -> None:
    """Thousands are grouped by U+202F, and U+00A0 stands before every percent sign."""
    text = page("campaign", "fr").all("main")[0].text()
    votes = f"{document('campaign')['totals']['counted']['votes']:,}".replace(",", "\u202f")
    assert votes in text
    assert "297\u202f876" in text
    assert "\u00a0%" in text
    assert not re.search(r"\d (?:\d|%)", re.sub(r"(?s)> 50 %|> 80 %|71 %|30 %", "", text))


def test_english_numbers_have_their_signs() -> None:
    """Thousands are grouped by commas and the percent sign is close."""
    text = page("campaign", "en").all("main")[0].text()
    assert "297,876" in text
    assert re.search(r"\d%", text)


@every
def test_times_carry_their_instant_and_zone(language: str) -> None:
    """Every time is machine readable, and the moment of computation names its zone."""
    root = page("campaign", language)
    assert all(time.attributes["datetime"] for time in root.all("time"))
    computed = root.all("time")[0]
    assert computed.attributes["datetime"] == "2022-05-23T00:00:00+02:00"
    assert computed.parent is not None
    assert "Paris" in computed.parent.text()


def test_ideas_stand_in_the_order_of_the_catalogue() -> None:
    """The page never ranks ideas by itself."""
    rows = [row.attributes["id"] for row in page("campaign", "fr").all("tr")
            if row.attributes.get("id", "").startswith("idea-")]
    themes = campaign.published()["themes"]
    assert rows == [f"idea-{idea['id']}" for theme in themes for idea in theme["ideas"]]


def test_the_conservation_table_adds_up_as_shown() -> None:
    """The numbers a visitor reads in the table add up to the number under it."""
    (table,) = (t for t in page("campaign", "fr").all("table") if t.within(name="counts"))
    shown = [int(cell.text().replace("\u202f", "")) for cell in table.all("td")
             if cell.attributes.get("class") == "number"]
    assert sum(shown[:-1]) == shown[-1] == document("campaign")["totals"]["received"]


@every
def test_unknown_proposals_are_reported(language: str) -> None:
    """Votes for what the catalogue does not know are shown, under an identifier made harmless."""
    notice = [p for p in page("unknown proposals", language).all("p") if p.within(name="notice")]
    assert len(notice) == 1
    assert b"<code>&lt;b&gt;&amp;</code>" in html("unknown proposals", language)


@every
def test_a_simulated_campaign_says_so_and_no_other_does(language: str) -> None:
    """Nobody may take the votes of a demonstration for those of people."""
    found = copy.deepcopy(document("campaign"))
    words = {"fr": "simulés", "en": "simulated"}[language].encode()
    for origin, said in (("simulation", True), ("operator", False), ("import", False)):
        found["consultation"]["origin"] = origin
        made = rendering.render("results.html", language, **results_page.page(found, None))
        assert (words in made) is said


@every
def test_a_change_after_the_closing_is_said_and_nothing_else_is(language: str) -> None:
    """Whoever reads final figures reads beside them that they were changed after the closing."""
    found = copy.deepcopy(document("campaign"))
    words = {"fr": "modifiés après la clôture", "en": "changed after the closing"}[language]
    for controls, groupings in ((0, 0), (1, 0), (0, 2)):
        found["totals"] |= {
            "controls_after_closing": controls, "groupings_after_closing": groupings}
        for name, model in (
            ("results.html", results_page.page(found, None)),
            ("all_proposals.html", proposals_page.page(
                found, proposals_page.Asked(), phase="final", published_at=None)),
        ):
            made = rendering.render(name, language, **model).decode()
            assert (words in made) is bool(controls or groupings)


@every
def test_a_text_of_the_catalogue_cannot_become_markup(language: str) -> None:
    """What people wrote is text, wherever it stands."""
    hostile = copy.deepcopy(document("campaign"))
    hostile["consultation"]["question"] = {"fr": '"><script>x</script>'}
    hostile["proposals"][0]["author"]["name"] = "<img src=x onerror=y>"
    hostile["ideas"][0]["title"] = {"fr": "%(votes)s<script>", "en": "{{ 7 * 7 }}<script>"}
    made = rendering.render("results.html", language, **results_page.page(hostile, None))
    assert made.count(b"<script") == made.count(b'<script type="module" src="/static/') <= 1
    assert b"<img" not in made
    parse(made)


TOLD = Told({date(2022, 3, 22) + timedelta(day): 100 + day for day in range(62)},
            datetime(2022, 5, 24, tzinfo=UTC))


@functools.cache
def whole(language: str) -> bytes:
    """The page of full size, with everything it can have."""
    model = results_page.page(campaign.document(), PUBLISHED_AT, told=TOLD,
                              address="https://vote.example.org")
    return rendering.render("results.html", language, **model)


@every
def test_every_picture_has_a_name_words_and_a_table(language: str) -> None:
    """Who cannot see a picture hears its title and description, and reads its figures below."""
    root = parse(whole(language))
    names = {e.attributes["id"] for e in root.all() if "id" in e.attributes}
    pictures = [e for e in root.all("svg") if e.attributes.get("role") == "img"]
    assert len(pictures) == 2
    for picture in pictures:
        assert {picture.attributes["aria-labelledby"],
                picture.attributes["aria-describedby"]} <= names
    others = [e for e in root.all("svg") if e not in pictures]
    assert all(e.attributes.get("aria-hidden") == "true" for e in others)
    for section in ("glance", "days"):
        (found,) = (e for e in root.all("section") if e.attributes["id"] == section)
        assert len(found.all("table")) == 1


@every
def test_zones_are_told_apart_without_colour(language: str) -> None:
    """Each zone of the table has a shape of its own, by its ends, its turn or its hole."""
    (table,) = (e for e in parse(whole(language)).all("table") if e.within(name="zones"))
    shapes = [[(path.attributes["stroke-width"], path.attributes.get("transform"))
               for path in swatch.all("path")] for swatch in table.all("svg")]
    assert len({str(shape) for shape in shapes}) == len(shapes) == len(ZONES)


@every
def test_the_table_of_days_holds_what_the_archive_told(language: str) -> None:
    """A row a day, in order; the picture has a column for each."""
    (section,) = (e for e in parse(whole(language)).all("section")
                  if e.attributes["id"] == "days")
    told = [(row.all("time")[0].attributes["datetime"], row.all("td")[0].text().strip())
            for row in section.all("tr") if row.all("td")]
    assert told == [(day.isoformat(), str(votes)) for day, votes in TOLD.days.items()]
    assert section.all("path")[0].attributes["d"].count("M") == len(TOLD.days)


@every
def test_sharing_asks_nothing_of_others_before_a_link_is_followed(language: str) -> None:
    """Other sites stand in plain links alone, that take no referrer and no window with them."""
    for element in parse(whole(language)).all():
        for name in ("href", "src", "action", "srcset"):
            value = element.attributes.get(name, "")
            if value.startswith("http") and element.attributes.get("rel") != "canonical":
                assert element.tag == "a"
                assert element.within(name="share")
                assert {"noopener", "noreferrer"} <= set(element.attributes["rel"].split())


@every
def test_a_page_of_full_size_is_light(language: str) -> None:
    """2,864 proposals weigh no more than WEIGHT_BYTES with styles and script, as sent."""
    parts = (whole(language), rendering.static("style.css"), rendering.static("live.js"))
    assert sum(len(gzip.compress(part)) for part in parts) <= WEIGHT_BYTES
    assert parse(whole(language)).all("h1")


@every
def test_votes_set_aside_by_a_rule_are_said_to_be(language: str) -> None:
    """Rule by rule, and the rest as an operator's: together all that are suspended."""
    made = copy.deepcopy(document("by draw"))
    made["totals"]["set_aside"]["suspended"] = 12
    made["totals"]["set_aside_by_rule"] = {"3": 4, "7": 1}
    model = results_page.page(made, PUBLISHED_AT)
    told: Any = parse(rendering.render("results.html", language, **model))
    told = _section(told, "counts").all("li")
    assert model["by_rule"] == [(3, 4), (7, 1), (0, 7)]
    assert [re.findall(r"[0-9]+", each.text()) for each in told] == [["3", "4"], ["7", "1"], ["7"]]


def _section(found: Element, name: str) -> Element:
    return next(each for each in found.all("section") if each.attributes.get("id") == name)


@every
@every_state
def test_wherever_rounded_shares_need_not_add_up_it_says_so(state: str, language: str) -> None:
    """Every section with agree, disagree and neutral as whole percentages has the note."""
    note = {"fr": "sont arrondis", "en": "are rounded"}[language]
    found = page(state, language)
    legends = [each for each in found.all("ul")
               if each.attributes.get("class") == "legend" and "%" in each.text()]
    assert bool(legends) == (state not in ("no votes", "few votes"))
    assert all(note in _section_of(legend).text() for legend in legends)


def _section_of(element: Element) -> Element:
    while element.tag not in ("section", "main"):
        assert element.parent
        element = element.parent
    return element
