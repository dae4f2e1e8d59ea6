"""Until voting has closed, nothing that an embargoed consultation shows depends on how people vote.

Two worlds with the same voters and the same numbers of votes, but other choices, must answer every
address with the same bytes.
"""

import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from processors.guard.published import Findings
from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.routes import ROUTE_COUNTS
from schemas import codec, words
from schemas.figures import READY, Sample
from schemas.topics import Topics
from sinks.transparency.serving import ServedLogs
from tests.views import campaign, guarding
from views import problems
from views.api import FILES, Beside, application, routed
from views.days import Days
from views.documents import Documents
from views.flushes import Flushes
from views.guard.routes import Guard
from views.live import Live
from views.operations.collector import Collector
from views.operations.pages import Operations
from views.pages.glance import ZONES
from views.pages.proposals_page import EMBARGOED_SORTS, SORTS
from views.publications import Publications


SIZE = 40
GUARD = ("guard", "guard.csv", "guard/recount", "guard-without.csv")
NAME = campaign.CONSULTATION
TOPICS = Topics("scrutin", 4)
OF_THE_PROCESS = re.compile(rb"(?m)^process_.*$")
"""How much memory the tests take depends on neither votes nor choices."""
SWAPPED = {"agree": "disagree", "disagree": "agree", "like_it": "no_way", "no_way": "like_it",
           "doable": "impossible", "impossible": "doable"}


@dataclass
class World:
    """A source whose state is given."""

    flushes: Flushes
    swapped: bool = False
    ready: threading.Event = field(default_factory=threading.Event)


def world(*, swapped: bool, closed: bool = False, embargo: bool = True) -> World:
    """Publish the campaign, as it was or with the choices of all voters turned round."""
    catalogue, made = Catalogue(), World(Flushes(), swapped)
    figures = campaign.figures(SIZE, closed=closed, by_route=True)
    if swapped:
        figures.proposals, figures.routes = (
            {name: turned_round(counts, names) for name, counts in entries.items()}
            for entries, names in ((figures.proposals, words.COUNTS),
                                   (figures.routes, ROUTE_COUNTS)))
    values = [
        codec.encode(event, **fields | ({"shares_embargoed": embargo}
                     if event == "ConsultationDescribed" else {}))
        for event, fields in campaign.events(SIZE)]
    for offset, value in enumerate(values):
        catalogue.apply(*codec.decode(value), offset)
        made.flushes.receive_catalogue(offset, value)
    as_of = results_document.AsOf((10, 20, 30, 40), catalogue.offset, 5)
    found = results_document.compute(NAME, figures, catalogue, as_of, decided={}, undecodable=0)
    for key, value in campaign.result_records(found):
        made.flushes.receive_result(key, value)
    made.ready.set()
    return made


def turned_round(counts: Sequence[int], names: tuple[str, ...]) -> Sequence[int]:
    """Return counts in which each choice has its opposite's votes, drawn ones too."""
    held = dict(zip(names, counts, strict=True))
    return [held[SWAPPED.get(name) or _drawn_opposite(name)] for name in names]


def _drawn_opposite(name: str) -> str:
    word = name.removeprefix("drawn_")
    return f"drawn_{SWAPPED[word]}" if word != name and word in SWAPPED else name


def beside(source: World, folder: Path) -> Beside:
    """Return what the views have beside the published state."""
    collector = Collector(
        "127.0.0.1:1", TOPICS, source, processes={}, token="", data_folder=folder,
        itself=lambda: [Sample(READY, 1)])
    list(collector.hottest.look())
    return Beside(operations=Operations(collector, ""), logs=ServedLogs(folder, TOPICS),
                  guard=Guard(found(swapped=source.swapped), lambda _: guarding.batch(
                      NAME, swapped=source.swapped)))


def found(*, swapped: bool) -> Findings:
    """Judge a group that came for one choice, as popular as the choice is."""
    findings = Findings()
    assert findings.take(guarding.judgement(1, guarding.finding(
        NAME, proposal=campaign.proposals(SIZE)[0]["id"],
        choice="disagree" if swapped else "agree",
        numbers={"voters": 40, "popularity": 90_000 if swapped else 410_000})))
    return findings


def addresses(folder: Path) -> list[str]:
    """Every address of the application but the endless ones, its places filled in."""
    source = world(swapped=False)
    paths = [route.path for route in routed(source, beside=beside(source, folder)).routes
             if isinstance(route, Route) and not route.path.endswith("/live")]
    assert {"/ops", "/metrics", "/log/{path:path}",
            "/v1/consultations/{consultation}/results/signed", "/c/{consultation}/guard",
            "/v1/consultations/{consultation}/guard-days.csv"} <= set(paths)
    filled = [path.replace("{consultation}", NAME) for path in paths]
    named = [path.replace("{name}", problem) for path in filled for problem in problems.PROBLEMS]
    lists = [f"/c/{NAME}/proposals?{query}" for query in (
        *(f"sort={sort}" for sort in SORTS), *(f"zone={zone}" for zone in ZONES),
        "q=faut", "min_votes=100", "page=99", f"idea={campaign.events(SIZE)[2][1]['idea']}")]
    first = campaign.proposals(SIZE)[0]
    lists += [f"/c/{NAME}/{page}{query}" for query in (
        f"proposal={first['id']}", f"idea={campaign.events(SIZE)[2][1]['idea']}")
        for page in ("picture.png?lang=en&", "picture.png?")]
    lists += [f"/c/{NAME}/proposal?id={proposal['id']}" for proposal in campaign.proposals(SIZE)]
    lists.append(f"/c/{NAME}/idea?id={campaign.events(SIZE)[2][1]['idea']}")
    results = f"/v1/consultations/{NAME}/results?limit=9"
    return sorted({*named, *lists, results, f"/c/{NAME}?lang=en",
                   f"/v1/consultations/{NAME}/live?proposals="
                   + ",".join(map(str, range(99))), f"/c/{NAME}/nowhere", "/c/nobody"})


def answers(source: World, folder: Path) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """Ask every address of a world where the archive told how many voted on which day."""
    days = Days()
    days.tell(NAME, {date(2022, 3, 22): 7}, datetime(2022, 3, 23, tzinfo=UTC))
    publications = Publications(source.flushes, time.monotonic, days=days)
    client = TestClient(
        application(source, publications, beside=beside(source, folder)), follow_redirects=False,
        client=("127.0.0.1", 5), base_url="http://127.0.0.1:8080")
    found = {path: client.get(path) for path in addresses(folder)}
    assert found["/ops"].status_code == found["/metrics"].status_code == 200
    for answer in found.values():
        answer.headers.pop("content-length", None)  # The content says it too.
    return {path: (answer.status_code, dict(answer.headers),
                   OF_THE_PROCESS.sub(b"", answer.content)) for path, answer in found.items()}


def snapshot(source: World) -> bytes:
    """Return what a live stream sends of the first proposals."""
    names = tuple(proposal["id"] for proposal in campaign.proposals(SIZE)[:8])
    return Live(source.flushes, Documents(source.flushes)).snapshot(NAME, names)[1]


def document(source: World) -> dict[str, Any]:
    """Return the results document as the API sends it."""
    client = TestClient(application(source))
    made: dict[str, Any] = client.get(f"/v1/consultations/{NAME}/results").json()
    return made


def test_no_address_tells_two_embargoed_worlds_apart(tmp_path: Path) -> None:
    """Pages, data, problems and headers are the same bytes whatever people choose."""
    assert answers(world(swapped=False), tmp_path) == answers(world(swapped=True), tmp_path)


def test_no_stream_tells_two_embargoed_worlds_apart() -> None:
    """The live stream sends how many voted, never how."""
    assert snapshot(world(swapped=False)) == snapshot(world(swapped=True))
    shown = json.loads(snapshot(world(swapped=False)))
    assert shown["totals"]["counted"]["votes"] > 0
    assert all(entry["counted"].keys() == {"votes"} for entry in shown["proposals"].values())


def test_an_embargo_refuses_orders_and_filters_by_how_people_vote() -> None:
    """A list cannot be sorted or filtered by what is hidden, and its form does not offer it."""
    client = TestClient(application(world(swapped=False)))
    for query in (*(f"sort={sort}" for sort in SORTS if sort not in EMBARGOED_SORTS),
                  *(f"zone={zone}" for zone in ZONES)):
        assert client.get(f"/c/{NAME}/proposals?{query}").status_code == 400
    page = client.get(f"/c/{NAME}/proposals").text
    assert 'name="zone"' not in page
    assert page.count("data-live-proposal") == SIZE


@pytest.mark.parametrize(("closed", "embargo"), [(True, True), (False, False)])
def test_the_worlds_differ_where_nothing_is_hidden(
    tmp_path: Path, *, closed: bool, embargo: bool
) -> None:
    """Closing lifts the embargo, on pages, data and streams alike: the test above can fail."""
    worlds = [world(swapped=swapped, closed=closed, embargo=embargo) for swapped in (False, True)]
    first, second = (answers(each, tmp_path) for each in worlds)
    files = [f"/v1/consultations/{NAME}/{name}" for name in ("results", *FILES, *GUARD)]
    shown = campaign.proposals(SIZE)[0]["id"]
    files += [f"/c/{NAME}/guard", f"/c/{NAME}/proposal?id={shown}",
              f"/c/{NAME}/picture.png?proposal={shown}"]
    for path in (f"/c/{NAME}", f"/c/{NAME}/proposals", f"/c/{NAME}/proposals?sort=agree", *files):
        assert first[path] != second[path]
    assert snapshot(worlds[0]) != snapshot(worlds[1])
    assert "embargoed_until" not in document(worlds[0])


def test_the_api_says_that_shares_are_hidden_and_until_when() -> None:
    """`shares` is null, beside the announced closing; how many voted stays."""
    found = document(world(swapped=False))
    assert found["shares"] is None
    assert found["embargoed_until"] == "2022-05-23T00:00:00+02:00"
    for entry in (*found["proposals"], *found["ideas"]):
        assert entry["drawn_rank"] is entry["apart"] is None
        assert entry["counted"].keys() == entry["drawn"].keys() == {"votes"}
        assert entry["shares"] is entry["scores"] is entry["intervals"] is entry["rank"] is None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_says_that_shares_are_hidden(language: str) -> None:
    """A visitor reads why there are no shares, and when they come."""
    page = TestClient(application(world(swapped=False))).get(f"/c/{NAME}?lang={language}").text
    assert 'id="embargo"' in page
    assert 'id="approved"' not in page
    assert page.count('href="#embargo"') == 1


def test_a_description_older_than_the_field_hides_nothing() -> None:
    """Version 1 of the description knows no embargo, and its consultations are shown in full."""
    source = world(swapped=False)
    known = source.flushes.catalogue.consultations[NAME]
    assert known.described is not None
    del known.described["shares_embargoed"]
    assert "embargoed_until" not in document(source)


def test_a_recount_compares_everything_under_embargo_too() -> None:
    """What auditors compare is whole: an embargo hides numbers from visitors alone."""
    documents = Documents(world(swapped=False).flushes)
    whole = documents.whole_document(NAME)
    assert whole is not None
    assert "embargoed_until" not in whole
    assert all(entry["shares"] for entry in whole["proposals"])
