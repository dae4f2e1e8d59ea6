"""The booth's script votes through `/v1`: the same log, the same page, whatever happens between."""

import asyncio
import json
import re
from collections import Counter
from typing import Any

import pytest
from playwright.async_api import APIResponse, Page, Request, Route, expect

from tests.browser.site import Site
from tests.browser.test_between import votes_of
from tests.browser.test_every_page import faults
from tests.browser.test_vote import choices_of, told, votes
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = ("agree", "doable", "like_it", "-doable", "disagree", "impossible", "withdraw", "undo")
"""Buttons, in turn; a sign takes a qualification back."""
BALLOTS = """async () => {
    const text = await (await fetch(location.href)).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const drawn = (element) => {
        if (element.nodeType === Node.TEXT_NODE) return element.data.replace(/\\s+/g, " ").trim();
        const hidden = ["proof", "key", "shown"].includes(element.name);
        const attributes = [...element.attributes]
            .filter(({ name }) => !(hidden && name === "value"))
            .map(({ name, value }) => `${name}=${value}`).sort();
        return [element.tagName.toLowerCase(), attributes,
            [...element.childNodes].map(drawn).filter((child) => child !== "")];
    };
    const found = (of) => {
        const ballot = of.getElementById("ballot").cloneNode(true);
        ballot.normalize();
        return [of.title, drawn(ballot)];
    };
    return [found(document), found(page)].map((each) => JSON.stringify(each, null, 1));
}"""
"""The ballot that is shown, and the one that the server makes of the same state."""
Events = list[tuple[str, dict[str, Any]]]


async def fetched(route: Route) -> APIResponse:
    """Have the service answer a vote as a browser's, which it is by what it says of the page."""
    return await route.fetch(headers={
        **await route.request.all_headers(), "sec-fetch-site": "same-origin"})


def texts_of_sequence(body: str) -> list[dict[str, Any]]:
    """Read what the answer of a vote says, one text after the other."""
    return [json.loads(text) for text in body.split("\x1e")[1:]]


def sequence_of(*texts: dict[str, Any]) -> str:
    return "".join(f"\x1e{json.dumps(text)}\n" for text in texts)


def texts_of(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"fr": f"Il faut : {name} !"} for name in names}


async def press(page: Page, step: str) -> None:
    """Press a button of the ballot and wait for what it does."""
    if step == "next":
        before = await page.input_value("[name=proposal]")
        await page.click("#next")
        await expect(page.locator("[name=proposal]")).not_to_have_value(before)
    elif step == "withdraw":
        await page.click("#act-withdraw")
        await expect(page.locator(".outcome")).to_be_visible()
    elif step == "undo":
        await page.click("#act-undo")
        await expect(page.locator(".outcome")).to_have_count(0)
    elif step.startswith("-"):
        await page.wait_for_timeout(600)  # Sooner it would be a double click.
        await page.click(f"#act-{step[1:]}")
        await expect(page.locator(f"#act-{step[1:]}")).to_have_attribute("aria-pressed", "false")
    else:
        await votes(page, step)


def said_by(events: Events) -> list[tuple[Any, ...]]:
    """Return all of what events say but names, proofs and times."""
    own = ("proposal", "choice", "qualification", "trust", "origin", "shown", "via")
    return [(event, *(fields.get(name) for name in own)) for event, fields in events]


async def sequences_of(site: Site, name: str) -> Events:
    return [(event, fields) for _, event, fields
            in await site.gateway.events(site.stack.topics.sequences)
            if fields.get("consultation") == name]


async def test_forms_and_script_give_the_same_log(windows: Windows, site: Site) -> None:
    """The same buttons in the same order: event by event the log says the same, and so do pages."""
    logs, sequences, listed = [], [], []
    posts: list[Counter[str]] = []
    for script in (True, False):
        name = await site.consultation(texts=texts_of("p1"))
        page = await windows.open(f"/c/{name}/vote?proposal=p1", script=script)
        methods: Counter[str] = Counter()
        posts.append(methods)

        def count(request: Request, methods: Counter[str] = methods) -> None:
            kind = "api" if "/v1/" in request.url else "booth"
            methods[f"{request.method} {kind}" if request.method != "GET" else "GET"] += 1

        page.on("request", count)
        for step in STEPS:
            await press(page, step)
        if script:
            await told(page)
        logs.append(said_by(await site.events(name)))
        sequences.append([(event, fields["asked"], fields["proposals"])
                          for event, fields in await sequences_of(site, name)])
        await page.goto(f"/c/{name}/vote/mine")
        listed.append((await page.inner_text(".mine")).split())

    assert logs[0] == logs[1]
    assert len(logs[0]) == 8
    assert sequences[0] == sequences[1]
    assert len(sequences[0]) == 1
    assert listed[0] == listed[1]
    assert (posts[0]["POST api"] + posts[0]["DELETE api"], posts[1]["POST booth"]) == (8, 8)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_ballot_made_in_the_browser_is_the_one_that_the_server_makes(
    windows: Windows, site: Site, language: str
) -> None:
    """After each button: title, words, buttons, shares, links, to the attribute."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language=language)
    for step in ("agree", "doable", "disagree", "withdraw", "undo", "next", "neutral", "next"):
        await press(page, step)
        await told(page)
        made, given = await page.evaluate(BALLOTS)
        assert made == given
    document_requests: list[str] = []
    page.on("request", lambda request: document_requests.append(request.resource_type))
    await votes(page, "agree")
    await told(page)
    assert "document" not in document_requests


async def test_a_vote_leads_to_the_page_of_its_proposal(windows: Windows, site: Site) -> None:
    """To read on or to share, once one has voted: before, its shares would be in the way."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    link = page.get_by_role("link", name="The page of this proposal")
    await expect(link).to_have_count(0)
    await votes(page, "agree")
    await link.click()

    await expect(page.locator("h1")).to_contain_text("We should plant trees.")


async def test_words_of_others_are_words_in_a_ballot_made_in_the_browser(
    windows: Windows, site: Site
) -> None:
    """Markup, quotes, placeholders and patterns of replacement: as they were written."""
    written = '<img src=x onerror="alert(1)"> %(choice)s $& ${x} <script>1</script> &lt;'
    name = await site.consultation(texts={
        "p1": {"en": written}, "<b>\"'&p2": {"en": f"Also: {written}"}})
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    for _ in range(2):
        await votes(page, "agree")
        await told(page)
        await expect(page.locator("#proposal")).to_contain_text(written)
        assert await page.locator("#ballot").locator("img, script, template").count() == 0
        made, given = await page.evaluate(BALLOTS)
        assert made == given
        if "Continue" not in await page.inner_text("#next"):
            await press(page, "next")

    assert len(votes_of(await site.events(name))) == 2


async def test_back_forward_and_reload_show_each_proposal_as_it_is(
    windows: Windows, site: Site
) -> None:
    """One page for all: the address, the title and the focus go with the proposal."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language="en")
    first = await page.input_value("[name=proposal]")
    await votes(page, "agree")
    await page.click("#next")
    await expect(page.locator("#proposal")).to_be_focused()
    await expect(page.locator("#spoken")).to_have_text("Proposal 2 of 3")
    second = await page.input_value("[name=proposal]")
    assert page.url.endswith(f"proposal={second}")
    await page.go_back()
    await expect(page.locator("[name=proposal]")).to_have_value(first)
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    assert (await page.title()).startswith("Your vote: Agree")
    await votes(page, "disagree")
    await page.go_forward()
    await expect(page.locator("[name=proposal]")).to_have_value(second)
    await votes(page, "neutral")
    await page.reload()
    await expect(page.locator("#act-neutral")).to_have_attribute("aria-pressed", "true")
    await page.go_back()
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    for link in await page.locator("a[hreflang]").all():
        await expect(link).to_have_attribute("href", re.compile(f"proposal={first}(&|$)"))

    assert choices_of(await site.events(name)) == ["agree", "disagree", "neutral"]


async def test_a_tab_that_is_loaded_anew_in_mid_act_sends_the_same_again(
    windows: Windows, site: Site
) -> None:
    """The first is on its way when the page goes; the next page sends it once more, as it was."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await route.fetch()  # The log has it; the page never hears of it.
        held.set()

    await page.route("**/v1/consultations/*/votes*", hold, times=1)
    await page.click("#act-agree")
    await held.wait()
    await page.reload()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await told(page)
    await page.reload()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")

    assert list(votes_of(await site.events(name)).values()) == [{"agree"}]


async def test_what_is_said_while_an_older_act_is_sent_again_comes_after_it(
    windows: Windows, site: Site
) -> None:
    """However long the older one takes: the last that was said is the vote."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    sent, goes_on = asyncio.Queue[Route](), asyncio.Event()

    async def first_and_again(route: Route) -> None:
        sent.put_nowait(route)
        if sent.qsize() == 2:
            await goes_on.wait()
            await route.continue_()
        elif sent.qsize() > 2:
            await route.continue_()

    await page.route("**/v1/consultations/*/votes*", first_and_again)
    await page.click("#act-agree")
    await expect(page.locator("#ballot")).to_have_attribute("aria-busy", "true")
    await page.reload()
    await page.click("#act-disagree")
    await page.wait_for_timeout(4_000)  # Longer than an act waits for the script's files.
    goes_on.set()
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")

    assert choices_of(await site.events(name)) == ["agree", "disagree"]


async def test_an_act_is_not_sent_again_over_what_another_tab_has_said_since(
    windows: Windows, site: Site
) -> None:
    """A browser that throws a tab away loads it anew when it is looked at: nobody says anything."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    other = await page.context.new_page()

    async def hold(_route: Route) -> None:
        held.set()

    held = asyncio.Event()
    await page.route("**/v1/consultations/*/votes*", hold, times=1)
    await page.click("#act-agree")
    await held.wait()
    await other.goto(page.url)
    await votes(other, "disagree")
    await told(other)
    await page.reload()
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    await told(page)

    assert choices_of(await site.events(name)) == ["disagree"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_nothing_is_wrong_with_a_ballot_made_in_the_browser(
    windows: Windows, site: Site, language: str
) -> None:
    """Nothing for axe, narrow enough, in both themes: before a vote and after it."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language=language, width_pixels=320)
    await votes(page, "agree")
    await told(page)
    assert await faults(page) == []
    await page.click("#next")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "false")
    assert await faults(page) == []


async def test_a_pause_begins_when_a_proposal_is_shown(windows: Windows, site: Site) -> None:
    """Each answer dates the proof of the next card anew: two cards never share a moment."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote")
    proofs = []
    for _ in range(3):
        proofs.append(await page.input_value("[name=proof]"))
        await votes(page, "agree")
        await told(page)
        if len(proofs) < 3:
            await press(page, "next")
    assert len(set(proofs)) == 3
    assert {fields["trust"] for _, fields in await site.events(name)} == {"trusted"}


async def test_a_vote_that_is_not_counted_yet_is_looked_at_again_by_itself(
    windows: Windows, site: Site
) -> None:
    """A vote "counted in a moment" is shown counted that moment, without a click or a new page."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    seen = asyncio.Event()

    async def too_early(route: Route) -> None:
        answer = await route.fetch()
        given = await answer.json()
        counted = given["counted"] and seen.is_set()
        await route.fulfill(response=answer, json={**given, "counted": counted})

    async def told_too_early(route: Route) -> None:
        answer = await fetched(route)
        receipt, said = texts_of_sequence(await answer.text())
        await route.fulfill(response=answer, body=sequence_of(receipt, {**said, "counted": False}))

    await page.route("**/vote/cards", too_early)
    await page.route("**/v1/consultations/*/votes*", told_too_early)
    await votes(page, "agree")
    await page.focus("#act-agree")
    await expect(page.locator("[data-waiting]")).to_have_count(1)
    await expect(page.locator(".shares")).to_contain_text("is counted in a moment")
    seen.set()
    await expect(page.locator("[data-waiting]")).to_have_count(0)
    await expect(page.locator(".shares")).to_contain_text("1 vote counted")
    await expect(page.locator("#act-agree")).to_be_focused()


async def test_a_page_that_came_before_the_count_asks_again_by_itself(
    windows: Windows, site: Site
) -> None:
    """So it is where no cards come, and pages alone are asked for."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en", script=False)
    await votes(page, "agree")
    await expect(page.locator(".shares")).to_contain_text("1 vote counted")
    scripted = await windows.browser.new_context(
        storage_state=await page.context.storage_state(), base_url=site.url, locale="en-GB")
    windows.contexts.append(scripted)
    seen = asyncio.Event()

    async def too_early(route: Route) -> None:
        answer = await route.fetch()
        shown = await answer.text()
        await route.fulfill(response=answer, body=shown if seen.is_set() else shown.replace(
            '<section class="shares"', '<section class="shares" data-waiting'))

    await scripted.route("**/vote/cards*", lambda route: route.abort())
    await scripted.route("**/vote?proposal=p1", too_early)
    page = await windows.beside(scripted, f"/c/{name}/vote?proposal=p1")
    await page.focus("#act-agree")
    await expect(page.locator("[data-waiting]")).to_have_count(1)
    seen.set()
    await expect(page.locator("[data-waiting]")).to_have_count(0)
    await expect(page.locator(".shares")).to_contain_text("1 vote counted")
    await expect(page.locator("#act-agree")).to_be_focused()
