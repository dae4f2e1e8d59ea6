"""The guard's addresses: page, JSON and CSV say the same, in pages, and nobody's name."""

import csv
import io
from typing import Any

import pytest
from starlette.testclient import TestClient

from processors.guard.published import Findings
from schemas import codec
from tests.views import campaign, guarding
from tests.views.test_embargo import NAME, World, world
from views.api import Beside, application
from views.guard import page
from views.guard.routes import Guard


DATA = f"/v1/consultations/{NAME}/guard"


def visitor(source: World, findings: Findings) -> TestClient:
    """Return somebody who looks."""
    return TestClient(application(source, beside=Beside(guard=Guard(findings))))


@pytest.fixture
def client() -> TestClient:
    """Return a visitor of a consultation of which much was found."""
    return visitor(world(swapped=False, embargo=False), guarding.evening(NAME))


def document(client: TestClient, query: str = "") -> dict[str, Any]:
    """Return the document."""
    answer = client.get(DATA + query)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_totals_are_those_of_the_results(client: TestClient) -> None:
    """Received, counted, and set aside by each rule: no second count."""
    totals = client.get(f"/v1/consultations/{NAME}/results").json()["totals"]
    found = document(client)["totals"]

    assert (found["received"], found["counted"]) == (
        totals["received"], totals["counted"]["votes"])
    assert found["set_aside"].pop("unproven") == totals["set_aside"]["unproven"]
    assert sum(found["set_aside"].values()) == totals["set_aside"]["suspended"] > 0
    assert len(found["set_aside"]) > 1


def test_pages_put_together_are_all_findings(client: TestClient) -> None:
    """Each names the next, in the order in which they were first said."""
    whole, parts, address = document(client), list[Any](), "?limit=7"
    while address:
        part = document(client, address)
        parts += part["findings"]
        address = (part["page"]["next"] or "").removeprefix(DATA)

    assert parts == whole["findings"]
    assert [each["judgement"] for each in parts] == list(range(1, 41))


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?first=-1", "?limit=a"])
def test_no_page_is_beyond_its_bound(client: TestClient, query: str) -> None:
    """What asks for no page that there can be is refused."""
    assert client.get(DATA + query).status_code == 400


def test_tables_say_what_the_document_says(client: TestClient) -> None:
    """The last findings first, and days as they are."""
    whole = document(client)
    findings, by_day = (list(csv.DictReader(io.StringIO(client.get(DATA + name).text)))
                        for name in (".csv", "-days.csv"))

    assert [row["finding"] for row in findings] == [
        each["finding"] for each in whole["findings"][::-1]]
    assert [(row["day"], row["rule"], row["voters"]) for row in by_day] == [
        (each["day"], each["rule"], "" if each["voters"] is None else str(each["voters"]))
        for each in whole["days"]]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_shows_the_last_findings_first(client: TestClient, language: str) -> None:
    """Twenty-five of forty, the others on the second page, nothing on a third."""
    texts = [client.get(f"/c/{NAME}/guard?lang={language}&page={number}").text
             for number in (1, 2)]
    ids = [each["finding"] for each in document(client)["findings"]][::-1]

    assert [name for name in ids if name in texts[0]] == ids[:page.PAGE_ROWS]
    assert [name for name in ids if name in texts[1]] == ids[page.PAGE_ROWS:]
    assert client.get(f"/c/{NAME}/guard?page=3").status_code == 404


@pytest.mark.parametrize("path", [f"/c/{NAME}/guard", DATA, f"{DATA}.csv", f"{DATA}-days.csv"])
def test_nobody_is_named(path: str) -> None:
    """A voter whom a finding names stands at no address."""
    findings, names = Findings(), guarding.voters(20, 0xABCDEF)
    findings.take(guarding.judgement(1, guarding.finding(NAME, marks=[1], named=names)))
    answer = visitor(world(swapped=False, embargo=False), findings).get(path)

    assert answer.status_code == 200
    assert not any(name.hex() in answer.text for name in names)


def test_a_change_of_a_rule_is_shown_with_its_reason() -> None:
    """Which rule does what from when on, and why, in the operator's words."""
    source = world(swapped=False, embargo=False)
    last = source.flushes.catalogue.offset
    source.flushes.receive_catalogue(last + 1, codec.encode(
        "GuardRuleChanged", event_id=b"change".ljust(16), consultation=NAME, rule=1, version=1,
        mode="set_aside", parameters=[{"name": "voters", "value": 20}], follows=bytes(16),
        reason="<b>robots</b>", salt=bytes(16), origin="operator",
        occurred_at=campaign.PUBLISHED_AT, by=bytes(8), signature=bytes(64)))
    applied = source.flushes.applied
    assert applied is not None
    source.flushes.receive_result(b"\0flush", codec.encode("ResultsPublished", **{
        **applied.fields(), "catalogue_offset": last + 1}))
    client = visitor(source, Findings())
    [change], rules = document(client)["changes"], document(client)["rules"]

    assert (change["mode"], change["reason"], change["parameters"]) == (
        "set_aside", "<b>robots</b>", {"voters": 20})
    assert (rules[0]["mode"], rules[1]["mode"]) == ("set_aside", "report")
    assert "&lt;b&gt;robots&lt;/b&gt;" in client.get(f"/c/{NAME}/guard").text


def test_what_was_counted_at_the_door_is_shown_where_anything_was() -> None:
    """As a page, JSON and CSV; without an answer of the archive nothing is there."""
    source = world(swapped=False, embargo=False)
    silent = visitor(source, Findings())
    told = TestClient(application(source, beside=Beside(guard=Guard(door=guarding.door(NAME)))))

    assert silent.get(f"{DATA}/door").status_code == 404
    assert 'id="door"' not in silent.get(f"/c/{NAME}/guard").text
    assert told.get(f"{DATA}/door").json()["totals"]["asked"] == 1_300
    assert 'id="door"' in told.get(f"/c/{NAME}/guard").text
    assert "rate-limited=52" in told.get(f"{DATA}-door.csv").text


def test_a_new_judgement_is_another_answer() -> None:
    """Nothing that was made before is sent once more is known."""
    findings = Findings()
    client = visitor(world(swapped=False, embargo=False), findings)
    before = client.get(DATA)
    findings.take(guarding.judgement(1, guarding.finding(NAME)))

    assert before.headers["etag"] != client.get(DATA).headers["etag"]
    assert len(document(client)["findings"]) == 1


def test_where_no_judgements_are_read_people_are_sent_to_where_they_are() -> None:
    """The gateway follows none: its addresses lead to those of the views."""
    client = TestClient(application(world(swapped=False), beside=Beside(
        views_url="http://views.example")), follow_redirects=False)

    for path in (f"/c/{NAME}/guard", DATA):
        assert client.get(path).headers["location"] == f"http://views.example{path}"
