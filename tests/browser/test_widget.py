"""The widget in a real frame on another site: it votes there, and nowhere that is not listed."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.async_api import BrowserContext, Frame, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser.site import Site
from tests.browser.test_every_page import faults
from tests.browser.test_vote import told, votes
from tests.browser.windows import WAIT_MILLISECONDS, Windows
from tests.serving import served


pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = ('<!doctype html><html lang="fr"><title>La Voix</title><h1>La Voix</h1><iframe src="{src}" '
        'title="Vote" width="320" height="900" '
        'referrerpolicy="strict-origin-when-cross-origin"></iframe>')


async def embedding(request: Request) -> Response:
    """Embed what the query names."""
    return HTMLResponse(PAGE.format(src=request.query_params["src"]))


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[str, str]]:
    """Serve pages of two sites that embed whatever they are asked to: other sites than ours."""
    with ExitStack() as open_ones:
        application = Starlette(routes=[Route("/", embedding)])
        first, second = (open_ones.enter_context(served(application)).replace(
            "127.0.0.1", "localhost") for _ in range(2))
        yield first, second


async def visiting(windows: Windows, *, script: bool = True) -> BrowserContext:
    context = await windows.browser.new_context(locale="fr-FR", java_script_enabled=script)
    context.set_default_timeout(WAIT_MILLISECONDS)
    windows.contexts.append(context)
    return context


async def framed(context: BrowserContext, on: str, src: str) -> tuple[Page, Frame, list[str]]:
    """Open a page of a site that embeds an address; return the frame and what the browser says."""
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(f"{on}/?src={src}")
    return page, page.frames[1], said


@pytest.mark.parametrize("script", [True, False])
async def test_a_vote_in_a_frame_of_another_site_is_in_the_log_with_its_origin_and_partner(
    windows: Windows, site: Site, sites: tuple[str, str], *, script: bool
) -> None:
    """With the script and without, also after a reload: trusted, asked for, by the partner. Our own
    page, in the same browser, knows nothing of it and sends nothing of it."""
    name = await site.consultation(partners={7: sites[1], 8: sites[0]})
    context = await visiting(windows, script=script)
    page, frame, _ = await framed(
        context, sites[0], f"{site.url}/c/{name}/widget?lang=en%26proposal=p1")
    await expect(frame.locator("#proposal")).to_have_text("We should plant trees.")
    by_script: list[bool] = []
    page.on("request", lambda request: by_script.append("/v1/" in request.url))
    await frame.click("#act-agree")
    await expect(frame.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await expect(frame.locator(".shares")).to_contain_text("1 vote counted")
    await frame.click("#act-doable")
    await expect(frame.locator("#act-doable")).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(page.frames[1].locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    own = await context.new_page()
    async with own.expect_request("**/vote?proposal=p1") as asked:
        await own.goto(f"{site.url}/c/{name}/vote?proposal=p1")
    await expect(own.locator("#act-agree")).to_have_attribute("aria-pressed", "false")

    assert [(event, fields["origin"], fields["shown"], fields["via"], fields["trust"])
            for event, fields in await site.events(name)] == [
        ("VoteCast", "widget", "asked", 8, "trusted"),
        ("QualificationAdded", "widget", "asked", 8, "trusted")]
    assert any(by_script) is script
    assert "scrutin" not in (await (await asked.value).all_headers()).get("cookie", "")


async def test_a_site_that_is_not_listed_is_refused_by_the_browser(
    windows: Windows, site: Site, sites: tuple[str, str]
) -> None:
    """By whatever address it tries: the widget's, another partner's, the booth's, the results'."""
    name = await site.consultation(partners={8: sites[0]})
    context = await visiting(windows)
    for path in ("widget", "widget/8?proposal=p1", "vote?proposal=p1"):
        page, frame, said = await framed(context, sites[1], f"{site.url}/c/{name}/{path}")
        await expect(frame.locator("#ballot")).to_have_count(0)
        assert any("frame-ancestors" in each for each in said), said
        await page.close()

    assert await site.events(name) == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_widget_is_open_to_everybody(
    windows: Windows, site: Site, sites: tuple[str, str], language: str
) -> None:
    """Nothing for axe, 320 pixels are enough, in both themes: before a vote, after it, and all that
    lies below. What leads elsewhere opens a window of its own."""
    name = await site.consultation(partners={8: sites[0]})
    page = await windows.open(f"/c/{name}/widget/8", language=language, width_pixels=320)
    found = await faults(page)
    await votes(page, "agree")
    await told(page)
    found += await faults(page)
    outward = await page.locator("a:not([target=_blank]):not([download])").evaluate_all(
        "links => links.map((link) => new URL(link.href).pathname)")
    for path in ("mine", "you"):
        await page.goto(f"/c/{name}/widget/8/{path}")
        found += await faults(page)

    assert not found, "\n".join(found)
    assert outward
    assert all(path.startswith(f"/c/{name}/widget/8") for path in outward)
