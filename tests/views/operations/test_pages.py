"""The operators' page over HTTP: who may see it, what it shows, and what it never shows."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from schemas import words
from schemas.figures import LAG_MESSAGES, LIVE_CLIENTS, VOTES_COUNTED, read
from tests.views import campaign
from tests.views.operations.control_room import SIZE, TOKEN, VOTES, ControlRoom
from tests.views.pages.html import parse
from views.live import LiveStream
from views.operations.access import (
    COOKIE,
    COOKIE_SECONDS,
    FORWARDED,
    FORWARDED_BEGINNINGS,
    Access,
    outside,
)


ROOT = Path(__file__).parents[3]
ADDRESSES = ("/ops", "/ops/live", "/metrics")


@pytest.fixture
def room(tmp_path: Path) -> ControlRoom:
    made = ControlRoom(tmp_path)
    made.look(100.0)
    return made


@pytest.mark.parametrize("address", ADDRESSES)
def test_where_a_token_is_set_nobody_sees_anything_without_it(
    room: ControlRoom, address: str
) -> None:
    """Neither from elsewhere nor on this machine, whatever name and headers a request comes with:
    a proxy may connect from here and say nothing of itself."""
    local = room.client(token="")
    for asked in (
        room.client(local=False).get(address),
        local.get(address),
        local.get(address, headers={"host": "localhost"}),
        local.get(address, headers={"host": "127.0.0.1:8080", "x-forwarded-for": "127.0.0.1"}),
        local.get(address, headers={"host": "rebound.example"}),
        local.get(address, headers={"authorization": f"Bearer {TOKEN}x"}),
        local.get(address, headers={"cookie": f"{COOKIE}=9999999999.00"}),
    ):
        assert asked.status_code == 401
        assert "gateway_page" not in asked.text
        assert "166" not in asked.text


def test_the_token_opens_the_page_from_elsewhere(room: ControlRoom) -> None:
    """As a bearer, and through the form, whose cookie opens it without holding the token."""
    away = room.client(local=False)
    wrong = away.post("/ops/login", data={"token": "wrong"})
    right = away.post("/ops/login", data={"token": TOKEN})
    cookie = right.headers["set-cookie"]

    assert (wrong.status_code, right.status_code) == (401, 303)
    assert "aria-invalid" in wrong.text
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert [answer.status_code for answer in (
        away.get("/ops"), away.post("/ops/logout"), away.get("/ops"),
        away.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}),
        away.post("/ops/login", content=b"token=" + bytes(5_000)))] == [200, 303, 401, 200, 401]


def test_a_cookie_ends_by_itself(room: ControlRoom) -> None:
    """After a shift the token is asked for again, and another token ends all cookies."""
    away = room.client(local=False)
    away.post("/ops/login", data={"token": TOKEN})
    cookie = away.cookies[COOKIE]
    moment = int(cookie.partition(".")[0])

    assert Access(TOKEN, lambda: moment - 1)._is_proof(cookie)
    assert not Access(TOKEN, lambda: moment + 1)._is_proof(cookie)
    assert not Access(TOKEN + "2", lambda: moment - 1)._is_proof(cookie)
    assert not Access(TOKEN, lambda: moment - 1)._is_proof("9" + cookie)
    assert COOKIE_SECONDS <= 24 * 3_600


def test_without_a_token_only_this_machine_sees_it(tmp_path: Path) -> None:
    """An empty token is none: nobody can show it."""
    room = ControlRoom(tmp_path, token="")
    away = room.client(local=False)

    assert away.get("/ops").status_code == 403
    assert away.post("/ops/login", data={"token": ""}).status_code == 403
    assert away.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403
    for host in ("127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.8.0.1"):
        for address in ("/ops", "/metrics"):
            assert room.client().get(address, headers={"host": host}).status_code == 200


def test_without_a_token_the_form_leads_this_machine_to_the_page(tmp_path: Path) -> None:
    """Nothing is asked for, so nothing sent can be wrong; of the form's page there is none here."""
    answer = ControlRoom(tmp_path, token="").client().post("/ops/login", data={"token": "x"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/ops")


FOREIGN: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"},
    {"origin": "https://evil.example"}, {"origin": "http://["})


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("headers", FOREIGN)
def test_no_page_of_another_site_sends_a_form(
    tmp_path: Path, headers: dict[str, str], token: str
) -> None:
    """It neither ends an operator's session nor shows a token, right or wrong; our own page may."""
    room = ControlRoom(tmp_path, token=token)
    for path in [route.path for route in room.operations.routes()
                 if "POST" in (route.methods or ())]:
        refused = room.client(token="").post(path, data={"token": TOKEN}, headers=headers)
        own = room.client(token="").post(path, data={"token": TOKEN}, headers={
            "sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8080"})

        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        assert own.status_code == 303


SIGNS = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Whatever",
         "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "CF-Ray", "CDN-Loop",
         "Fastly-Client-IP", "X-Azure-ClientIP", "X-Envoy-External-Address", "X-Varnish",
         "X-Amzn-Trace-Id", "CloudFront-Viewer-Address", "X-Request-ID")
"""What proxies and networks of them send by their documentation."""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_a_proxy_shows_of_itself_closes_the_page_and_is_named(
    tmp_path: Path, language: str
) -> None:
    """Without a token any header of a proxy refuses, and so does nginx as it comes; the page says
    which, and so do the docs."""
    room = ControlRoom(tmp_path, token="")
    docs = (ROOT / "docs/operate.md").read_text("utf-8").lower()
    for name in (*SIGNS, *FORWARDED, *(f"{start}x" for start in FORWARDED_BEGINNINGS)):
        headers = {name: "127.0.0.1", "accept-language": language}
        page = room.client().get("/ops", headers=headers)

        assert page.status_code == 403, name
        assert name.lower() in page.text.lower()
        assert room.client().get("/ops/live", headers=headers).status_code == 401
        assert name.lower() in room.client().get("/metrics", headers=headers).text.lower()
    for name in (*FORWARDED, *FORWARDED_BEGINNINGS):
        assert f"`{name}" in docs
    assert room.client().get("/ops", headers={"connection": "close"}).status_code == 403


def test_a_request_of_http_1_0_is_not_of_this_machine() -> None:
    """nginx as it comes names its upstream as host and speaks HTTP/1.0; nobody here does."""
    asked = {"type": "http", "client": ("127.0.0.1", 5), "headers": [(b"host", b"127.0.0.1:8080")]}

    assert outside(Request({**asked, "http_version": "1.1"})) is None
    assert outside(Request({**asked, "http_version": "1.0"})) == ("proxy", "HTTP/1.0")
    assert outside(Request({**asked, "client": ("10.0.0.1", 5)})) == ("address", "10.0.0.1")
    assert outside(Request({**asked, "headers": [(b"host", b"a.example")]})) == (
        "name", "a.example")
    assert outside(Request({**asked, "headers": []})) == ("name", "")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_is_complete_in_every_state(room: ControlRoom, language: str) -> None:
    """Well formed without JavaScript: before a look, with silence everywhere, with alarms."""
    fresh = ControlRoom(Path("nowhere"))
    room.archive(100.5, missing=1)
    pages = [fresh.client().get(f"/ops?lang={language}").text]
    for name in room.watch.processes:
        pages.append(room.client().get(f"/ops?lang={language}").text)
        room.watch.see_process(name, None, 101.0, 101.0)
    room.watch.see_ends(None, 120.0, 120.0)
    room.watch.looked_at = room.watch.clock = 120.0
    pages.append(room.client().get(f"/ops?lang={language}").text)
    for text in pages:
        page = parse(text.encode())
        names = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
        assert len(names) == len(set(names))
        assert len(page.all("h1")) == 1
        assert all(table.children[0].tag == "caption" for table in page.all("table"))
        assert not [e for e in page.all() if "style" in e.attributes]
        assert 'http-equiv="refresh"' in text


def test_stream_and_page_show_the_same(room: ControlRoom) -> None:
    """The parts that the stream sends are those of the page."""
    identifier, content = room.operations.streams.snapshot("fr", ())
    parts = json.loads(content)["parts"]

    assert identifier == "100.000"
    assert parts.strip() in room.client().get("/ops?lang=fr").text


async def test_every_look_is_streamed_until_the_process_stops(room: ControlRoom) -> None:
    """A reader gets the state at once, then one event a look, and is let go at the end."""
    events: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(message: Message) -> None:
        if message.get("body", b"").startswith(b"id: "):
            await events.put(message["body"])

    async def receive() -> Message:
        return await asyncio.Future()

    stream = LiveStream(room.operations.streams, "en", (), None)
    task = asyncio.create_task(stream({}, receive, send))
    async with asyncio.timeout(30):
        assert (await events.get()).startswith(b"id: 100.000\n")
        room.look(101.0)
        assert (await events.get()).startswith(b"id: 101.000\n")
        room.operations.streams.close()
        await task


def test_a_page_whose_looks_stand_still_says_so(room: ControlRoom) -> None:
    """A control room must not take old figures for new ones."""
    assert "Nothing newer for" in room.client().get("/ops?lang=en").text
    room.watch.looked_at = time.time()
    assert "Nothing newer for" not in room.client().get("/ops?lang=en").text


def test_page_and_metrics_show_what_waits(room: ControlRoom) -> None:
    """Forty votes that wait in one partition stand on both."""
    room.watch.see_ends({**room.watch.ends, ("scrutin.votes", 2): VOTES[2] + 41_234}, 101.0, 101.0)
    room.watch.clock = 103.0
    client = room.client()
    metrics = read(client.get("/metrics").text)

    assert metrics.labelled(LAG_MESSAGES)["gateway_page", "2"] == 41_234
    assert metrics.labelled(LAG_MESSAGES)["gateway_page", "1"] == 0
    assert metrics.one(VOTES_COUNTED.name) == campaign.document(SIZE)["totals"]["counted"]["votes"]
    assert "41\u202f234" in client.get("/ops?lang=fr").text


def test_metrics_say_how_many_follow_live(room: ControlRoom) -> None:
    """The figure is there before anybody follows, and is that of the streams that are served."""
    client = room.client()
    assert read(client.get("/metrics").text).one(LIVE_CLIENTS.name) == 0
    room.operations.live_clients = lambda: 7
    assert read(client.get("/metrics").text).one(LIVE_CLIENTS.name) == 7


def test_the_hottest_show_votes_and_never_a_choice(tmp_path: Path) -> None:
    """Votes of the last minute by proposal; the page is the same whichever way people voted."""
    pages = set()
    for choice in words.CHOICES:
        room = ControlRoom(tmp_path, closed=False)
        list(room.collector.hottest.look())
        room.publish(90_000, "p-0001", choice)
        list(room.collector.hottest.look())
        room.look(100.0)
        hottest = room.collector.hottest.top()
        pages.add(room.client().get("/ops?lang=en").text)

        assert [hot.proposal for hot in hottest] == ["p-0001"]
        assert f"{hottest[0].votes:,} votes" in max(pages)
    assert len(pages) == 1
