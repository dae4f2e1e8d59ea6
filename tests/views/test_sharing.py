"""What is shared: pages of proposals and ideas, their pictures, and what networks read of both."""

import copy
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.views import campaign, test_hidden_words
from tests.views.pages.html import parse
from tests.views.test_api import Clock, Published
from tests.views.test_publications import Given
from views import sharing
from views.api import application
from views.pages import picture
from views.pages.cards import Cards
from views.pages.picture import Card, Part
from views.publications import Publications


SIZE = 60
PAGE = f"/c/{campaign.CONSULTATION}"
ADDRESS = "https://vote.example"
BLANK = Card("", "", (), "", "")
BAR = (Part("agree", "60\u00a0%", "Agree", "6 votes", 0.6),
       Part("disagree", "40\u00a0%", "Disagree", "4 votes", 0.4))


@pytest.fixture
def source() -> Published:
    """Return the state of a small campaign, closed, all read."""
    made = Published(campaign.flushes(SIZE))
    made.ready.set()
    return made


@pytest.fixture
def client(source: Published) -> Iterator[TestClient]:
    """Yield a client of a service that people reach at an address."""
    publications = Publications(source.flushes, Clock(), address=ADDRESS)
    with TestClient(application(source, publications)) as made:
        yield made


def first(kind: str) -> dict[str, Any]:
    """Return the first proposal or idea of the results."""
    found: dict[str, Any] = campaign.document(SIZE)[{"proposal": "proposals", "idea": "ideas"}[
        kind]][0]
    return found


def head(client: TestClient, path: str) -> dict[str, str]:
    """Return what a network reads in the head of a page."""
    return {each.attributes.get("property", each.attributes.get("name", "")):
            each.attributes.get("content", "")
            for each in parse(client.get(path).content).all("meta")}


def pixels(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body)) as opened:
        return opened.convert("RGB")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", [
    PAGE, f"{PAGE}/proposal?id={first('proposal')['id']}", f"{PAGE}/idea?id={first('idea')['id']}"])
def test_what_is_shared_has_a_title_a_sentence_and_a_picture(
    client: TestClient, path: str, language: str
) -> None:
    """Under the address that people reach; the picture it names is there, as large as it says."""
    said = head(client, f"{path}{'&' if '?' in path else '?'}lang={language}")
    shown = pixels(client.get(said["og:image"].removeprefix(ADDRESS)).content)

    assert said["og:url"] == f"{ADDRESS}{path}"
    assert said["og:title"] in said["og:image:alt"]
    assert any(letter.isdigit() for letter in said["og:description"])
    assert shown.size == (int(said["og:image:width"]), int(said["og:image:height"]))
    assert said["twitter:card"] == "summary_large_image"


@pytest.mark.parametrize("kind", sharing.KINDS)
def test_each_entry_has_a_picture_of_its_own_in_each_language(
    client: TestClient, kind: str
) -> None:
    """No two are the same bytes; asked again, each is."""
    paths = [f"{PAGE}/picture.png?{kind}={entry['id']}&lang={language}"
             for entry in campaign.document(SIZE)[f"{kind}s"][:4] for language in ("fr", "en")]
    drawn = [client.get(path).content for path in (*paths, f"{PAGE}/picture.png")]

    assert len(set(drawn)) == len(drawn)
    assert [client.get(path).content for path in paths] == drawn[:-1]


@pytest.mark.parametrize("path", [
    "/proposal", "/proposal?id=", "/proposal?id=nobody", "/idea?id=nobody",
    "/picture.png?idea=nobody", "/picture.png?proposal="])
def test_what_is_not_there_is_not_drawn(client: TestClient, path: str) -> None:
    """Nobody makes us draw what they typed."""
    assert client.get(f"{PAGE}{path}").status_code == 404


def test_a_picture_is_drawn_once_a_minute_however_votes_come() -> None:
    """While it is young it is sent as it is, under its tag; then it follows."""
    given, tags = Given(), []
    for seconds in (0.0, sharing.PICTURE_SECONDS / 2, sharing.PICTURE_SECONDS):
        given.clock.now += seconds
        given.later()
        tags.append(given.client.get(f"{PAGE}/picture.png").headers["etag"])
    assert (tags[0] == tags[1], tags[1] == tags[2]) == (True, False)


def test_a_retired_proposal_says_so_and_hidden_words_are_not_drawn() -> None:
    """Its page and picture stay, for its votes count; what is hidden is told by neither."""
    name = test_hidden_words.HIDDEN
    hidden = test_hidden_words.world(retire=True)
    with TestClient(application(hidden)) as client:
        page = client.get(f"{PAGE}/proposal?id={name}&lang=en").text
        drawn = client.get(f"{PAGE}/picture.png?proposal={name}&lang=en").content
    with TestClient(application(test_hidden_words.world(retire=False))) as client:
        before = client.get(f"{PAGE}/picture.png?proposal={name}&lang=en").content

    assert "not voted on any more" in page
    assert test_hidden_words.SECRET not in page
    assert drawn != before


@pytest.mark.parametrize("title", ["x" * 5_000, "un mot " * 900, "W" * 40, "é" * 200])
def test_no_title_runs_out_of_its_picture(title: str) -> None:
    """However long it is, and whatever its words, the edges stay as they are without it."""
    drawn, empty = (pixels(picture.draw(Card("", each, BAR, "", ""))) for each in (title, ""))
    edges = [(0, 20, picture.MARGIN - 2, picture.HEIGHT),
             (picture.WIDTH - picture.MARGIN + 3, 20, picture.WIDTH, picture.HEIGHT),
             (0, picture.TITLE_BOTTOM + 8, picture.WIDTH, picture.HEIGHT)]

    assert drawn.tobytes() != empty.tobytes()
    assert [drawn.crop(edge).tobytes() == empty.crop(edge).tobytes() for edge in edges] == (
        [True] * 3)


def test_what_the_font_has_no_letters_for_is_left_out() -> None:
    """Boxes in a row say nothing: the figures stand alone."""
    alone = picture.draw(Card("", "", BAR, "", ""))

    assert picture.draw(Card("", "مرحبا", BAR, "", "")) == alone
    assert picture.draw(Card("", "Ça, œuf, Ώ, Ж…", BAR, "", "")) != alone


@pytest.mark.parametrize(("text", "drawn"), [
    ("Plus de vélos \U0001f6b2\u200d\u2642\ufe0f !", "Plus de vélos !"),
    ("\u2764\ufe0f coeur 1\ufe0f\u20e3", "coeur 1"), ("le week\u2011end", "le week-end"),
    ("\u200fa\u00adb\u200b", "ab"), ("5\u00a0°C, 3\u202f€ → ✓", "5 °C, 3 € → ✓"),
    ("\U0001f600", ""), ("bonjour مرحبا", ""), ("x \U0001d49c", "")])
def test_a_sentence_is_drawn_without_symbols_that_the_font_has_not(text: str, drawn: str) -> None:
    """As emoji, and what nobody sees; where a letter is missing it is not drawn at all."""
    assert picture.shown(text) == drawn


@pytest.mark.parametrize("title", ["W" * 3_000, "i" * 3_000, "e\u0301" * 1_500, "un mot " * 430])
def test_the_longest_text_is_measured_a_few_times(title: str) -> None:
    """Whatever its words: a word of thousands of letters is not measured again for each line."""
    measured = 0

    class Face:
        def getlength(self, text: str) -> float:
            nonlocal measured
            measured += len(text)
            return 20.0 * len(text)

    lines = picture._lines(title, Face(), 6)  # type: ignore[arg-type]  # as far as it is asked
    picture._cut(title, Face(), picture.WITHIN)  # type: ignore[arg-type]  # as above

    assert len(lines) == 6
    assert measured < 10 * len(title)


def test_a_bar_shows_its_shares_in_the_colours_of_the_pages() -> None:
    """Six tenths agree, four disagree, nothing beside."""
    shown = pixels(picture.draw(Card("", "", BAR, "", "")))
    middle = (picture.BAR_TOP + picture.BAR_BOTTOM) // 2
    row = [shown.getpixel((x, middle)) for x in range(picture.MARGIN, picture.WIDTH)]
    blue = [pixel for pixel in row if pixel == (0, 114, 178)]

    assert len(blue) == pytest.approx(0.6 * picture.WITHIN, abs=6)
    assert row[-1] == (255, 255, 255)


@pytest.mark.parametrize(("language", "words"), [("fr", "simulés"), ("en", "simulated")])
@pytest.mark.parametrize("kind", sharing.KINDS)
def test_a_demonstration_says_so_wherever_it_is_shared(
    language: str, words: str, kind: str
) -> None:
    """In what picture and sentence say of the state of the results; others do not."""
    found = []
    for origin in ("simulation", "operator"):
        frame = copy.deepcopy(campaign.document(SIZE))
        frame["consultation"]["origin"] = origin
        made = Cards(language)
        cards = (made.of_consultation(frame, "final"),
                 made.of_entry(frame, kind, first(kind), "final"))
        found.append([words in card.state for card in cards])
    assert found == [[True, True], [False, False]]
