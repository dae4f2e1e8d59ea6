"""The addresses: results, entity tags, problems, languages, headers."""

import gzip
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from views.api import application
from views.flushes import Flushes
from views.publications import REBUILD_SECONDS, Publications


RESULTS = f"/v1/consultations/{campaign.CONSULTATION}/results"
PAGE = f"/c/{campaign.CONSULTATION}"
SIZE = 60
"""Proposals of the campaign shown here: enough for every list of the page."""


class Clock:
    """A clock that stands until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Published:
    """A source whose state is given, ready or not."""

    flushes: Flushes
    ready: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def source() -> Published:
    """Return the state of a small campaign, voting open, all read."""
    made = Published(campaign.flushes(SIZE, closed=False))
    made.ready.set()
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(source: Published, clock: Clock) -> Iterator[TestClient]:
    """Yield a client of the application, that follows no redirect."""
    app = application(source, Publications(source.flushes, clock))
    with TestClient(app, follow_redirects=False) as made:
        yield made


def test_the_list_names_question_state_and_addresses(client: TestClient) -> None:
    """A program finds everything from the list."""
    assert client.get("/v1/consultations").json() == {"consultations": [{
        "id": campaign.CONSULTATION,
        "question": campaign.published()["question"],
        "state": "open",
        "urls": {"page": PAGE, "results": RESULTS},
    }]}


def test_the_results_are_the_document(client: TestClient) -> None:
    """The API gives the one results document, unchanged."""
    answer = client.get(RESULTS)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == campaign.document(SIZE, closed=False)


def test_results_are_compressed_for_those_who_take_it(client: TestClient) -> None:
    """The compressed form holds the same bytes under a tag of its own."""
    plain = client.get(RESULTS, headers={"accept-encoding": "identity"})
    packed = client.get(RESULTS, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(gzip.compress(plain.content, 1))
    assert packed.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == "Accept-Encoding"


def test_gzip_refused_by_weight_is_not_sent(client: TestClient) -> None:
    """A weight of nought refuses an encoding."""
    answer = client.get(RESULTS, headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", [RESULTS, PAGE])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_an_entity_tag_saves_the_body(client: TestClient, path: str, form: str) -> None:
    """Who holds the representation gets 304 with its tag and no body."""
    tag = client.get(path).headers["etag"]
    again = client.get(path, headers={"if-none-match": form.format(tag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert not tag.startswith("W/")


def test_another_tag_gets_the_body(client: TestClient) -> None:
    """A tag of something else saves nothing."""
    assert client.get(RESULTS, headers={"if-none-match": '"x"'}).status_code == 200


def test_the_tag_moves_with_the_vector(
    client: TestClient, source: Published, clock: Clock
) -> None:
    """A flush at another vector gives another tag, as soon as the publication is old enough."""
    before = client.get(RESULTS).headers["etag"]
    assert source.flushes.applied is not None
    later = AsOf((999_999,) * 4, source.flushes.applied.catalogue_offset, 200_000)
    source.flushes.receive_result(FLUSH_KEY, campaign.marker(later))
    assert client.get(RESULTS).headers["etag"] == before
    clock.now += REBUILD_SECONDS
    answer = client.get(RESULTS)
    assert answer.headers["etag"] != before
    assert answer.json()["as_of"]["votes"] == [999_999] * 4


def test_caches_may_keep_open_results_for_seconds(client: TestClient) -> None:
    """Open results live two seconds in caches, and half a minute while they are renewed."""
    expected = "public, max-age=2, stale-while-revalidate=30"
    assert client.get(RESULTS).headers["cache-control"] == expected
    assert client.get(PAGE).headers["cache-control"] == expected


def test_caches_may_keep_final_results_longer() -> None:
    """Final results live longer."""
    source = Published(campaign.flushes(SIZE, closed=True))
    source.ready.set()
    answer = TestClient(application(source)).get(RESULTS)
    assert answer.json()["state"] == "final"
    assert answer.headers["cache-control"].startswith("public, max-age=300,")


@pytest.mark.parametrize(("language", "title"), [
    ("fr", "Consultation inconnue"), ("en", "Unknown consultation"),
])
def test_an_unknown_consultation_is_a_problem_document(
    client: TestClient, language: str, title: str
) -> None:
    """RFC 9457: media type, all five members, in the visitor's language."""
    path = "/v1/consultations/nobody/results"
    answer = client.get(path, headers={"accept-language": language})
    problem = answer.json()
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert (problem["title"], problem["status"], problem["instance"]) == (title, 404, path)


def test_the_type_of_a_problem_is_a_page_that_explains_it(client: TestClient) -> None:
    """Who follows `type` reads what to do."""
    problem = client.get("/v1/consultations/nobody/results?lang=en").json()
    explained = client.get(problem["type"], params={"lang": "en"})
    assert explained.status_code == 200
    assert problem["detail"] in explained.text


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/consultations/x"])
def test_unknown_addresses_of_the_api_are_problems(client: TestClient, path: str) -> None:
    """Programs never get HTML."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_methods_are_refused_with_what_is_allowed(client: TestClient) -> None:
    """Writing here is refused, and the answer says what is allowed."""
    answer = client.post(RESULTS)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["status"] == 405


@pytest.mark.parametrize("path", ["/c/nobody", "/nowhere", "/problems/nothing"])
def test_people_get_a_page_in_their_language(client: TestClient, path: str) -> None:
    """A wrong address answers 404 with a page, in French and in English."""
    french = client.get(path, headers={"accept-language": "fr"})
    english = client.get(path, headers={"accept-language": "en"})
    assert (french.status_code, english.status_code) == (404, 404)
    assert '<html lang="fr">' in french.text
    assert '<html lang="en">' in english.text


def test_the_only_consultation_is_the_home_page(client: TestClient) -> None:
    """With one consultation, the home page leads there and keeps the chosen language."""
    answer = client.get("/?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{PAGE}?lang=en")


def test_several_consultations_are_listed(source: Published, client: TestClient) -> None:
    """With more than one, the home page lists them, those without description too."""
    assert source.flushes.applied is not None
    applied = source.flushes.applied
    source.flushes.receive_result(
        *campaign.proposal_record("a/b", "p", 3))
    source.flushes.receive_result(
        FLUSH_KEY, campaign.marker(AsOf(applied.offsets, applied.catalogue_offset, 200_000)))
    page = client.get("/").text
    assert f'href="{PAGE}"' in page
    assert 'href="/c/a%2Fb"' in page


def test_without_consultation_the_home_page_says_so() -> None:
    """An empty service has a page, not an error."""
    source = Published(Flushes())
    source.ready.set()
    answer = TestClient(application(source)).get("/?lang=en")
    assert answer.status_code == 200
    assert "no consultation yet" in answer.text


def test_before_everything_is_read_nothing_is_shown(source: Published) -> None:
    """Half-read results are never shown: 503 with Retry-After, alive but not ready."""
    source.ready.clear()
    client = TestClient(application(source))
    for path in ("/", PAGE, RESULTS, "/v1/consultations", "/readyz"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
    assert client.get("/livez").status_code == 200
    source.ready.set()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(("query", "cookie", "accepted", "language"), [
    ("?lang=en", "fr", "fr", "en"),
    ("?lang=xx", "en", "fr", "en"),
    ("", "en", "fr", "en"),
    ("", "", "en-GB,en;q=0.9,fr;q=0.8", "en"),
    ("", "", "de;q=0.9,fr;q=0.3,en;q=0.7", "en"),
    ("", "", "en;q=0,fr;q=0.1", "fr"),
    ("", "", "de", "fr"),
    ("", "", "en;q=nonsense", "fr"),
])
def test_the_language_is_asked_then_remembered_then_accepted(
    client: TestClient, query: str, cookie: str, accepted: str, language: str
) -> None:
    """`?lang=`, then the cookie, then Accept-Language, then French."""
    headers = {"accept-language": accepted} | ({"cookie": f"language={cookie}"} if cookie else {})
    answer = client.get(PAGE + query, headers=headers)
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    varied = {name.strip() for name in answer.headers["vary"].split(",")}
    assert varied == {"Accept-Encoding", "Accept-Language", "Cookie"}


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/proposals?sort=score"])
def test_a_page_is_the_same_for_every_voter(client: TestClient, path: str) -> None:
    """Of all cookies the language alone changes a page: what a CDN's key may rest on."""
    plain = client.get(path)
    voter = client.get(path, headers={"cookie": "__Host-scrutin-device=d; paper=p; language=fr"})
    english = client.get(path, headers={"cookie": "__Host-scrutin-device=d; language=en"})
    assert (voter.content, voter.headers["etag"]) == (plain.content, plain.headers["etag"])
    assert "set-cookie" not in voter.headers
    assert english.headers["etag"] != plain.headers["etag"]


def test_a_chosen_language_is_remembered_and_kept_from_shared_caches(client: TestClient) -> None:
    """Choosing sets a careful cookie once; an answer with a cookie is private."""
    first = client.get(f"{PAGE}?lang=en")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("language=en;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert first.headers["cache-control"].startswith("private")
    again = client.get(f"{PAGE}?lang=en", headers={"cookie": "language=en"})
    assert "set-cookie" not in again.headers
    assert again.headers["cache-control"].startswith("public")


@pytest.mark.parametrize("path", ["/c/nobody", "/nowhere"])
def test_what_no_cache_may_keep_is_kept_by_none_where_a_language_is_chosen(
    client: TestClient, path: str
) -> None:
    """Pages of refusals, and of the booth with what somebody voted, are made for one moment."""
    answer = client.get(f"{path}?lang=en")

    assert answer.headers["cache-control"] == "no-store"
    assert "language=en" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/", PAGE, RESULTS, "/nowhere", "/static/style.css", "/livez"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    """Only our own scripts, no sniffing, no framing, no referrer to others."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_a_fault_of_ours_carries_the_security_headers_too(source: Published) -> None:
    """Whatever fails while an answer is made: 500, said in words, and no header less."""
    def broken() -> float:
        raise OSError

    app = application(source, Publications(source.flushes, broken))
    answer = TestClient(app, raise_server_exceptions=False).get(RESULTS)
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_only_the_api_may_be_read_from_other_sites(client: TestClient) -> None:
    """The numbers are public; the pages are not to be scripted by others."""
    assert client.get(RESULTS).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in client.get(PAGE).headers


def test_static_files_never_change_under_their_address(client: TestClient) -> None:
    """The page names styles by revision, so that they may be kept for ever."""
    page = client.get(PAGE).text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(address)
    assert "?v=" in address
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"


def test_a_page_that_names_no_icon_has_one_all_the_same(client: TestClient) -> None:
    """The full report loads nothing, so browsers ask by the old name; its address has no state."""
    answer = client.get("/favicon.ico")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.content == client.get("/static/icon.svg").content
    assert "immutable" not in answer.headers["cache-control"]


def test_head_answers_like_get_without_a_body(client: TestClient) -> None:
    """HEAD gives the same headers."""
    head, get = client.head(RESULTS), client.get(RESULTS)
    assert head.headers["etag"] == get.headers["etag"]
    assert head.content == b""


@pytest.mark.parametrize(("path", "allowed"), [
    ("/", True), (PAGE, True), (f"{PAGE}/proposals", True), ("/problems/busy", True),
    (f"{PAGE}/vote", False), (f"{PAGE}/vote?proposal=p1", False), (f"{PAGE}/vote/mine", False),
    ("/v1/consultations/jeunes/sequence", False), (RESULTS, False), ("/ops", False),
])
def test_crawlers_are_asked_to_leave_the_booth_alone(
    source: Published, path: str, *, allowed: bool
) -> None:
    """Rules as RFC 9309 has them: results may be found, booth and programs' addresses not."""
    answer = TestClient(application(source)).get("/robots.txt")
    rules = re.findall(r"^Disallow: (\S+)$", answer.text, re.MULTILINE)

    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("User-agent: *\n")
    assert allowed is not any(
        re.match(re.escape(rule).replace(r"\*", ".*"), path) for rule in rules)
