"""Words that are hidden are told at no address, in no file, on no stream: every route is asked."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from processors.results import results_document
from processors.results.catalogue import Catalogue
from schemas import codec
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.topics import Topics
from sinks.transparency.serving import ServedLogs
from tests.views import campaign, test_embargo
from tests.views.test_embargo import NAME, SIZE, World
from views import polis_export
from views.api import Beside, application
from views.documents import Documents
from views.flushes import Flushes
from views.publications import Publications


SECRET, FORMER, AUTHOR = "Xylophonesque", "Zeppelinaire", "Quatrebarbes"
HIDDEN = campaign.proposals(SIZE)[0]["id"]


def values(proposal: str, *, retire: bool, hide: bool = True) -> list[bytes]:
    """Write the campaign's catalogue with telling words in a proposal, corrected once."""
    stamp = {"event_id": bytes(16), "consultation": NAME, "origin": "operator",
             "occurred_at": 1_650_000_000_000}
    made = []
    for event, fields in campaign.events(SIZE):
        if fields.get("proposal") == proposal and event == "ProposalAccepted":
            fields = fields | {  # noqa: PLW2901 -- the same event, with telling words
                "text": {"fr": FORMER}, "author": {
                    "name": AUTHOR, "kind": "citizen", "age_band": None}}
        made.append(codec.encode(event, **fields))
    signed = {"by": NOBODY, "signature": UNSIGNED}
    made.append(codec.encode(
        "ProposalCorrected", **stamp | signed, proposal=proposal, follows=bytes(16),
        before={"fr": FORMER}, after={"fr": SECRET}, reason="a slip", offsets=[1, 1, 1, 1],
        votes=3))
    if retire:
        made.append(codec.encode(
            "ProposalRetired", **stamp | signed, proposal=proposal, reason="It names a person.",
            text_hidden=hide))
    return made


def world(*, retire: bool, hide: bool = True) -> World:
    """Publish the campaign with the first proposal retired, or not."""
    catalogue, made = Catalogue(), World(Flushes())
    for offset, value in enumerate(values(HIDDEN, retire=retire, hide=hide)):
        catalogue.apply(*codec.decode(value), offset)
        made.flushes.receive_catalogue(offset, value)
    found = results_document.compute(
        NAME, campaign.figures(SIZE, by_route=True), catalogue,
        results_document.AsOf((10, 20, 30, 40), catalogue.offset, 5), decided={}, undecodable=0)
    for key, value in campaign.result_records(found):
        made.flushes.receive_result(key, value)
    made.ready.set()
    return made


def hidden_later(source: World) -> None:
    """Hide the words, in a log that goes on."""
    known = values(HIDDEN, retire=True)
    source.flushes.receive_catalogue(len(known) - 1, known[-1])
    catalogue = Catalogue()
    for offset, value in enumerate(known):
        catalogue.apply(*codec.decode(value), offset)
    found = results_document.compute(
        NAME, campaign.figures(SIZE, by_route=True), catalogue,
        results_document.AsOf((10, 20, 30, 40), catalogue.offset, 5), decided={}, undecodable=0)
    for key, value in campaign.result_records(found):
        source.flushes.receive_result(key, value)


def told(source: World, folder: Path) -> dict[str, str]:
    """Return everything that every address answers, files within files too, with its headers."""
    found = {}
    for path, (_, headers, body) in test_embargo.answers(source, folder).items():
        parts = [str(headers).encode(), body]
        if body[:2] == b"PK":
            parts += _unpacked(body)
        found[path] = b"".join(parts).decode(errors="replace")
    documents = Documents(source.flushes)
    document = documents.document(NAME)
    assert document is not None
    accepted = source.flushes.catalogue.consultations[NAME].proposals
    for name, content in polis_export.files(document, accepted, [], lambda _: None).items():
        found[name] = content.decode()
    found["stream"] = test_embargo.snapshot(source).decode()
    return found


def _unpacked(body: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = [archive.read(name) for name in archive.namelist()]
    return parts + [inner for part in parts if part[:2] == b"PK" for inner in _unpacked(part)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything told while the proposal is voted on."""
    return told(world(retire=False), tmp_path_factory.mktemp("shown"))


def test_no_route_tells_hidden_words(
    shown: dict[str, str], tmp_path: Path
) -> None:
    """Neither the words, nor former ones, nor the author; where they were told before, they go."""
    hidden = told(world(retire=True), tmp_path)
    for secret in (SECRET, FORMER, AUTHOR):
        assert [path for path, said in hidden.items() if secret in said] == []
        before = [path for path, said in shown.items() if secret in said]
        assert {f"/v1/consultations/{NAME}/results", f"/c/{NAME}/proposals",
                f"/v1/consultations/{NAME}/results.zip"} <= {*before}


def test_what_was_made_before_words_were_hidden_is_sent_no_more() -> None:
    """Pages and files are kept for seconds; not these, a second after the flush that hides."""
    source, clock = world(retire=False), [100.0]
    client = TestClient(application(source, Publications(source.flushes, lambda: clock[0])))
    paths = (f"/c/{NAME}/proposals", *(f"/v1/consultations/{NAME}/{name}"
                                       for name in ("results", "proposals.csv", "ideas.csv")))
    before = [client.get(path).text for path in paths]
    hidden_later(source)
    clock[0] += 1
    after = [client.get(path).text for path in paths]

    assert [SECRET in text for text in before] == [True, True, True, False]
    assert [SECRET in text for text in after] == [False] * 4


async def test_pages_of_a_document_made_before_words_were_hidden_are_sent_no_more() -> None:
    """Neither by their tag, which others have, nor as first pages."""
    source, clock = world(retire=False), [100.0]
    publications = Publications(source.flushes, lambda: clock[0])
    before = await publications.paged(NAME, "")
    assert before is not None
    kept = await publications.paged(NAME, before.tag)
    hidden_later(source)
    clock[0] += 1
    after = await publications.paged(NAME, "")

    assert kept is before
    assert await publications.paged(NAME, before.tag) is None
    assert after is not None
    assert SECRET not in str(after.shown.document())


def test_a_search_does_not_find_hidden_words() -> None:
    """The list says the same of a word that is hidden and of one that nobody wrote."""
    client = TestClient(application(world(retire=True)))
    texts = [client.get(f"/c/{NAME}/proposals?lang=en&q={word}").text.replace(word, "")
             for word in (SECRET, AUTHOR, "Nobodywrotethis")]
    assert "data-live-proposal" not in texts[2]
    assert texts[0] == texts[1] == texts[2]


def test_where_words_are_not_hidden_they_stay_with_the_mark(tmp_path: Path) -> None:
    """A proposal that is retired alone is shown, with its reason, as retired."""
    found = told(world(retire=True, hide=False), tmp_path)
    for path in (f"/c/{NAME}/proposals", f"/c/{NAME}?lang=en",
                 f"/v1/consultations/{NAME}/results"):
        assert "It names a person." in found[path]
    assert SECRET in found[f"/c/{NAME}/proposals"]
    assert AUTHOR in found["comments.csv"] or SECRET in found["comments.csv"]


@pytest.mark.parametrize(("language", "said"), [
    ("en", ("3 votes were cast on the words before", "a slip", "not voted on any more")),
    ("fr", ("3 votes ont été émis sur le texte antérieur", "a slip",
            "n’est plus soumise au vote"))])
def test_pages_show_a_correction_with_its_diff_its_date_and_its_votes(
    tmp_path: Path, language: str, said: tuple[str, ...]
) -> None:
    """Old and new words, marked as such, on the results page and in the list."""
    found = told(world(retire=True, hide=False), tmp_path)
    page = found[f"/c/{NAME}?lang=en"]
    if language == "fr":
        page = found[f"/c/{NAME}"]
    assert f"<del><bdi>{FORMER}</bdi></del>" in page
    assert f"<ins><bdi>{SECRET}</bdi></ins>" in page
    assert re.search(r'<time datetime="2022-04-15T', page)
    for each in said:
        assert each in page.replace("\u202f", " ").replace("\u00a0", " ")


def test_the_data_shows_a_correction_by_language(tmp_path: Path) -> None:
    """In JSON and in CSV, with the votes on the words before."""
    found = told(world(retire=False), tmp_path)
    document = json.loads(
        found[f"/v1/consultations/{NAME}/results"].partition("}{")[2].join(("{", "")))
    [entry] = [each for each in document["proposals"] if each["id"] == HIDDEN]
    assert entry["corrections"][0]["before"] == {"fr": FORMER}
    row = next(line for line in found[f"/v1/consultations/{NAME}/results.zip"].splitlines()
               if line.startswith(f"proposal,{HIDDEN},text.fr,"))
    assert row.split(",")[6:8] == [FORMER, SECRET]
    assert row.split(",")[10:] == ["3", "0"]


def test_a_signed_document_that_shows_what_is_hidden_since_is_not_sent(tmp_path: Path) -> None:
    """Until the next one is signed: then that is, and whoever asks before is told to come again."""
    logs = ServedLogs(tmp_path, Topics("scrutin", 2))
    before, after = (Documents(world(retire=retire).flushes).whole_document(NAME)
                     for retire in (False, True))
    answers = []
    for document, now in ((before, False), (before, True), (after, True)):
        logs.results.publish(NAME, f"note of {document is before} {now}\n",
                             json.dumps(document, ensure_ascii=False).encode())
        app = application(world(retire=now), beside=Beside(logs=logs))
        with TestClient(app) as client:
            answers.append(client.get(f"/v1/consultations/{NAME}/results/signed"))

    assert [each.status_code for each in answers] == [200, 503, 200]
    assert [SECRET in each.text for each in answers] == [True, False, False]
    assert answers[1].json()["type"] == "/problems/words-hidden-since"
    assert int(answers[1].headers["retry-after"]) > 0
