"""Codes at the gateway: who has none does nothing, who gives one is the same voter everywhere."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from starlette.types import ASGIApp

from producers.gateway import guards
from producers.gateway.application import Gateway
from producers.gateway.codes import Issue
from producers.gateway.meter import Meter
from producers.gateway.rates import Rates
from producers.gateway.refusals import Refused
from producers.issuing import made
from schemas import codec
from schemas.codes import ISSUED
from schemas.partners import DESCRIBED, digest_of
from scrutin.gateway.composition import PageSpeech
from scrutin.gateway.desk import GatewayDesk
from tests.producers.gateway.booths import PARTNER_KEY
from tests.scrutin.gateway.test_embargo import BELOW, NOW, desk
from tests.views.test_embargo import NAME, world
from views.api import Beside, application
from views.documents import Documents
from views.voting.everybody import Everybody
from views.voting.places import PAPER_COOKIE


BOOTH = f"/c/{NAME}/vote"
V1 = f"/v1/consultations/{NAME}"
FORM = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
CODES, ISSUE = made(NAME, 2)
LET_IN = 503
"""What /v1 answers to a voter: there is no broker here to take a vote."""


@dataclass
class Coded:
    """A gateway of a consultation that asks for codes; its broker is asked nothing."""

    desk: GatewayDesk
    app: ASGIApp

    def browser(self, address: str = "192.0.2.1") -> httpx2.AsyncClient:
        """Open one without cookies."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, client=(address, 1)),
            base_url="http://localhost", headers={"accept-language": "en"})


def coded(folder: Path, *, issue: Issue = ISSUE, swapped: bool = False, rate: int = 100) -> Coded:
    """Issue codes for the campaign."""
    found, _ = desk(folder, embargo=True)
    assert isinstance(found, GatewayDesk)
    found.follower.known.apply(*codec.decode(codec.encode(
        ISSUED, event_id=bytes(16), consultation=NAME, codes=issue.size, root=issue.root,
        origin="operator", occurred_at=1)))
    found.keys.keep_codes(NAME, issue.root, issue.hashes)
    found.rates = Rates(voter_per_minute=rate, network_per_minute=rate)
    source = world(swapped=swapped)
    pages = application(source, beside=Beside(desk=found))
    gateway = Gateway(found.booth, found.keys, found.rates, PageSpeech(), Meter(),
                      lambda: True, lambda: NOW,
                      Everybody(source.flushes, Documents(source.flushes)))
    return Coded(found, gateway.application(otherwise=pages))


async def gives(browser: httpx2.AsyncClient, code: str, at: str = BOOTH) -> httpx2.Response:
    """Type a code."""
    answer = await browser.post(f"{at}/code", data={"code": code}, headers=FORM)
    for cookie in browser.cookies.jar:
        cookie.secure = False  # As browsers send them to this very machine.
    return answer


def bearer_of(answer: httpx2.Response) -> str:
    """Return what an answer has the browser keep for a code."""
    [line] = [line for line in answer.headers.get_list("set-cookie") if "bearer-" in line]
    return line.partition("=")[2].partition(";")[0]


async def test_who_gave_no_code_sees_and_does_nothing_but_give_one(tmp_path: Path) -> None:
    """Every page of the booth is the page that asks; /v1 refuses each act, and says what to do."""
    async with coded(tmp_path).browser() as browser:
        pages = [await browser.get(BOOTH + below) for below in BELOW]
        posted = await browser.post(BOOTH, data={"act": "agree"}, headers=FORM)
        acts = [await browser.post(f"{V1}/votes", json={"proposal": "p", "choice": "agree"}),
                await browser.delete(f"{V1}/votes/p"), await browser.get(f"{V1}/sequence"),
                await browser.post(f"{V1}/qualifications", json={}),
                await browser.post(f"{V1}/participants", json={})]

    assert {page.status_code for page in pages} == {200}
    assert posted.status_code == 403
    for page in (*pages, posted):
        assert f'<form method="post" action="{BOOTH}/code" class="fields">' in page.text
        assert "set-cookie" not in page.headers
    assert {answer.status_code for answer in acts} == {403}
    assert all("/vote/code" in answer.json()["detail"] for answer in acts)


@pytest.mark.parametrize("place", [BOOTH, f"/c/{NAME}/widget/1"])
async def test_a_code_that_was_given_lets_in_by_pages_and_by_v1(
    tmp_path: Path, place: str
) -> None:
    """The form leads to the booth, or to the widget it was on; the cookie does for /v1, too."""
    via = {"via": "1"} if "widget" in place else {}
    async with coded(tmp_path).browser() as browser:
        answer = await gives(browser, CODES[0].lower(), place)
        page = await browser.get(f"{place}/you")
        by_program = await browser.get(f"{V1}/sequence", params=via)
        elsewhere = await browser.get(f"{V1}/sequence", params={} if via else {"via": "1"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{place}?kept")
    assert (page.status_code, 'id="to-code"' in page.text) == (200, True)
    assert "Type the code" not in page.text
    assert by_program.status_code == LET_IN
    assert elsewhere.status_code == 403


async def test_a_code_is_one_voter_on_every_device_and_leaves_no_trace_of_itself(
    tmp_path: Path
) -> None:
    """What two browsers keep is the same for one code, another for another, and neither the code
    nor its hash; nobody else's cookie is made of it."""
    found = coded(tmp_path)
    kept = []
    for code in (CODES[0], CODES[0], CODES[1]):
        async with found.browser() as browser:
            answer = await gives(browser, code)
            kept.append(bearer_of(answer))
            assert code.replace("-", "") not in str(answer.headers).replace("-", "").upper()
            changed = ("A" if kept[-1][0] != "A" else "B") + kept[-1][1:]
            browser.cookies.clear()
            name = guards.BEARER_COOKIE + str(answer.headers).partition("bearer-")[2][:12]
            refused = await browser.get(f"{V1}/sequence", headers={"cookie": f"{name}={changed}"})
            taken = await browser.get(f"{V1}/sequence", headers={"cookie": f"{name}={kept[-1]}"})
            assert (refused.status_code, taken.status_code) == (403, LET_IN)

    assert (kept[0] == kept[1], kept[0] == kept[2]) == (True, False)


async def test_nobody_is_named_without_a_code_by_whatever_way_they_come(tmp_path: Path) -> None:
    """The booth itself asks: another way in that knows nothing of codes lets nobody in."""
    found = coded(tmp_path)
    with pytest.raises(Refused) as refused:
        found.desk.booth.voter(NAME, bytes(16), 0, b"")
    named = found.desk.booth.voter(
        NAME, found.desk.booth.codes.bearer(NAME, CODES[0]), 0, b"", by_code=True)

    assert refused.value.problem.name == "code-needed"
    assert named.id != bytes(16)


async def test_nobody_is_named_before_it_is_known_whether_a_code_is_asked_for(
    tmp_path: Path
) -> None:
    """A gateway that has not read the catalogue whole since the first codes would have come."""
    found, _ = desk(tmp_path, embargo=False)
    assert isinstance(found, GatewayDesk)
    opened = (found.described(NAME) or {})["opens_at"] / 1_000
    found.follower.whole_at = time.monotonic() - (NOW - opened)
    named = found.booth.voter(NAME, bytes(16), 0, b"")
    found.follower.whole_at -= 61
    with pytest.raises(Refused) as refused:
        found.booth.voter(NAME, bytes(16), 0, b"")

    assert (len(named.id), refused.value.problem.name) == (16, "votes-unavailable")


@pytest.mark.parametrize("place", [BOOTH, f"/c/{NAME}/widget/1"])
async def test_who_keeps_no_cookie_is_told_so_and_not_asked_for_the_code_again(
    tmp_path: Path, place: str
) -> None:
    """As within a partner's page in some browsers, where a window of its own is offered; there, as
    at any later time, the page that asks is shown. Who keeps it goes on."""
    async with coded(tmp_path).browser() as browser:
        there = (await gives(browser, CODES[0], place)).headers["location"]
        kept = await browser.get(there)
        browser.cookies.clear()
        told, later = await browser.get(there), await browser.get(place)
        forgotten = await browser.post(f"{place}/code", data={"act": "forget"}, headers=FORM)

    assert ("keeps no cookie" in kept.text, "Type the code" in kept.text) == (False, False)
    assert (told.status_code, "Your browser keeps no cookie" in told.text) == (400, True)
    assert ("Open in a window of its own" in told.text) == ("widget" in place)
    assert (later.status_code, "Type the code" in later.text) == (200, True)
    assert forgotten.headers["location"] == place


async def test_a_wrong_code_is_explained_and_not_repeated(tmp_path: Path) -> None:
    """In both languages, never with what was typed; an empty form, and one of another site, too."""
    async with coded(tmp_path).browser() as browser:
        wrong = [await gives(browser, code) for code in (made(NAME, 1)[0][0], "<b>0000", "")]
        foreign = await browser.post(f"{BOOTH}/code", data={"code": CODES[0]}, headers={
            **FORM, "sec-fetch-site": "cross-site"})
        french = await browser.post(f"{BOOTH}/code?lang=fr", data={"code": "x"}, headers=FORM)

    assert [answer.status_code for answer in (*wrong, french, foreign)] == [403] * 5
    assert all('role="alert"' in answer.text and "bearer" not in str(answer.headers)
               for answer in (*wrong, french))
    assert all("<b>" not in answer.text for answer in wrong)
    assert "Ce n’est pas un code de cette consultation" in french.text
    assert "Requests from other sites are refused" in foreign.text


async def test_a_network_tries_as_many_codes_as_its_limit_and_others_go_on(tmp_path: Path) -> None:
    """Right or wrong ones: then it waits."""
    found = coded(tmp_path, rate=3)
    async with found.browser() as browser, found.browser("198.51.100.1") as other:
        tried = [await gives(browser, "0000") for _ in range(5)]
        right = await gives(browser, CODES[0])
        elsewhere = await gives(other, CODES[0])

    assert [answer.status_code for answer in tried] == [403, 403, 403, 429, 429]
    assert (right.status_code, elsewhere.status_code) == (429, 303)


async def test_the_next_person_at_a_shared_browser_finds_nothing_of_the_one_before(
    tmp_path: Path
) -> None:
    """Another code is another voter, whose paper is empty; a code can be forgotten, with it."""
    async with coded(tmp_path).browser() as browser:
        first = bearer_of(await gives(browser, CODES[0]))
        shown = await browser.get(f"{BOOTH}/code")
        second = bearer_of(await gives(browser, CODES[1]))
        forgotten = await browser.post(f"{BOOTH}/code", data={"act": "forget"}, headers=FORM)
        after = await browser.get(BOOTH)

    assert first != second
    assert 'name="act" value="forget"' in shown.text
    told = forgotten.headers.get_list("set-cookie")
    assert {re.sub(r"-[0-9a-f]{12}=", "-=", line).partition("=")[0] for line in told
            if "Max-Age=0" in line} == {f"{guards.BEARER_COOKIE}", PAPER_COOKIE}
    assert (after.status_code, "Type the code" in after.text) == (200, True)


async def test_who_asks_for_a_code_says_who_could_link_it_and_nothing_of_votes(
    tmp_path: Path
) -> None:
    """In both languages; the page is the same however people vote."""
    said = {}
    for swapped in (False, True):
        async with coded(tmp_path / str(swapped), swapped=swapped).browser() as browser:
            said[swapped] = [(await browser.get(BOOTH, params={"lang": language})).text
                             for language in ("en", "fr")]

    assert said[False] == said[True]
    english, french = said[False]
    assert "Who could link a card to you?" in english
    assert "could vote with codes that nobody has used" in english
    assert "Qui pourrait relier une carte à vous" in french
    assert "pourrait voter avec les codes que personne n’a utilisés" in french


async def test_a_consultation_without_codes_has_no_page_for_them(tmp_path: Path) -> None:
    """Nor does anybody need one there."""
    found, _ = desk(tmp_path, embargo=False)
    pages = application(world(swapped=False), beside=Beside(desk=found))
    assert isinstance(found, GatewayDesk)
    async with Coded(found, pages).browser() as browser:
        answers = [await browser.get(f"{BOOTH}/code"), await gives(browser, CODES[0])]
        page = await browser.get(f"{BOOTH}/you")

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "vote-code.js" not in page.text


async def test_no_partner_votes_for_people_who_have_codes(tmp_path: Path) -> None:
    """Whom it names has shown no code: there would be more voters than codes."""
    there = coded(tmp_path)
    there.desk.follower.known.apply(*codec.decode(codec.encode(
        DESCRIBED, event_id=bytes(16), consultation=NAME, partner=2, name="La Voix", sites=[],
        key_digest=digest_of(PARTNER_KEY), ballots_per_minute=60, origin="operator",
        occurred_at=1)))
    ballots = [{"voter": "v", "key": "k", "proposal": "youth-wage", "choice": "agree"}]
    async with there.browser() as partner:
        answer = await partner.post(
            f"{V1}/batch", params={"via": 2}, json={"ballots": ballots},
            headers={"authorization": f"Bearer {PARTNER_KEY}"})

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "code-needed")
