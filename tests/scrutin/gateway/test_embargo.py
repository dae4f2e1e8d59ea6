"""The booth and the widget obey the embargo: who has voted is shown no more than anybody else.

The two worlds of `tests.views.test_embargo`, asked by a browser that has voted in both alike.
"""

import re
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx2

from producers.gateway import guards, identity
from schemas import codec
from schemas.partners import DESCRIBED
from tests.scrutin.gateway.test_desk import visit
from tests.views import campaign
from tests.views.test_embargo import NAME, SIZE, World, world
from views.api import Beside, application
from views.documents import Documents
from views.voting import folded
from views.voting.desk import Desk
from views.voting.everybody import Everybody
from views.voting.paper import Mark, Paper
from views.voting.places import PAPER_COOKIE
from views.voting.roll import Roll


NOW = campaign.instant("2022-04-15T12:00:00+02:00") / 1_000
DEVICE = bytes(range(16))
VOTED = campaign.proposals(SIZE)[0]["id"]
KEY = re.compile(r'name="key" value="[^"]+"')
"""Drawn anew for each page."""
PLACES = {f"/c/{NAME}/vote": guards.LOOPBACK_COOKIE, f"/c/{NAME}/widget/1": guards.WIDGET_COOKIE}
"""Where one votes, and the cookie of the device there."""
BELOW = ("", f"?proposal={VOTED}", f"/cards?proposal={VOTED}", "/mine", "/you")


def desk(folder: Path, *, embargo: bool) -> tuple[Desk, dict[str, str]]:
    """Make a desk that knows the campaign and a partner, and what a browser keeps that voted."""
    entered = visit(folder, lambda: NOW, DEVICE)
    follower = entered.desk.follower
    for event, fields in [*campaign.events(SIZE), (DESCRIBED, {
            "event_id": bytes(16), "consultation": NAME, "partner": 1, "name": "La Voix",
            "sites": ["https://la-voix.example"], "origin": "operator", "occurred_at": 1})]:
        more = {"shares_embargoed": embargo} if event == "ConsultationDescribed" else {}
        follower.offset += 1
        follower.known.apply(*codec.decode(codec.encode(event, **fields | more)))
    follower.ready.set()
    entered.desk.time.settled = entered.desk.booth._time.settled = True
    key = entered.desk.keys.device
    voted = Paper([VOTED], {VOTED: Mark("agree", {"like_it"}, None, trusted=True, cast=3, last=3)})
    return entered.desk, {
        "device": identity.device_cookie(key, DEVICE),
        "paper": folded.written(
            voted, lambda content: key.code(b"paper", DEVICE, NAME.encode(), content),
            Roll(entered.desk.accepted(NAME)))}


async def answers(source: World, folder: Path, *, embargo: bool) -> dict[str, tuple[int, Any, str]]:
    """Ask every page of the booth and of the widget."""
    found, kept = desk(folder, embargo=embargo)
    transport = httpx2.ASGITransport(application(source, beside=Beside(desk=found)))
    client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")
    made: dict[str, tuple[int, Any, str]] = {}
    for place, cookie in PLACES.items():
        headers = {"cookie": f"{cookie}={kept['device']}; {PAPER_COOKIE}={kept['paper']}",
                   "sec-fetch-site": "same-origin"}
        asked = {path: await client.get(place + path, headers=headers) for path in BELOW}
        asked["said"] = await client.post(
            f"{place}/cards", headers=headers, json={"notes": [], "proposal": VOTED})
        made |= {place + path: (answer.status_code, answer.headers, KEY.sub("", answer.text))
                 for path, answer in asked.items()}
    return made


async def test_who_has_voted_sees_no_more_of_an_embargoed_world(tmp_path: Path) -> None:
    """The same bytes whatever everybody else chose, on our own pages and within a partner's."""
    first, second = [await answers(world(swapped=swapped), tmp_path, embargo=True)
                     for swapped in (False, True)]

    assert first == second
    assert {status for status, _, _ in first.values()} == {200, 303}
    for place in PLACES:
        assert 'aria-pressed="true"' in first[f"{place}?proposal={VOTED}"][2]


async def test_without_an_embargo_the_worlds_differ(tmp_path: Path) -> None:
    """So the test above can fail: in the ballot, and in what the script is told."""
    first, second = [
        await answers(world(swapped=swapped, embargo=False), tmp_path, embargo=False)
        for swapped in (False, True)]

    for place in PLACES:
        for path in (f"?proposal={VOTED}", f"/cards?proposal={VOTED}", "said"):
            assert first[place + path] != second[place + path]


async def test_what_follows_the_receipt_of_a_vote_obeys_the_embargo() -> None:
    """It is no page: the same where shares are hidden, whatever everybody else chose."""
    def later(*, swapped: bool, embargo: bool) -> Awaitable[bytes]:
        flushes = world(swapped=swapped, embargo=embargo).flushes
        return Everybody(flushes, Documents(flushes)).after(NAME, VOTED, 0, 3)

    hidden, shown = [[await later(swapped=swapped, embargo=embargo) for swapped in (False, True)]
                     for embargo in (True, False)]

    assert hidden == 2 * [b'{"shares":null,"counted":true}']
    assert shown[0] != shown[1]
