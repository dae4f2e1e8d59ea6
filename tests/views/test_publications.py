"""What is made once and kept: made anew when what it says changes, and not before."""

from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from tests.views import campaign
from tests.views.test_api import Clock, Published
from views.api import FILES, application
from views.days import Days
from views.pages.results_page import phase_of
from views.publications import DOWNLOAD_SECONDS, Publications


SIZE = 60
PAGE = f"/c/{campaign.CONSULTATION}"
API = f"/v1/consultations/{campaign.CONSULTATION}"
OPENS = datetime.fromisoformat("2022-03-22T00:00:00+01:00")
CLOSES = datetime.fromisoformat("2022-05-23T00:00:00+02:00")
INSTANT = timedelta(milliseconds=1)


class Given:
    """An application with an archive and a clock of its own, both moved by hand."""

    def __init__(self) -> None:
        self.source = Published(campaign.flushes(SIZE, closed=False))
        self.source.ready.set()
        self.days, self.clock, self.now = Days(), Clock(), OPENS
        self.publications = Publications(
            self.source.flushes, self.clock, days=self.days, now=lambda: self.now,
            address="https://vote.example.org/")
        self.client = TestClient(application(self.source, self.publications),
                                 headers={"accept-language": "en"})


@pytest.fixture
def given() -> Given:
    return Given()


@pytest.mark.parametrize(("state", "now", "phase"), [
    ("open", OPENS - INSTANT, "upcoming"), ("open", OPENS, "open"),
    ("open", CLOSES - INSTANT, "open"), ("open", CLOSES, "overdue"),
    ("closed", CLOSES, "closed"), ("final", OPENS - INSTANT, "final"),
])
def test_the_log_says_whether_voting_is_open_and_the_clock_whether_it_should_be(
    state: str, now: datetime, phase: str
) -> None:
    """The opening is inclusive, the closing exclusive; a closing in the log is never doubted."""
    told = {"opens_at": OPENS.isoformat(), "closes_at": CLOSES.isoformat()}
    assert phase_of(state, told, now) == phase
    assert phase_of(state, {}, now) == state


def test_the_banner_moves_with_the_clock_alone(given: Given) -> None:
    """Nothing came in, yet pages say whether voting should be open, and invite to it only then."""
    tags = []
    for now, said, invited in ((OPENS - INSTANT, "Voting is not open yet", False),
                               (OPENS, "Voting is open", True),
                               (CLOSES, "The announced closing has passed", False)):
        given.now = now
        for path in (PAGE, f"{PAGE}/proposals"):
            answer = given.client.get(path)
            assert said in answer.text
            assert (f'href="{PAGE}/vote"' in answer.text) is invited
            tags.append(answer.headers["etag"])
    assert len(set(tags)) == len(tags)


def test_days_appear_when_the_archive_has_told_them(given: Given) -> None:
    """Before, the page says why there is no picture; afterwards it has picture, table and tag."""
    before = given.client.get(PAGE)
    assert "the archive, which has not answered yet" in before.text
    given.days.tell(campaign.CONSULTATION, {date(2022, 3, 22): 40}, datetime.now(UTC))
    after = given.client.get(PAGE)
    assert after.headers["etag"] != before.headers["etag"]
    assert "40 votes received, by day" in after.text
    given.days.tell(campaign.CONSULTATION, {date(2022, 3, 22): 40}, datetime.now(UTC))
    assert given.client.get(PAGE).headers["etag"] == after.headers["etag"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_after_its_consultation(given: Given, name: str) -> None:
    """It is saved under a name of its own, and who holds it gets 304."""
    first = given.client.get(f"{API}/{name}")
    assert first.headers["content-type"].split(";")[0] == FILES[name]
    named = f"filename*=UTF-8''{campaign.CONSULTATION}-{name}"
    assert named in first.headers["content-disposition"]
    held = given.client.get(f"{API}/{name}", headers={"if-none-match": first.headers["etag"]})
    assert held.status_code == 304


async def test_a_file_is_made_once_a_while(given: Given) -> None:
    """However many people ask, a file is made anew after DOWNLOAD_SECONDS at the soonest."""
    publication = given.publications.publication(campaign.CONSULTATION)
    assert publication is not None
    first = await given.publications.file(publication, "results.zip")
    given.clock.now = DOWNLOAD_SECONDS - 0.01
    assert await given.publications.file(publication, "results.zip") is first
    given.clock.now = DOWNLOAD_SECONDS
    again = await given.publications.file(publication, "results.zip")
    assert again is not first
    assert again.body == first.body


def test_shared_addresses_are_those_people_reach_the_page_at(given: Given) -> None:
    """The address is the operator's, whatever host the request names; without one there is none."""
    page = given.client.get(PAGE, headers={"host": "evil.example"}).text
    assert "evil" not in page
    assert f'value="https://vote.example.org{PAGE}"' in page
    plain = TestClient(application(given.source)).get(PAGE).text
    assert 'id="address"' not in plain
    assert 'rel="canonical"' not in plain
