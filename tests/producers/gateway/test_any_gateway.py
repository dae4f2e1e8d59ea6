"""Any gateway takes what any other takes, and knows what the others took: two walked by turns."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httpx2
import pytest

from producers.gateway.keys import KeyFolder
from producers.gateway.operations import OPERATIONS
from producers.issuing import made
from schemas.codes import ISSUED
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import PARTNER_KEY, SITES, Browser, RunningGateway
from views.flushes import Flushes
from views.voting.pages import VotePages
from views.voting.receipts import ReceiptPages


PROPOSALS = set(booths.PROPOSALS)
CARDED = "carded"
"""A consultation that asks for codes; each walk takes the next card."""
CODES, ISSUE = made(CARDED, 8)
CARDS = iter(CODES)
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Walk:
    """What one browser holds on its way, besides its cookies."""

    browser: Browser
    proofs: dict[str, str] = field(default_factory=dict)
    receipt: dict[str, Any] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    town: str = "town"
    place: str = "vote"
    """The booth, or the widget of a partner."""
    code: str = field(default_factory=lambda: next(CARDS))
    acts: int = 0

    async def api(self, method: str, path: str, **asked: Any) -> httpx2.Response:
        return await self.browser.client.request(
            method, f"/v1/consultations/town/{path}", **asked)

    async def page(self, path: str, method: str = "GET", **fields: str) -> httpx2.Response:
        """Ask for a page of the booth, or send a form of it, as a browser does."""
        url = self.browser.client.base_url
        return await self.browser.client.request(
            method, f"/c/{self.town}/{self.place}{path}", data=fields or None,
            headers={"origin": f"{url.scheme}://{url.host}:{url.port}"})


async def shown(walk: Walk) -> httpx2.Response:
    answer = await walk.api("GET", "sequence", params={"include": "p1"})
    walk.proofs |= {each["id"]: each["proof"] for each in answer.json()["proposals"]}
    return answer


def voting(choice: str) -> Callable[[Walk], Awaitable[httpx2.Response]]:
    async def step(walk: Walk) -> httpx2.Response:
        answer = await walk.api("POST", "votes", json={
            "proposal": "p1", "choice": choice, "proof": walk.proofs["p1"]})
        walk.receipt = answer.json()
        return answer

    return step


def saying(method: str, path: str, word: str = "") -> Callable[[Walk], Awaitable[httpx2.Response]]:
    async def step(walk: Walk) -> httpx2.Response:
        told = {"proof": walk.proofs["p1"]}
        if not word:
            return await walk.api(method, path, params=told)
        return await walk.api(method, path, json={
            "proposal": "p1", "qualification": word, **told})

    return step


def asking(path: str) -> Callable[[Walk], Awaitable[httpx2.Response]]:
    return lambda walk: walk.browser.client.get(path)


async def described(walk: Walk) -> httpx2.Response:
    return await walk.api("POST", "participants", json={"gender": "man", "receipt": walk.receipt})


async def ballot(walk: Walk) -> httpx2.Response:
    """Open the page of another proposal, and keep its form for the next gateway."""
    answer = await walk.page("?proposal=p2")
    walk.form = dict(_HIDDEN.findall(answer.text))
    return answer


def pressing(button: str) -> Callable[[Walk], Awaitable[httpx2.Response]]:
    async def step(walk: Walk) -> httpx2.Response:
        walk.acts += 1
        key = f"{walk.form['key'][:16]}-{walk.acts}"
        return await walk.page("", "POST", **{
            **walk.form, "shown": "1", "key": key, "act": button})

    return step


async def told(walk: Walk) -> httpx2.Response:
    """Tell the booth of an act by `/v1`, as its script does, and of one that nobody signed."""
    url = walk.browser.client.base_url
    ours = {"origin": f"{url.scheme}://{url.host}:{url.port}", "sec-fetch-site": "same-origin"}
    via = {"via": "1"} if walk.place != "vote" else {}
    voted = await walk.browser.client.post(
        "/v1/consultations/town/votes", params=via, headers=ours, json={
            "proposal": "p1", "choice": "neutral", "proof": walk.proofs["p1"]})
    return await walk.browser.client.post(f"/c/town/{walk.place}/cards", headers=ours, json={
        "notes": [voted.json()["note"], "x"], "proposal": "p1"})


async def own_receipt(walk: Walk) -> httpx2.Response:
    mine = await walk.page("/mine")
    [path] = re.findall(rf"/c/town/{walk.place}(/receipts/\d+-\d+\.json)", mine.text)[:1]
    return await walk.page(path)


def embedded(step: Callable[[Walk], Awaitable[httpx2.Response]]
             ) -> Callable[[Walk], Awaitable[httpx2.Response]]:
    """Take a step of the booth's in the widget of a partner."""
    async def there(walk: Walk) -> httpx2.Response:
        walk.place = "widget/1"
        try:
            return await step(walk)
        finally:
            walk.place = "vote"

    return there


def carded(step: Callable[[Walk], Awaitable[httpx2.Response]]
           ) -> Callable[[Walk], Awaitable[httpx2.Response]]:
    """Take a step where people vote with codes."""
    async def there(walk: Walk) -> httpx2.Response:
        walk.town = CARDED
        try:
            return await step(walk)
        finally:
            walk.town = "town"

    return there


async def code_asked(walk: Walk) -> httpx2.Response:
    return await walk.page("/code")


async def code_given(walk: Walk) -> httpx2.Response:
    return await walk.page("/code", "POST", code=walk.code)


async def led(walk: Walk) -> httpx2.Response:
    """Open the widget's own address, which leads to the partner's whose page shows it."""
    return await walk.browser.client.get("/c/town/widget", headers={"referer": f"{SITES[0]}/"})


async def shown_there(walk: Walk) -> httpx2.Response:
    """Draw a sequence as the widget's script does: its device is another one."""
    answer = await walk.api("GET", "sequence", params={"include": "p1", "via": "1"})
    walk.proofs |= {each["id"]: each["proof"] for each in answer.json()["proposals"]}
    return answer


async def sent_by_a_partner(walk: Walk) -> httpx2.Response:
    return await walk.api("POST", "batch", params={"via": "2"}, headers={
        "authorization": f"Bearer {PARTNER_KEY}"}, json={"ballots": [
            {"voter": "ana", "key": "k", "proposal": "p1", "choice": "agree"}]})


async def checked(walk: Walk) -> httpx2.Response:
    return await walk.page("/receipts", "POST", receipt="no receipt", act="check")


PAGE = "/c/{consultation}/vote"
WIDGET = "/c/{consultation}/widget/{via:number}"
RECEIPTS, WIDGET_RECEIPTS = (
    f"{place}/receipts/{{partition:number}}-{{offset:number}}.json" for place in (PAGE, WIDGET))
STEPS: Sequence[tuple[str, Callable[[Walk], Awaitable[httpx2.Response]]]] = (
    ("sequence", shown), ("cast", voting("agree")), ("cast", voting("disagree")),
    ("qualify", saying("POST", "qualifications", "no_way")),
    ("qualify", saying("POST", "qualifications", "like_it")),
    ("unqualify", saying("DELETE", "qualifications/p1/no_way")),
    ("withdraw", saying("DELETE", "votes/p1")),
    ("qualify", saying("POST", "qualifications", "no_way")),
    ("cast", voting("neutral")), ("describe", described), ("batch", sent_by_a_partner),
    ("keys", asking("/v1/keys")), ("openapi", asking("/v1/openapi.json")),
    ("livez", asking("/livez")), ("readyz", asking("/readyz")),
    (f"GET {PAGE}", lambda walk: walk.page("")), (f"GET {PAGE}", ballot),
    (f"POST {PAGE}", pressing("agree")), (f"POST {PAGE}", pressing("disagree")),
    (f"POST {PAGE}", pressing("+no_way")), (f"GET {PAGE}", ballot),
    (f"POST {PAGE}", pressing("-no_way")),
    (f"GET {PAGE}/cards", lambda walk: walk.page("/cards?proposal=p2")),
    (f"GET {RECEIPTS}", own_receipt), (f"POST {PAGE}", pressing("withdraw")),
    (f"POST {PAGE}", pressing("agree")), (f"POST {PAGE}", pressing("more")),
    (f"POST {PAGE}", pressing("review")), (f"POST {PAGE}/cards", told),
    (f"GET {PAGE}/mine", lambda walk: walk.page("/mine")),
    (f"GET {PAGE}/you", lambda walk: walk.page("/you")),
    (f"POST {PAGE}/you", lambda walk: walk.page("/you", "POST", act="describe", gender="man")),
    (f"GET {PAGE}/receipts", lambda walk: walk.page("/receipts")),
    (f"POST {PAGE}/receipts", checked),
    ("GET /c/{consultation}/widget", led), ("sequence", shown_there),
    (f"GET {WIDGET}", embedded(ballot)), (f"POST {WIDGET}", embedded(pressing("agree"))),
    (f"GET {WIDGET}/cards", embedded(lambda walk: walk.page("/cards?proposal=p2"))),
    (f"POST {WIDGET}/cards", embedded(told)),
    (f"GET {WIDGET_RECEIPTS}", embedded(own_receipt)),
    (f"GET {WIDGET}/mine", embedded(lambda walk: walk.page("/mine"))),
    (f"GET {WIDGET}/you", embedded(lambda walk: walk.page("/you"))),
    (f"POST {WIDGET}/you", embedded(
        lambda walk: walk.page("/you", "POST", act="describe", gender="man"))),
    (f"GET {PAGE}/code", carded(code_asked)), (f"POST {PAGE}/code", carded(code_given)),
    (f"GET {PAGE}", carded(ballot)), (f"POST {PAGE}", carded(pressing("agree"))),
    (f"GET {WIDGET}/code", carded(embedded(code_asked))),
    (f"POST {WIDGET}/code", carded(embedded(code_given))),
    (f"GET {WIDGET}", carded(embedded(ballot))),
    (f"POST {WIDGET}", carded(embedded(pressing("disagree")))),
)
"""What there is to ask of a gateway, by the name of its operation or its method and path."""


class Said(NamedTuple):
    """What an answer says, whoever gives it."""

    step: str
    status: int
    trust: str | None
    to: str
    """Where a form leads."""
    votes: tuple[str, ...]
    """What the booth's pages show as chosen."""


def said(step: str, answer: httpx2.Response) -> Said:
    found = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    to = urlsplit(answer.headers.get("location", ""))
    return Said(step, answer.status_code, found.get("trust"), to.path,
                tuple(sorted(re.findall(r'id="act-(\w+)"[^>]*aria-pressed="true"', answer.text))))


async def walked(gateways: Sequence[RunningGateway], first: int = 0) -> list[Said]:
    """Take every step, each at the next gateway."""
    async with Browser(gateways[first].url) as browser:
        walk, found = Walk(browser), []
        for number, (name, step) in enumerate(STEPS):
            browser.client.base_url = httpx2.URL(gateways[(first + number) % len(gateways)].url)
            found.append(said(name, await step(walk)))
            for cookie in browser.client.cookies.jar:
                cookie.secure = False  # As browsers send them to this very machine.
    return found


@pytest.fixture(scope="module")
def pair(shared_stack: Stack) -> list[RunningGateway]:
    """Run two gateways, beside what asks for codes."""
    KeyFolder(shared_stack.folder / "data" / "keys").keep_codes(CARDED, ISSUE.root, ISSUE.hashes)
    asyncio.run(booths.said(
        shared_stack, booths.consultation(CARDED),
        *(booths.proposal(name, CARDED) for name in booths.PROPOSALS),
        booths.partner(1, *SITES, of=CARDED),
        booths.described(ISSUED, CARDED, codes=ISSUE.size, root=ISSUE.root)))
    return [booths.started(shared_stack, f"any-{number}", SCRUTIN_GATEWAY_COUNT="2")
            for number in range(2)]


def test_every_address_of_voters_is_walked() -> None:
    """A new one fails here until it has its steps."""
    nobody, flushes = cast("Any", None), Flushes()
    pages = [*VotePages(nobody, flushes, nobody).routes(), *ReceiptPages(nobody, nobody).routes()]
    asked = {f"{method} {route.path}" for route in pages
             for method in (route.methods or set()) - {"HEAD"}}

    assert {name for name, _ in STEPS} == asked | {each.handler for each in OPERATIONS}


async def test_two_gateways_by_turns_answer_as_one_does(pair: list[RunningGateway]) -> None:
    """Whichever begins: no act is refused by one that the other takes, and pages show the same."""
    await asyncio.gather(*(each.ready() for each in pair))
    alone = await walked(pair[:1])

    assert [each for each in alone if each.status >= 400] == []
    assert {each.trust for each in alone} == {"trusted", None}
    assert [each.votes for each in alone if each.votes] == [("disagree", "no_way")]
    for first in range(2):
        assert await walked(pair, first) == alone


async def test_what_one_gateway_took_no_other_shows_again_nor_one_that_starts_anew(
    pair: list[RunningGateway], shared_stack: Stack
) -> None:
    """A program that keeps its device's cookie alone: the votes themselves say so, from the log."""
    await asyncio.gather(*(each.ready() for each in pair))
    async with Browser(pair[0].url) as browser:
        drawn = (await browser.client.get("/v1/consultations/town/sequence")).json()["proposals"]
        device = {"cookie": f"scrutin-device={browser.client.cookies['scrutin-device']}"}
        for each in drawn[:2]:
            assert (await browser.vote(each["id"], proof=each["proof"])).status_code == 202
    left = PROPOSALS - {each["id"] for each in drawn[:2]}

    async def given(gateway: RunningGateway) -> set[str]:
        async with Browser(gateway.url) as other:
            answer = await other.client.get("/v1/consultations/town/sequence", headers=device)
            return {each["id"] for each in answer.json()["proposals"]}

    async with asyncio.timeout(WAIT_SECONDS):
        while await given(pair[1]) != left:
            await asyncio.sleep(0.05)
    anew = booths.started(shared_stack, "any-anew", SCRUTIN_GATEWAY_COUNT="2")
    await anew.ready()
    assert await given(anew) == left
