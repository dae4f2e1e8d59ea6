"""oEmbed: a link to a page of ours becomes the widget, within bounds; another has no answer."""

import html
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from schemas import codec
from schemas.partners import DESCRIBED
from tests.views import campaign, test_embargo
from tests.views.pages.html import parse
from tests.views.test_api import Clock
from tests.views.test_sharing import ADDRESS, PAGE
from views.api import application
from views.publications import Publications


LINE = ('<iframe src="{}" title="{}" width="{}" height="{}" loading="lazy" '
        'referrerpolicy="strict-origin-when-cross-origin" style="border:0"></iframe>')
TITLE = campaign.published()["question"]


def client(*sites: str, address: str = ADDRESS, swapped: bool = False) -> TestClient:
    """Serve a campaign under embargo that has a partner."""
    source = test_embargo.world(swapped=swapped)
    value = codec.encode(
        DESCRIBED, event_id=bytes(16), consultation=campaign.CONSULTATION, partner=3,
        name="La Voix", sites=list(sites), key_digest=b"",
        ballots_per_minute=0, origin="operator", occurred_at=1)
    source.flushes.catalogue.apply(*codec.decode(value), source.flushes.catalogue.offset + 1)
    return TestClient(application(
        source, Publications(source.flushes, Clock(), address=address)))


@pytest.fixture
def partnered() -> TestClient:
    return client("https://www.la-voix.example")


def asked(of: TestClient, url: str, **query: Any) -> Any:
    answer = of.get("/oembed", params={"url": url, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.mark.parametrize(("path", "query"), [
    ("?lang=fr", "lang=fr"), ("/vote?lang=fr", "lang=fr"), ("/widget/3?lang=en", "lang=en"),
    ("/proposal?id=p%261&lang=fr", "lang=fr&proposal=p%261"),
    ("/vote?proposal=p1&lang=fr", "lang=fr&proposal=p1"), ("/idea?id=i1&lang=fr", "lang=fr")])
def test_a_link_to_a_page_of_ours_becomes_the_widget(
    partnered: TestClient, path: str, query: str
) -> None:
    """In the language of the link, with its proposal first; as oEmbed 1.0 has it."""
    found = asked(partnered, f"{ADDRESS}{PAGE}{path}", format="json")
    language = "en" if "en" in query else "fr"
    src = html.escape(f"{ADDRESS}{PAGE}/widget?{query}")

    assert (found["version"], found["type"]) == ("1.0", "rich")
    assert found["html"] == LINE.format(src, html.escape(found["title"]), 720, 720)
    assert found["title"].split()[0] == TITLE[language].split()[0]
    assert (found["width"], found["height"], found["provider_url"]) == (720, 720, ADDRESS)


@pytest.mark.parametrize(("most", "kind", "size"), [
    ({"maxwidth": 400, "maxheight": 500}, "rich", (400, 500)),
    ({"maxwidth": 99_999}, "rich", (720, 720)), ({"maxwidth": 319}, "link", (None, None)),
    ({"maxheight": 399}, "link", (None, None)), ({"maxwidth": 0}, "link", (None, None))])
def test_nothing_is_larger_than_was_asked_for(
    partnered: TestClient, most: dict[str, int], kind: str, size: tuple[int | None, int | None]
) -> None:
    """Where nobody could vote in the frame it is a link; too large a picture is left out."""
    found = asked(partnered, f"{ADDRESS}{PAGE}", **most)
    bounds = (most.get("maxwidth", 10**6), most.get("maxheight", 10**6))
    picture = (found.get("thumbnail_width", 0), found.get("thumbnail_height", 0))

    assert (found["type"], (found.get("width"), found.get("height"))) == (kind, size)
    assert all(pixels <= bound for pixels, bound in zip(picture, bounds, strict=True))
    assert ("html" in found) is (kind == "rich")


@pytest.mark.parametrize(("query", "status"), [
    ({}, 404), ({"url": ""}, 404), ({"url": "https://evil.example/c/x"}, 404),
    ({"url": f"{ADDRESS}.evil.example{PAGE}"}, 404), ({"url": PAGE}, 404),
    ({"url": f"{ADDRESS}/c/nobody"}, 404), ({"url": f"{ADDRESS}{PAGE}/nowhere"}, 404),
    ({"url": f"{ADDRESS}/static/vote.js"}, 404), ({"url": f"{ADDRESS}{PAGE}?{'a&' * 600}"}, 404),
    ({"url": f"{ADDRESS}{PAGE}?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1"}, 404),
    ({"url": f"{ADDRESS}//["}, 404), ({"url": f"{ADDRESS}//x{PAGE}"}, 404),
    ({"url": f"{ADDRESS}/ops"}, 401), ({"url": f"{ADDRESS}{PAGE}", "format": "xml"}, 501),
    ({"url": f"{ADDRESS}{PAGE}", "maxwidth": "wide"}, 400),
    ({"url": f"{ADDRESS}{PAGE}", "maxheight": "-1"}, 400)])
def test_what_is_not_ours_to_embed_has_no_answer(
    partnered: TestClient, query: dict[str, str], status: int
) -> None:
    """404 for what is none of ours, 401 for what is private, 501 for XML, by the specification."""
    answer = partnered.get("/oembed", params=query)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "iframe" not in answer.text


def test_without_a_partner_or_an_address_nothing_is_embedded_and_no_page_says_so() -> None:
    """Neither an answer, nor a link in the heads of pages, nor a line to copy."""
    for each in (client(), client("https://www.la-voix.example", address="")):
        answer = each.get("/oembed", params={"url": f"{ADDRESS}{PAGE}"})
        page = each.get(f"{PAGE}?lang=en").text
        assert answer.status_code == 404
        assert "oembed" not in page
        assert "iframe" not in page


@pytest.mark.parametrize("path", [
    PAGE, f"{PAGE}/proposal?id={campaign.proposals(test_embargo.SIZE)[0]['id']}"])
def test_pages_name_what_embeds_them(partnered: TestClient, path: str) -> None:
    """The link in the head leads to an answer."""
    page = parse(partnered.get(path).content)
    [link] = [each for each in page.all("link")
              if each.attributes.get("type") == "application/json+oembed"]
    answer = partnered.get(str(link.attributes["href"]).removeprefix(ADDRESS))

    assert f"url={quote(ADDRESS + path, safe='')}" in str(link.attributes["href"])
    assert answer.json()["type"] == "rich"


def test_organisers_find_the_line_to_copy_where_results_are_shared(partnered: TestClient) -> None:
    """As text, in the language of the page, labelled."""
    page = partnered.get(f"{PAGE}?lang=en").text
    line = page.split('<textarea id="embed"')[1].split(">", 1)[1].split("</textarea>")[0]

    assert html.unescape(line).startswith(
        f'<iframe src="{ADDRESS}{PAGE}/widget?lang=en" title="')
    assert '<label for="embed">' in page


def test_how_people_vote_changes_no_answer() -> None:
    """Under embargo or not: two worlds with other choices are answered alike."""
    found = [asked(client("https://a.example", swapped=swapped), f"{ADDRESS}{PAGE}")
             for swapped in (False, True)]

    assert found[0] == found[1]
