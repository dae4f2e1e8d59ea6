"""Codes in a browser: a card's link leaves none behind, and a form does without any script."""

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.site import Site
from tests.browser.test_every_page import faults
from tests.browser.test_vote import told, votes
from tests.browser.windows import Windows
from tests.producers.gateway.booths import FAR_AHEAD, LONG_AGO


pytestmark = pytest.mark.asyncio(loop_scope="module")

LINKED = {"fr": "Qui pourrait relier une carte à vous ?", "en": "Who could link a card to you?"}


async def gives(page: Page, code: str) -> None:
    """Type a code and send it."""
    await page.fill("#code", code)
    await page.press("#code", "Enter")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_card_is_one_voter_by_its_link_and_by_its_letters(
    windows: Windows, site: Site, language: str
) -> None:
    """The link on one device, the letters on another without scripts: the newer vote replaces the
    older. The code is in no address that is asked for, and not in the history; who has given one
    votes by no other until it is sent by hand, whatever links are opened."""
    name = await site.consultation(codes=2)
    code, foreign = (each.replace("-", "") for each in site.codes[name])
    booth = f"/c/{name}/vote"
    page = await windows.open("/", language=language, width_pixels=360)
    addresses: list[str] = []

    def note(request: Request) -> None:
        addresses.append(request.url + str(request.headers.get("referer")))

    page.on("request", note)
    await page.goto(f"{booth}#{code}")
    await expect(page.locator("#ballot")).to_be_visible()
    await page.goto(f"{booth}?proposal=p1")
    await votes(page, "agree")
    await told(page)
    await page.go_back()
    await page.goto(f"{booth}#{foreign}")
    await expect(page.locator("#code[data-given]")).to_have_value(foreign)
    assert [each for each in (code, foreign) if each in "".join((page.url, *addresses))] == []
    await page.goto(f"{booth}?proposal=p1")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    other = await windows.open(booth, language=language, script=False, width_pixels=360)
    await expect(other.locator("#code-privacy")).to_have_text(LINKED[language])
    await gives(other, code.lower())
    await other.goto(f"{booth}?proposal=p1")
    await other.click("#act-disagree")
    await expect(other.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    counted = await site.until_received(name, len(await site.events(name)))
    cast = [fields for event, fields in await site.events(name) if event == "VoteCast"]

    assert {fields["voter"] for fields in cast} == {cast[0]["voter"]}
    assert {fields["trust"] for fields in cast} == {"trusted"}
    assert (counted["participants_received"], counted["codes_issued"]) == (1, 2)
    assert (counted["counted"]["agree"], counted["counted"]["disagree"]) == (0, 1)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_what_is_said_of_codes_is_open_to_everybody(
    windows: Windows, site: Site, language: str
) -> None:
    """A wrong one, one that was given, and how it is forgotten; the results say how many there
    are."""
    windows.network_may_fail = True  # A refusal is a page too.
    name = await site.consultation(codes=1)
    page = await windows.open(f"/c/{name}/vote", language=language, width_pixels=320)
    await gives(page, "0000")
    await expect(page.locator(".notice[role=alert]")).to_be_visible()
    found = await faults(page)
    await gives(page, site.codes[name][0])
    await expect(page.locator("#ballot")).to_be_visible()
    await page.click("#to-code")
    found += await faults(page)
    await page.click("button[value=forget]")
    await expect(page.locator("#code")).to_be_visible()
    await page.goto(f"/c/{name}")

    assert found == []
    await expect(page.locator("#figures")).to_contain_text(
        {"fr": "1 code de vote a été émis", "en": "1 code to vote with was issued"}[language])
    assert await page.context.cookies() == [
        each for each in await page.context.cookies() if "bearer" not in each["name"]]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_card_that_is_opened_too_early_or_too_late_leaves_its_code_in_no_address(
    windows: Windows, site: Site, language: str
) -> None:
    """Nobody votes there now: the page says that the code was not used, and does not keep it, nor
    what is left of one that was cut off."""
    for opens_at, closes_at in ((FAR_AHEAD, None), (LONG_AGO, LONG_AGO + 1)):
        name = await site.consultation(codes=1, opens_at=opens_at, closes_at=closes_at)
        [code] = (each.replace("-", "") for each in site.codes[name])
        booth = f"/c/{name}/vote"
        page = await windows.open("/", language=language, width_pixels=320)
        for there in (booth, f"{booth}/code", f"{booth}?proposal=p1"):
            for written in (code, code[:-1]):
                await page.goto(f"{there}#{written}")
                await page.wait_for_function("!location.hash")
                assert page.url.endswith(there)
        said = await page.get_by_text({"fr": "son code n’a pas été utilisé",
                                       "en": "its code was not used"}[language]).count()
        assert (said, await page.locator("#to-code").count()) == (closes_at is None, 0)
        assert await faults(page) == []
