"""Who may not: other sites, closed consultations, too many, too much; and how it is said."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from producers.gateway.exchange import BODY_BYTES
from schemas import problems
from schemas.problems import FAULTS
from scrutin.serving.joined_writes import HEAD_BYTES
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from views.pages.languages import LANGUAGES, translations


VOTES = "/v1/consultations/town/votes"
VOTE = {"proposal": "p1", "choice": "agree"}


def assert_problem(answer: httpx2.Response, status: int, name: str) -> None:
    """Fail unless an answer is this problem."""
    assert (answer.status_code, answer.json().get("type")) == (status, f"/problems/{name}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("headers", [
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"}, {"origin": "null"},
    {"origin": "http://127.0.0.1:1"}, {"origin": "http://["},
    {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
])
async def test_a_page_of_another_site_cannot_act(
    gateway: RunningGateway, headers: dict[str, str]
) -> None:
    """Whatever a browser says of another site, nothing is written and no device is made."""
    before = len(await gateway.events(gateway.topics.votes))
    async with Browser(gateway.url) as browser:
        answers = [
            await browser.vote(headers=headers),
            await browser.client.delete(f"{VOTES}/p1", headers=headers),
            await browser.client.get("/v1/consultations/town/sequence", headers=headers)]
    for answer in answers:
        assert_problem(answer, 403, "other-site")
        assert "set-cookie" not in answer.headers
    assert len(await gateway.events(gateway.topics.votes)) == before


async def test_the_own_page_may_act_and_is_recorded_as_the_web(gateway: RunningGateway) -> None:
    """A browser on our own page is let in; its events say where they come from."""
    async with Browser(gateway.url) as browser:
        answer = await browser.vote(headers={
            "sec-fetch-site": "same-origin", "origin": gateway.url})

    assert answer.status_code == 202
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert booths.event_of(answer.json())[1]["origin"] == "web"


async def test_no_other_site_is_let_in_by_cors(gateway: RunningGateway) -> None:
    """A preflight is not granted, and what is recorded or personal may not be read."""
    origin = {"origin": "https://evil.example", "access-control-request-method": "POST",
              "access-control-request-headers": "content-type"}
    async with Browser(gateway.url) as browser:
        preflight = await browser.client.options(VOTES, headers=origin)
        answers = [preflight, await browser.vote(), await browser.vote("nothing"),
                   await browser.client.get("/v1/consultations/town/sequence")]

    assert_problem(preflight, 405, "method-not-allowed")
    assert preflight.headers["allow"] == "POST"
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
async def test_a_form_cannot_vote(gateway: RunningGateway, content_type: str) -> None:
    """A body that another site could send without a preflight is not read."""
    async with Browser(gateway.url) as browser:
        answer = await browser.client.post(
            VOTES, content=json.dumps(VOTE), headers={"content-type": content_type})

    assert_problem(answer, 415, "not-json")


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'{"proposal":"p1"}', b'{"proposal":"p1","choice":"yes"}',
    b'{"proposal":1,"choice":"agree"}', b'{"proposal":"","choice":"agree"}',
    b'{"proposal":"p1","choice":"agree","prof":"x"}', b"\xff\xfe",
    b'{"proposal":"p1","choice":"agree","proof":5}', b"[" * 2_000,
])
async def test_a_body_that_is_no_vote_is_explained(gateway: RunningGateway, body: bytes) -> None:
    """What cannot be understood is answered 400 with what is wrong with which field, never 500."""
    async with Browser(gateway.url) as browser:
        french, answer = [await browser.client.post(
            VOTES, content=body, headers={"content-type": "application/json",
                                          "accept-language": language}) for language in LANGUAGES]

    assert_problem(answer, 400, "invalid-request")
    assert [each["field"] for each in answer.json()["errors"]] == [
        each["field"] for each in french.json()["errors"]]
    said = [each["message"].partition(" (")[0] for each in answer.json()["errors"]]
    assert said
    assert set(said) <= set(FAULTS.values())
    assert not set(said) & {each["message"] for each in french.json()["errors"]}
    assert answer.headers["ratelimit-policy"].startswith('"voter";q=')


async def test_a_body_is_bounded(gateway: RunningGateway) -> None:
    """One byte too many is refused, declared or in parts."""
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (BODY_BYTES // 2)

    json_type = {"content-type": "application/json"}
    padded = json.dumps(VOTE).encode().ljust(BODY_BYTES)
    async with Browser(gateway.url) as browser:
        fits = await browser.client.post(VOTES, content=padded, headers=json_type)
        declared = await browser.client.post(VOTES, content=padded + b" ", headers=json_type)
        streamed = await browser.client.post(VOTES, content=parts(), headers=json_type)

    assert fits.status_code == 202
    assert_problem(declared, 413, "too-large")
    assert_problem(streamed, 413, "too-large")


async def test_a_head_is_bounded(gateway: RunningGateway) -> None:
    """A header without an end is refused and its connection closed, not kept in memory."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /livez HTTP/1.1\r\nendless: ".ljust(HEAD_BYTES + 1, b"x"))
    async with asyncio.timeout(booths.ANSWER_SECONDS):
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("key", ["", "é", "x" * 129, "a b"])
async def test_a_key_has_a_form(gateway: RunningGateway, key: str) -> None:
    """An Idempotency-Key is 1 to 128 visible characters."""
    async with Browser(gateway.url) as browser:
        answer = await browser.client.post(
            VOTES, json=VOTE, headers=[(b"idempotency-key", key.encode())])

    assert_problem(answer, 400, "invalid-idempotency-key")


@pytest.mark.parametrize(("of", "name", "status", "problem"), [
    ("nowhere", "p1", 404, "unknown-consultation"), ("town", "p9", 404, "unknown-proposal"),
    ("town", "\ud800", 404, "unknown-proposal"),
    ("later", "p1", 409, "not-yet-open"), ("over", "p1", 409, "closed"),
    ("shut", "p1", 409, "closed"),
])
async def test_what_cannot_be_voted_on_is_said(
    gateway: RunningGateway, of: str, name: str, status: int, problem: str
) -> None:
    """Unknown, not yet open, past its date, or closed on the record: each is its own problem."""
    async with Browser(gateway.url) as browser:
        answer = await browser.client.post(
            f"/v1/consultations/{of}/votes", content=json.dumps({**VOTE, "proposal": name}),
            headers={"content-type": "application/json"})

    if name == "\ud800":  # JSON can say half a character; no proposal is named so.
        problem, status = answer.json()["type"].rpartition("/")[2], answer.status_code
        assert problem in {"unknown-proposal", "invalid-request"}
    assert_problem(answer, status, problem)


@pytest.mark.parametrize(("language", "title"), [
    ("fr", "Proposition inconnue"), ("en", "Unknown proposal"),
    ("de, en;q=0.5", "Unknown proposal"),
])
async def test_a_problem_speaks_the_voters_language_and_has_a_page(
    gateway: RunningGateway, language: str, title: str
) -> None:
    """Title and detail are in the language asked for; `type` opens a page about the problem."""
    spoken = {"accept-language": language}
    async with Browser(gateway.url) as browser:
        answer = await browser.vote("p9", headers=spoken)
        page = await browser.client.get(answer.json()["type"], headers=spoken)

    assert answer.json()["title"] == title
    assert answer.headers["content-language"] == language[:2].replace("de", "en")
    assert page.status_code == 200
    assert title in page.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_refusal_of_a_vote_is_in_the_voters_language(
    gateway: RunningGateway, language: str
) -> None:
    """Unknown, closed or not yet open."""
    spoken = {"accept-language": language}
    said = translations(language).gettext
    async with Browser(gateway.url) as browser:
        refused = {
            problems.UNKNOWN_CONSULTATION: await browser.vote(of="nowhere", headers=spoken),
            problems.UNKNOWN_PROPOSAL: await browser.vote("p9", headers=spoken),
            problems.CLOSED: await browser.vote(of="over", headers=spoken),
            problems.NOT_YET_OPEN: await browser.vote(of="later", headers=spoken),
        }
    for problem, answer in refused.items():
        assert_problem(answer, problem.status, problem.name)
        assert answer.json()["title"] == said(problem.title)
        assert answer.json()["detail"] == said(problem.advice)
        assert answer.headers["content-language"] == language
    assert {said(problem.title) == problem.title for problem in refused} == {language == "en"}


async def test_a_device_cookie_is_out_of_reach(gateway: RunningGateway) -> None:
    """No script can read it, no other site sends it, only TLS carries it but on this machine."""
    async with Browser(gateway.url) as browser:
        local = (await browser.vote()).headers["set-cookie"]
        public = (await browser.vote(headers={"host": "vote.example"})).headers["set-cookie"]

    (plain, *said), (secure, *said_too) = (cookie.split("; ") for cookie in (local, public))
    for attributes in (said, said_too):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert ("Secure" in said, "Secure" in said_too) == (False, True)
    assert plain.startswith("scrutin-device=")
    assert secure.startswith("__Host-scrutin-device=")


async def test_limits_are_told_and_held(shared_stack: Stack) -> None:
    """Each answer says what is left, past a limit when to come again; neighbours have theirs."""
    gateway = booths.started(
        shared_stack, "limited", SCRUTIN_GATEWAY_VOTER_RATE="2", SCRUTIN_GATEWAY_NETWORK_RATE="3")
    await gateway.ready()
    async with Browser(gateway.url) as browser, Browser(gateway.url) as other:
        first = await browser.vote()
        answers = [await browser.vote() for _ in range(9)]
        others = [await other.vote() for _ in range(2)]
    for _ in range(2):  # Who comes without a cookie has a limit apart, as large.
        async with Browser(gateway.url) as other:
            others += [await other.vote() for _ in range(2)]

    assert first.headers["ratelimit"].startswith('"voter";r=1;t=')
    assert [answer.status_code for answer in (*answers, *others)] == [
        202, *[429] * 8, *[202] * 4, 429, 429]
    assert_problem(answers[1], 429, "too-many-requests")
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    assert [answer.headers["ratelimit-policy"] for answer in (first, answers[1], others[4])] == [
        '"voter";q=2;w=60', '"voter";q=2;w=60', '"network";q=3;w=60']


async def test_what_is_not_the_gateways_the_pages_answer(gateway: RunningGateway) -> None:
    """One address: pages and results are under the same one as votes."""
    async with Browser(gateway.url) as browser:
        page = await browser.client.get("/problems/closed")
        nothing = await browser.client.get("/v1/nothing")

    assert page.headers["content-type"].startswith("text/html")
    assert nothing.status_code in {404, 503}
