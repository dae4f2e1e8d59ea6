"""People vote in a browser: what they do is counted once, and they see it."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from producers.gateway.descriptions import BATCH_PEOPLE
from producers.gateway.models import Receipt
from tests.browser.site import Site, until_answering
from tests.browser.windows import Windows
from tests.harness import WAIT_SECONDS
from tests.producers.gateway import booths
from tests.producers.gateway.booths import holds
from views.voting.forms import DOUBLE_CLICK_MILLISECONDS


pytestmark = pytest.mark.asyncio(loop_scope="module")

Form = dict[str, str | float | bool]
"""As Playwright takes it."""


async def votes(page: Page, name: str) -> None:
    """Press a button of the ballot and wait until it shows as pressed."""
    await page.click(f"#act-{name}")
    await expect(page.locator(f"#act-{name}")).to_have_attribute("aria-pressed", "true")


async def told(page: Page) -> None:
    """Wait until the booth's pages know what the script did, and have said what everybody votes.

    What would wait for the next vote is told at once: as after a network that was away.
    """
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator("[data-waiting]")).to_have_count(0)
    await page.wait_for_function(
        "() => !Object.keys(sessionStorage).some((key) => key.startsWith('scrutin-notes'))")


async def form_of(page: Page) -> Form:
    """Read the hidden fields of the ballot."""
    return {field: await page.input_value(f"[name={field}]")
            for field in ("proposal", "proof", "key")}


def choices_of(events: list[tuple[str, dict[str, object]]]) -> list[object]:
    return [fields["choice"] for event, fields in events if event == "VoteCast"]


async def test_the_counter_of_another_window_follows_a_voter(
    windows: Windows, site: Site
) -> None:
    """Vote, qualification, change of mind, withdrawal, undo: the results page elsewhere moves."""
    name = await site.consultation()
    results = await windows.open(f"/c/{name}")
    counter = results.locator("[data-live=votes]").first
    await expect(counter).to_have_text("0")
    page = await windows.open(f"/c/{name}")
    await page.click(".invite")
    await expect(page.locator(".progress p")).to_have_text("Proposition 1 sur 3")
    await expect(page.locator(".steps span.done")).to_have_count(0)
    await votes(page, "agree")
    await expect(page.locator(".steps span.done.here")).to_have_count(1)
    await expect(counter).to_have_text("1")
    await expect(page.locator(".shares")).to_contain_text("1 vote compté, dont le vôtre")
    await votes(page, "doable")
    await votes(page, "disagree")
    await expect(page.locator("#act-doable")).to_have_count(0)
    await expect(page.locator(".shares [data-live-choice=disagree]")).to_contain_text("1 vote")
    await page.click("#act-withdraw")
    await expect(counter).to_have_text("0")
    await page.click("#act-undo")
    await expect(counter).to_have_text("1")
    await page.click("#next")
    await votes(page, "neutral")
    await expect(counter).to_have_text("2")

    events = await site.events(name)
    assert [event for event, _ in events] == [
        "VoteCast", "QualificationAdded", "VoteCast", "VoteWithdrawn", "VoteCast", "VoteCast"]
    assert {(fields["trust"], fields["origin"]) for _, fields in events} == {("trusted", "web")}


async def test_a_first_vote_brings_the_proof_of_its_page(windows: Windows, site: Site) -> None:
    """It says since when the page is open; one fetched before the vote goes beside it."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    own = await page.input_value("[name=proof]")
    async with page.expect_request("**/votes*") as sent:
        await votes(page, "agree")
    first: dict[str, str] = json.loads((await sent.value).post_data or "")
    async with page.expect_request("**/votes*") as sent:
        await votes(page, "disagree")
    second: dict[str, str] = json.loads((await sent.value).post_data or "")

    assert first["proof"] == own
    assert first.keys() - second.keys() == {"renewed"}


async def test_a_vote_without_proof_is_set_aside_until_it_is_confirmed(
    windows: Windows, site: Site
) -> None:
    """The page says that a suspect vote does not count, and how to make it count."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    # A first vote would fetch a new proof.
    await page.evaluate("delete document.getElementById('ballot').dataset.first")
    await page.evaluate("document.querySelector('[name=proof]').value = ''")
    await votes(page, "agree")
    await expect(page.locator(".aside")).to_be_visible()
    before = await site.until_received(name, 1)
    await page.click("#act-confirm")
    await expect(page.locator(".aside")).to_have_count(0)
    after = await site.until_received(name, 2)

    assert (before["set_aside"]["unproven"], before["counted"]["votes"]) == (1, 0)
    assert (after["set_aside"]["unproven"], after["counted"]["votes"]) == (0, 1)


async def test_an_act_without_proof_on_a_vote_with_one_is_shown_until_it_is_confirmed(
    windows: Windows, site: Site
) -> None:
    """What the ledger refuses of a trusted vote is not shown as done: page and log say why."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    await votes(page, "agree")
    for act, said in (
        ("disagree", "Confirm my vote: Disagree"), ("agree", "Confirm my vote: Agree"),
        ("like_it", "Confirm: Love it"), ("withdraw", "Confirm: withdraw my vote"),
    ):
        voted = "disagree" if act == "agree" else "agree"
        await told(page)  # What it is told there brings a proof.
        await page.evaluate("document.querySelector('[name=proof]').value = ''")
        await page.click(f"#act-{act}")
        await expect(page.locator(".aside button")).to_have_text(said)
        await expect(page.locator(f"#act-{voted}")).to_have_attribute("aria-pressed", "true")
        await page.click("#act-confirm")
        await expect(page.locator(".aside")).to_have_count(0)
        if act != "withdraw":
            await expect(page.locator(f"#act-{act}")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".outcome")).to_be_visible()

    assert [(event, fields["trust"]) for event, fields in await site.events(name)] == [
        ("VoteCast", "trusted"), ("VoteCast", "suspect"), ("VoteCast", "trusted"),
        ("VoteCast", "suspect"), ("VoteCast", "trusted"), ("QualificationAdded", "suspect"),
        ("QualificationAdded", "trusted"), ("VoteWithdrawn", "suspect"),
        ("VoteWithdrawn", "trusted")]


async def test_a_double_click_votes_once(windows: Windows, site: Site) -> None:
    """Two clicks at once, with a script or without one, leave one vote that nothing undid.

    On a busy machine the second click may come late, and then it is meant: that one is looked at by
    the times of what was recorded, and two more clicks are tried, on another proposal.
    """
    names = [f"q{number}" for number in range(8)]
    name = await site.consultation(texts={each: {"fr": f"Il faut {each}."} for each in names})
    for script in (True, False):
        for each in names:
            page = await windows.open(f"/c/{name}/vote?proposal={each}", script=script)
            await page.dblclick("#act-agree")
            await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
            await page.dblclick("#act-like_it", delay=150)  # The answer comes between the clicks.
            await page.wait_for_load_state("networkidle")
            if await page.get_attribute("#act-like_it", "aria-pressed") == "true":
                break
        else:
            pytest.fail("no two clicks left a qualification")

    events = await site.events(name)
    added = {(fields["voter"], fields["proposal"]): fields["occurred_at"]
             for event, fields in events if event == "QualificationAdded"}
    assert all(fields["occurred_at"] - added[fields["voter"], fields["proposal"]]
               >= DOUBLE_CLICK_MILLISECONDS
               for event, fields in events if event == "QualificationWithdrawn")
    assert {event for event, _ in events} <= {
        "VoteCast", "QualificationAdded", "QualificationWithdrawn"}
    voted = {(fields["voter"], fields["proposal"]) for _, fields in events}
    totals = await site.until_received(
        name, sum(event == "VoteCast" for event, _ in events))
    assert (totals["counted"]["agree"], totals["counted"]["votes"]) == (len(voted), len(voted))


async def test_who_skips_a_proposal_gets_more_all_the_same(windows: Windows, site: Site) -> None:
    """A proposal that was skipped waits, and holds nobody up."""
    names = [f"q{number:02}" for number in range(14)]
    name = await site.consultation(texts={each: {"fr": f"Il faut {each}."} for each in names})
    page = await windows.open(f"/c/{name}/vote", script=False)
    await page.click("#next")
    for _ in range(11):
        await votes(page, "agree")
        await page.click("#next")
    await expect(page.locator("h2").first).to_have_text("Mes votes")
    await expect(page.locator("text=Revenir aux propositions sans vote")).to_be_visible()
    await page.click("button[value=more]")
    await expect(page.locator(".progress p")).to_contain_text("sur 3")
    for _ in range(3):
        await votes(page, "agree")
        await page.click("#next")
    await expect(page.locator(".mine li")).to_have_count(14)


async def test_everything_works_without_a_script(
    windows: Windows, site: Site, tmp_path: Path
) -> None:
    """Vote, qualify, skip, list, receipt, description: plain forms and links, to the end."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", script=False, language="en")
    await votes(page, "disagree")
    await votes(page, "no_way")
    async with page.expect_download() as download:
        await page.click(".receipt a >> nth=0")
    await (await download.value).save_as(tmp_path / "receipt.json")
    await page.click("text=Check it in the log")
    await expect(page.locator(".verdict")).to_contain_text("No way!")
    await page.set_input_files("#upload", tmp_path / "receipt.json")
    await page.click(".fields .primary")
    await expect(page.locator(".verdict")).not_to_contain_text("just now")
    await expect(page.locator(".verdict")).to_contain_text("The signature of the receipt is ours.")
    await page.fill("#receipt", (tmp_path / "receipt.json").read_text().replace("ed", "de"))
    await page.click(".fields .primary")
    await expect(page.locator(".verdict.problem")).to_be_visible()
    await page.goto(f"/c/{name}/vote")
    await page.click("#next")
    await votes(page, "agree")
    await page.click("#next")
    await expect(page.locator(".mine li")).to_have_count(2)
    await page.click("text=Say who takes part")
    await page.check("text=A woman")
    await page.select_option("#age_band", "25-34")
    await page.click("text=Send")
    await expect(page.locator(".booth .notice")).to_contain_text("Thank you")

    receipt = Receipt.model_validate_json((tmp_path / "receipt.json").read_bytes())
    keys = await (await page.context.request.get("/v1/keys")).json()
    assert holds(json.loads(receipt.model_dump_json()), base64.b64decode(keys["receipt"]),
                 site.stack.topics.votes)
    event, fields = booths.event_of({"event": receipt.event})
    assert (event, fields["qualification"], fields["trust"]) == (
        "QualificationAdded", "no_way", "trusted")
    await booths.others_describe(site.gateway.url, BATCH_PEOPLE - 1, name)
    described: list[dict[str, Any]] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not described:
            described = [fields for _, _, fields in
                         await site.gateway.events(site.stack.topics.participants)
                         if fields["consultation"] == name]
    assert [(fields["age_band"], fields["region"]) for fields in described
            if fields["gender"] == "woman"] == [("25-34", None)]


async def test_the_keyboard_alone_is_enough(windows: Windows, site: Site) -> None:
    """Tab reaches the ballot with a focus that shows; its keys vote, and the focus stays."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote")
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "act-agree":
            break
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#act-disagree")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#act-disagree")).to_be_focused()
    await page.keyboard.press("5")
    await expect(page.locator("#act-impossible")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#spoken")).to_have_text(
        "Enregistré\u00a0: Pas d’accord, Infaisable")
    before = page.url
    await page.keyboard.press("n")
    await page.wait_for_url(lambda url: url != before)
    await page.keyboard.press("Tab")
    await expect(page.locator("#act-agree")).to_be_focused()
    await page.keyboard.press("3")
    await expect(page.locator("#act-neutral")).to_have_attribute("aria-pressed", "true")


async def test_what_is_sent_without_a_network_arrives_once_it_is_back(
    windows: Windows, site: Site
) -> None:
    """The page says that nothing is recorded yet, tries again by itself, and votes once."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    await page.context.set_offline(True)
    await page.click("#act-agree")
    await expect(page.locator("#trouble")).to_contain_text("pas encore confirmée")
    await page.context.set_offline(False)
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#trouble")).to_be_hidden()

    assert choices_of(await site.events(name)) == ["agree"]


async def test_who_is_too_fast_may_send_the_same_again(windows: Windows, site: Site) -> None:
    """Past the rate a page says so, how long to wait, and holds the vote for another try."""
    name = await site.consultation()
    strict = booths.started(site.stack, "strict", SCRUTIN_GATEWAY_VOTER_RATE="2")
    await strict.ready()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", script=False, url=strict.url)
    windows.network_may_fail = True
    await votes(page, "agree")
    await page.click("#act-disagree")
    await expect(page.locator("[data-problem=too-many-requests]")).to_be_visible()
    held = await page.input_value("[name=act]")
    strict.worker.kill()

    assert held == "disagree"
    assert choices_of(await site.events(name)) == ["agree"]


async def test_without_a_broker_the_page_says_that_nothing_is_lost(
    windows: Windows, site: Site
) -> None:
    """A gateway that reaches no log shows a page about it, with a way to try again."""
    windows.network_may_fail = True
    alone = booths.started(site.stack, "alone", SCRUTIN_KAFKA="127.0.0.1:1")
    await until_answering(alone.url)
    page = await windows.open("/c/town-0/vote", url=alone.url)
    alone.worker.kill()

    await expect(page.locator("h1")).to_have_text("Les votes sont interrompus un instant")
    await expect(page.locator("text=Réessayer")).to_be_visible()


async def test_no_page_of_the_booth_breaks_an_embargo(windows: Windows, site: Site) -> None:
    """Two voters who choose otherwise see the same of others: nothing, before the closing."""
    name = await site.consultation(embargoed=True)
    shown = []
    for choice in ("agree", "disagree"):
        page = await windows.open(f"/c/{name}/vote?proposal=p1")
        await votes(page, choice)
        await told(page)
        shown.append(await page.inner_text(".shares"))

    assert shown[0] == shown[1]
    assert "avant la clôture" in shown[0]


async def test_shares_are_shown_to_voters_only(windows: Windows, site: Site) -> None:
    """Who has not voted on a proposal sees nothing that could sway him."""
    name = await site.consultation()
    voter = await windows.open(f"/c/{name}/vote?proposal=p1")
    await votes(voter, "agree")
    other = await windows.open(f"/c/{name}/vote?proposal=p1")

    await expect(other.locator(".shares")).to_have_count(0)
    await expect(other.locator("svg.split")).to_have_count(0)


async def test_a_form_of_another_site_or_of_nobody_is_refused(
    windows: Windows, site: Site
) -> None:
    """A vote needs the device's cookie and a browser that says it comes from this site."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", script=False)
    form = {**await form_of(page), "act": "agree"}
    request = page.context.request
    answers = [
        await request.post(f"/c/{name}/vote", form=form),
        await request.post(f"/c/{name}/vote", form=form, headers={"origin": "https://x.example"}),
        await request.post(f"/c/{name}/vote", form=form, headers={
            "origin": site.url, "sec-fetch-site": "cross-site"}),
        await request.post(f"/c/{name}/vote", form={**form, "act": "maybe"}, headers={
            "origin": site.url}),
    ]
    await page.context.clear_cookies()
    await page.click("#act-agree")

    assert [answer.status for answer in answers] == [403, 403, 403, 400]
    await expect(page.locator("h1")).to_have_text("Votre navigateur ne garde pas de cookie")
    assert await site.events(name) == []
