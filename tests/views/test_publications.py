"""What is made once and kept: made anew when what it says changes, and not before."""

import asyncio
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from tests.views.test_api import Clock, Published
from views import publications
from views.api import FILES, application
from views.days import Days
from views.pages.proposals_page import Asked
from views.pages.results_page import phase_of
from views.publications import DOWNLOAD_SECONDS, REBUILD_SECONDS, Publication, Publications
from views.representation import Representation
from views.workshop import TooManyReaders, Workshop


SIZE = 60
FEW_BYTES = 400_000
PAGE = f"/c/{campaign.CONSULTATION}"
API = f"/v1/consultations/{campaign.CONSULTATION}"
OPENS = datetime.fromisoformat("2022-03-22T00:00:00+01:00")
CLOSES = datetime.fromisoformat("2022-05-23T00:00:00+02:00")
INSTANT = timedelta(milliseconds=1)
DAYS = {date(2022, 3, 22): 30, date(2022, 3, 23): 10}


class Given:
    """An application with an archive and a clock of its own, both moved by hand."""

    def __init__(self, *, closed: bool = False) -> None:
        self.source = Published(campaign.flushes(SIZE, closed=closed))
        self.source.ready.set()
        self.days, self.clock, self.now = Days(), Clock(), OPENS
        self.publications = Publications(
            self.source.flushes, self.clock, days=self.days, now=lambda: self.now,
            address="https://vote.example.org/")
        self.client = TestClient(application(self.source, self.publications),
                                 headers={"accept-language": "en"})

    def publication(self) -> Publication:
        """Return what is published now."""
        found = self.publications.publication(campaign.CONSULTATION)
        assert found is not None
        return found

    async def file(self, name: str) -> Representation:
        return await self.publications.file(self.publication(), name)

    def later(self, *records: tuple[bytes, bytes]) -> None:
        """Publish records, and that every log went on; then some time passes."""
        flushes = self.source.flushes
        assert flushes.applied is not None
        for record in records:
            flushes.receive_result(*record)
        offsets = tuple(offset + 1 for offset in flushes.applied.offsets)
        flushes.receive_result(FLUSH_KEY, campaign.marker(AsOf(
            offsets, flushes.applied.catalogue_offset, flushes.applied.participants_offset)))
        self.clock.now += REBUILD_SECONDS


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
    given.days.tell(campaign.CONSULTATION, DAYS, datetime.now(UTC))
    after = given.client.get(PAGE)
    assert after.headers["etag"] != before.headers["etag"]
    assert "40 votes received, by day" in after.text
    given.days.tell(campaign.CONSULTATION, DAYS, datetime.now(UTC))
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
    """However many people ask, a file is made anew when it changed, after DOWNLOAD_SECONDS."""
    first = await given.file("results.zip")
    given.clock.now = DOWNLOAD_SECONDS
    assert await given.file("results.zip") is first
    given.later()
    again = await given.file("results.zip")
    assert again is not first
    given.clock.now += DOWNLOAD_SECONDS - 2 * REBUILD_SECONDS
    given.later()
    assert await given.file("results.zip") is again


async def test_final_results_stay_as_they_were_published_while_others_vote() -> None:
    """Votes elsewhere move no tag of final results; their own catalogue and figures do."""
    given = Given(closed=True)
    first, file = given.publication(), await given.file("results.zip")
    for _ in range(2):
        given.later()
        assert given.publication() is first
        assert await given.file("results.zip") is file
    given.later(campaign.proposal_record(campaign.CONSULTATION, "p-0001", 7))
    suspended = given.publication()
    assert suspended.tag != first.tag
    known = given.source.flushes.catalogue.consultations[campaign.CONSULTATION]
    known.mapping.pop(next(iter(known.mapping)))
    given.later()
    assert given.publication().tag != suspended.tag


async def test_readers_are_turned_away_where_too_many_wait() -> None:
    """Beyond the bound a page is refused at once, and those that wait are made."""
    workshop, gate = Workshop(waiting_most=3), threading.Event()
    waiting = [asyncio.create_task(workshop.make(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyReaders):
        await workshop.make(gate.wait)
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await workshop.make(gate.wait)


def test_shared_addresses_are_those_people_reach_the_page_at(given: Given) -> None:
    """The address is the operator's, whatever host the request names; without one there is none."""
    page = given.client.get(PAGE, headers={"host": "evil.example"}).text
    assert "evil" not in page
    assert f'value="https://vote.example.org{PAGE}"' in page
    plain = TestClient(application(given.source)).get(PAGE).text
    assert 'id="address"' not in plain
    assert 'rel="canonical"' not in plain


async def test_what_is_held_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many searches are made: each page is given, those asked for longest ago go."""
    monkeypatch.setattr(publications, "PAGES_BYTES", FEW_BYTES)
    monkeypatch.setattr(publications, "FILES_BYTES", FEW_BYTES)
    given = Given()
    publication, around = given.publication(), given.publications.around(given.publication())
    made = 0
    for number in range(30):
        page = await publication.proposals("fr", around, Asked(min_votes=number))
        await asyncio.sleep(0)
        made += page.size_bytes

        assert given.publications.held_bytes <= FEW_BYTES
    for name in FILES:
        made += (await given.file(name)).size_bytes
        await asyncio.sleep(0)

        assert given.publications.held_bytes <= 2 * FEW_BYTES
    assert made > 4 * FEW_BYTES


async def test_what_was_made_of_a_publication_goes_with_it(given: Given) -> None:
    """The next one takes its place, not a place beside it: votes come in for months."""
    sizes = []
    for votes in range(1, 8):
        publication = given.publication()
        await publication.results()
        await publication.page("fr", given.publications.around(publication))
        await asyncio.sleep(0)
        sizes.append(given.publications.held_bytes)
        given.later(campaign.proposal_record(campaign.CONSULTATION, "p-0001", votes))

    assert max(sizes) < 2 * min(sizes)


async def test_documents_that_are_held_are_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of as many consultations as there is room for; another one is made anew when asked for."""
    monkeypatch.setattr(publications, "DOCUMENTS_BYTES", publications.PROPOSAL_BYTES * SIZE)
    given = Given()
    first = given.publication()
    assert given.publication() is first
    given.later(campaign.proposal_record("other", "p1", 3))
    first = given.publication()
    assert given.publications.publication("other") is not None
    again = given.publication()

    assert again is not first
    assert again.document == first.document
