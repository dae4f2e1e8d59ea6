"""Commands change what a running gateway shows: corrected at once, retired at once, restored."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from schemas.corrections import digest_of
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser


LOOKS = 12
"""Sequences asked for by new devices: each would hold all three proposals of the town."""


async def run(stack: Stack, *words: str) -> tuple[int, Any, str]:
    """Run a command of an operator on a log; its status, what it printed and what it said."""
    environment = {**os.environ, **stack.settings(), "COLUMNS": "200"}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "scrutin", *words], env=environment,
        capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


async def sequence(browser: Browser, **query: str) -> dict[str, dict[str, str]]:
    """Ask for a sequence; return the words of each proposal."""
    answer = await browser.client.get("/v1/consultations/town/sequence", params=query)
    return {each["id"]: each["text"] for each in answer.json()["proposals"]}


async def eventually(browser: Browser, wanted: Any, **query: str) -> None:
    """Wait until sequences are as wanted: the gateway follows the catalogue."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not wanted(await sequence(browser, **query)):
            await asyncio.sleep(0.05)


async def booth(browser: Browser) -> str:
    """Vote on the first proposal in the booth, as a browser without a script does."""
    page = (await browser.client.get("/c/town/vote?proposal=p1")).text
    fields = dict(re.findall(r'name="(proposal|proof|key|shown)" value="([^"]*)"', page))
    origin = {"origin": browser.url}
    first = await browser.client.post(
        "/c/town/vote", data={**fields, "act": "agree"}, headers=origin)
    if first.status_code == 400:  # The device is known from the second request on.
        first = await browser.client.post(
            "/c/town/vote", data={**fields, "act": "agree"}, headers=origin)
    assert first.status_code == 303, first.text
    voted = (await browser.client.get("/c/town/vote?proposal=p1")).text
    assert "Il faut p1" in voted
    return voted


async def pages(browser: Browser, voted: str) -> dict[str, str]:
    """Read every page of the booth, for the same device."""
    receipts = re.findall(r'href="(/c/town/vote/receipts[^"]*)"', voted)
    found = {}
    for path in ("/c/town/vote?proposal=p1", "/c/town/vote/mine", "/c/town/vote/you",
                 *(each.replace("&amp;", "&") for each in receipts)):
        answer = await browser.client.get(path, params=None)
        assert answer.status_code == 200, path
        found[path] = answer.text
    return found


async def corrects(stack: Stack, browser: Browser, file: Path) -> None:
    """A file may not change words with votes; the command it names does, once."""
    file.write_text(json.dumps({  # noqa: ASYNC240 -- blocks nobody
        "id": "town", "question": {"fr": "Que faire ?"}, "opens_at": "2020-09-13T12:26:40Z",
        "languages": ["fr"], "proposals": [
            {"id": "p2", "text": {"fr": "Il ne faut pas p2"}},
            {"id": "p3", "text": {"fr": "Il faudrait p3"}}]}))
    status, _, said = await run(stack, "consultation", "apply", str(file))
    assert status == 2
    assert "proposal 'p2': text.fr (1 votes cast)" in said
    assert "scrutin correct p2 --consultation town --text … --reason …" in said
    correct = ("correct", "p2", "--consultation", "town", "--text", "fr=Il ne faut pas p2",
               "--reason", "a slip")
    [_, done, _], [_, again, _] = await run(stack, *correct), await run(stack, *correct)
    assert (done["votes"], done["written"], again["written"]) == (1, True, False)
    assert (await run(stack, "consultation", "apply", str(file)))[0] == 0  # p3 has no vote
    await eventually(browser, lambda shown: shown["p3"] == {"fr": "Il faudrait p3"})
    assert (await sequence(browser, include="p2"))["p2"] == {"fr": "Il ne faut pas p2"}


async def retires(stack: Stack, browser: Browser, guest: Browser, voted: str) -> None:
    """No sequence has it any more, no page of the booth shows it, and votes can be withdrawn."""
    retire = ("retire", "p1", "--consultation", "town", "--reason", "unlawful", "--hide-text")
    [status, done, _], [_, again, _] = await run(stack, *retire), await run(stack, *retire)
    assert (status, done["written"], again["written"]) == (0, True, False)
    await eventually(browser, lambda shown: "p1" not in shown)
    for _ in range(LOOKS):
        async with Browser(browser.url) as other:
            assert "p1" not in await sequence(other, include="p1")
    refused = await browser.vote("p1")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("retired-proposal")
    for path, text in (await pages(guest, voted)).items():
        assert "Il faut p1" not in text, path
    assert (await browser.delete("town/votes/p1")).status_code == 202


async def test_words_are_corrected_and_proposals_retired_under_votes(
    stack: Stack, tmp_path: Path
) -> None:
    """From the command to the booth: refused, corrected, hidden, withdrawn from, restored."""
    await booths.opened(stack)
    gateway = booths.started(stack, SCRUTIN_GATEWAY_VOTER_RATE="100000")
    await gateway.ready()
    async with Browser(gateway.url) as browser, Browser(gateway.url) as guest:
        assert set(await sequence(browser)) == {"p1", "p2", "p3"}
        await browser.vote("p2")
        voted = await booth(guest)
        await corrects(stack, browser, tmp_path / "town.json")
        await retires(stack, browser, guest, voted)
        restored = await run(
            stack, "restore", "p1", "--consultation", "town", "--reason", "lawful")
        assert restored[0] == 0
        await eventually(
            browser, lambda shown: shown.get("p1") == {"fr": "Il faut p1"}, include="p1")
    await holds_the_record(gateway)


async def holds_the_record(gateway: booths.RunningGateway) -> None:
    """The log has old and new words, the cut, and who said why."""
    events = [(event, fields) for _, event, fields in await gateway.events(
        gateway.topics.catalogue)]
    corrected = {fields["proposal"]: fields for event, fields in events
                 if event == "ProposalCorrected"}
    assert corrected["p2"]["before"] == {"fr": "Il faut p2"}
    assert digest_of(corrected["p2"]["after"]) == digest_of({"fr": "Il ne faut pas p2"})
    assert {name: fields["votes"] for name, fields in corrected.items()} == {"p2": 1, "p3": 0}
    assert sum(offset + 1 for offset in corrected["p2"]["offsets"]) >= 2
    assert [fields["reason"] for event, fields in events
            if event in ("ProposalRetired", "ProposalRestored")] == ["unlawful", "lawful"]
