"""The full report: everything in one file, of one position of the log, that asks nobody."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from schemas.words import CHOICES, QUALIFICATIONS
from tests.views import campaign, test_hidden_words
from tests.views.pages.html import Element, parse
from tests.views.pages.test_pages import every
from tests.views.test_api import Clock, Published
from views.api import application
from views.publications import Publications


SIZE = 60
ADDRESS = "https://vote.example"
REPORT = f"/c/{campaign.CONSULTATION}/report"
RESULTS = f"/v1/consultations/{campaign.CONSULTATION}/results"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """Yield a client of a service that people reach at an address."""
    source = Published(campaign.flushes(SIZE))
    source.ready.set()
    publications = Publications(source.flushes, Clock(), address=ADDRESS)
    with TestClient(application(source, publications)) as made:
        yield made


def report(client: TestClient, language: str) -> Element:
    """Read the report, its style taken out."""
    body = client.get(f"{REPORT}?lang={language}").text
    return parse(re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL).encode())


def number(text: str) -> int:
    """Read a count as either language writes it."""
    return int(re.sub(r"[,\s]", "", text))


@every
def test_every_count_of_every_proposal_stands_in_it(client: TestClient, language: str) -> None:
    """In the order of the catalogue, a column a word: what the results document says."""
    (table,) = (e for e in report(client, language).all("table") if e.within(name="every"))
    told = []
    for row in table.all("tbody")[0].all("tr"):
        cells = [cell.pieces[0] for cell in row.all("td")]
        told.append([number(cell) for cell in cells[:-1] if isinstance(cell, str)])

    assert told == [
        [entry["received"], entry["counted"]["votes"],
         *(entry["counted"][name] for name in CHOICES),
         *(entry["counted"]["qualifications"][name] for name in QUALIFICATIONS)]
        for entry in campaign.document(SIZE)["proposals"]]


@every
def test_it_names_the_position_and_the_digest_of_what_it_is_made_of(
    client: TestClient, language: str
) -> None:
    """Whoever reads the log up to there, or the document with this digest, has these figures."""
    text = report(client, language).all("main")[0].text()
    position = "-".join(map(str, campaign.document(SIZE)["as_of"]["votes"]))
    figures = ("figures", "ideas", "controversial", "approved", "glance", "counts", "every")

    assert hashlib.sha256(client.get(RESULTS).content).hexdigest() in text
    for section in report(client, language).all("section"):
        if section.attributes["id"] in figures:
            assert position in section.text(), section.attributes["id"]


@every
def test_it_loads_nothing_and_leads_to_whole_addresses(client: TestClient, language: str) -> None:
    """Saved or sent, it is the same; its links lead where people reach the pages."""
    root = report(client, language)
    assert not [e.tag for e in root.all("script", "link", "img", "iframe", "object")]
    addresses = [e.attributes["href"] for e in root.all("a")]
    names = {e.attributes["id"] for e in root.all() if "id" in e.attributes}
    assert not [each for each in addresses if not each.startswith((ADDRESS, "#", "mailto:"))]
    assert {each[1:] for each in addresses if each[:1] == "#"} <= names


def test_the_policy_allows_its_own_style_and_no_other(client: TestClient) -> None:
    """By digest: a style that somebody slips in is none of it, and other pages allow none."""
    answer = client.get(REPORT)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [client.get(path).headers["content-security-policy"]
                for path in (REPORT, f"/c/{campaign.CONSULTATION}")]

    assert f"style-src 'self' 'sha256-{digest}';" in policies[0]
    assert "sha256" not in policies[1]
    assert policies[0].replace(f" 'sha256-{digest}'", "") == policies[1]
    assert "url(http" not in style


def test_the_report_shows_no_hidden_words() -> None:
    """Neither words nor author; its row stays, for its votes count."""
    with TestClient(application(test_hidden_words.world(retire=True))) as client:
        text = client.get(f"{REPORT}?lang=en").text
    assert test_hidden_words.HIDDEN in text
    assert not [word for word in (test_hidden_words.SECRET, test_hidden_words.AUTHOR)
                if word in text]
