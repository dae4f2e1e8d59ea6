"""Guessing the operators' token: a network has twenty wrong ones a minute, a right one is free."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from schemas import problems
from scrutin.views.guesses import WRONG_TOKENS, Guesses
from tests.views.operations.control_room import TOKEN, ControlRoom
from tests.views.test_api import Clock
from views.api import Beside, application
from views.operations.access import COOKIE


@pytest.fixture
def room(tmp_path: Path) -> ControlRoom:
    made = ControlRoom(tmp_path)
    made.look(100.0)
    return made


class Tries:
    """Views with the operators' page behind the limit, asked from any address."""

    def __init__(self, room: ControlRoom) -> None:
        self.clock = Clock()
        self._application = application(room.source, beside=Beside(
            operations=room.operations, guarded=lambda app: Guesses(app, self.clock)))

    def client(self, address: str = "198.51.100.7") -> TestClient:
        return TestClient(self._application, client=(address, 1), follow_redirects=False)


@pytest.mark.parametrize("address", ["/metrics", "/ops", "/ops/live", "/ops/login"])
def test_wrong_tokens_of_a_network_are_limited(room: ControlRoom, address: str) -> None:
    """Past the limit a right one is refused too, to that network alone, until the minute ends."""
    tries = Tries(room)
    client, other = tries.client(), tries.client("203.0.113.7")

    def show(client: TestClient, token: str) -> int:
        if address == "/ops/login":
            return client.post(address, data={"token": token}).status_code
        method = "HEAD" if address == "/ops/live" else "GET"
        return client.request(
            method, address, headers={"authorization": f"Bearer {token}"}).status_code

    guessed = [show(client, f"guess-{number}") for number in range(WRONG_TOKENS + 3)]
    assert guessed == [401] * WRONG_TOKENS + [429] * 3
    assert show(tries.client("198.51.100.250"), TOKEN) == 429
    assert show(other, TOKEN) in {200, 303}
    tries.clock.now = 61.0
    assert show(client, TOKEN) in {200, 303}


def test_what_tokens_are_limited_by_is_said(room: ControlRoom) -> None:
    """429 names the limit and when it ends."""
    client = Tries(room).client()
    for _ in range(WRONG_TOKENS):
        client.post("/ops/login", data={"token": "wrong"})
    refused = client.post("/ops/login", data={"token": "wrong"})

    assert refused.status_code == problems.TOO_MANY_REQUESTS.status
    assert refused.headers["ratelimit-policy"] == f'"tokens";q={WRONG_TOKENS};w=60'
    assert refused.headers["retry-after"] == "61"


def test_right_tokens_and_cookies_cost_nothing(room: ControlRoom) -> None:
    """Who has the token asks as often as he likes, and a cookie opens while others guess."""
    tries = Tries(room)
    client = tries.client()
    assert client.post("/ops/login", data={"token": TOKEN}).status_code == 303
    for _ in range(3 * WRONG_TOKENS):
        asked = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert asked.status_code == 200
    for _ in range(2 * WRONG_TOKENS):
        tries.client().post("/ops/login", data={"token": "wrong"})

    assert client.cookies[COOKIE]
    assert client.get("/ops").status_code == 200
    assert tries.client().get("/ops").status_code == 401


def test_a_page_of_another_site_uses_up_no_guesses(room: ControlRoom) -> None:
    """Whatever an operator has open beside the form sends forms that are refused unread; who says
    so of a token in a header is a guesser all the same."""
    tries = Tries(room)
    client = tries.client()
    foreign = {"sec-fetch-site": "cross-site"}
    for _ in range(2 * WRONG_TOKENS):
        assert client.post(
            "/ops/login", data={"token": "wrong"}, headers=foreign).status_code == 403
    assert client.post("/ops/login", data={"token": TOKEN}).status_code == 303
    shown = [client.get("/metrics", headers={"authorization": "Bearer wrong", **foreign})
             for _ in range(WRONG_TOKENS + 1)]

    assert [each.status_code for each in shown] == [401] * WRONG_TOKENS + [429]
