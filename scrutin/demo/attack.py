"""An attack on the consultation that is open: a script against a proposal, and what came of it.

Theory of operation: the campaign's votes are simulated, and no rule looks at such. So a script
comes where people vote: new devices behind one address, which agree with one proposal as fast as
they can. The door takes what comes after the first thirty as suspect; the patrol tells of the
group, and operators and everybody read of it on their pages. Only what the door let pass moves a
figure, and that by `LET_PASS_MOST` votes at most.
"""

import asyncio
from typing import Any

import aiohttp

from schemas.topics import Topics
from scrutin.demo.comparison import Check
from scrutin.demo.script import Sent, run_script
from scrutin.patrol.recorded_findings import recorded_findings


SCRIPT_VOTES, SCRIPT_PER_SECOND = 200, 40.0
SCRIPT_ADDRESS = "198.51.100.66"
LET_PASS_MOST = 50
"""Votes of a script behind one address that the door may let pass before it asks for more."""
CROWD_RULE = "crowd"
FOUND_SECONDS = 60.0
"""So long the patrol may take to tell of it: it looks every five seconds."""
LOOK_SECONDS = 1.0
FINDINGS_MOST = 100
"""So many of the newest findings are looked at, where a page shows ten."""
PAGES = {
    "the operators'": [f"/ops/findings?first={first}" for first in range(0, FINDINGS_MOST, 10)],
    "everybody's": ["/v1/consultations/{consultation}/guard"]}
"""Where a finding is to be read, by what the checks call it."""


async def attacked(
    urls: dict[str, str], topics: Topics, consultation: str, proposal: str
) -> list[Check]:
    """Have a script attack a proposal; return the checks of what became of it."""
    results = f"{urls['views']}/v1/consultations/{consultation}/results"
    async with aiohttp.ClientSession() as session:
        before = await _entry(session, results, proposal)
        sent = await run_script(urls["gateway"], consultation, proposal, SCRIPT_VOTES,
                                SCRIPT_PER_SECOND, address=SCRIPT_ADDRESS)
        after = before
        async with asyncio.timeout(FOUND_SECONDS):
            # People vote on it meanwhile, too: so many received may not be all of the script's.
            while (after["received"] < before["received"] + sent.votes
                   or _aside(before, after) < sent.suspect):
                await asyncio.sleep(LOOK_SECONDS)
                after = await _entry(session, results, proposal)
            findings: list[dict[str, Any]] = []
            while not findings:
                await asyncio.sleep(LOOK_SECONDS)
                findings = [one for one in await _told(urls["kafka"], topics)
                            if (one["consultation"], one["proposal"]) == (consultation, proposal)
                            and one["rule"] == CROWD_RULE]
            pages = await _shown(session, urls["views"], consultation, findings[0]["finding"])
    return checks(sent, before, after, findings, pages)


def checks(
    sent: Sent, before: dict[str, Any], after: dict[str, Any], findings: list[dict[str, Any]],
    pages: set[str],
) -> list[Check]:
    """Compare what a script sent with what moved on its proposal, and with what was found.

    `pages` are those, of PAGES, on which the finding is read.
    """
    # What came beside the script's is people's, most of which counts.
    others = max(0, after["received"] - before["received"] - sent.votes)
    counted = after["counted"]["votes"] - before["counted"]["votes"] - others
    aside, most = _aside(before, after), f"at most {LET_PASS_MOST}"
    return [
        Check("attack", "votes of a script, all taken", SCRIPT_VOTES, sent.votes),
        Check("attack", "of them counted", most, most if counted <= LET_PASS_MOST else counted),
        Check("attack", "those told to be suspect, set aside", sent.suspect,
              min(aside, sent.suspect)),
        Check("attack", "findings of rule 1 about it", 1, len(findings)),
        *(Check("attack", f"pages that tell of it, {page}", 1, int(page in pages))
          for page in PAGES),
    ]


def _aside(before: dict[str, Any], after: dict[str, Any]) -> int:
    """Return how many votes more are set aside, for whatever reason."""
    now, then = (int(sum(each["set_aside"].values())) for each in (after, before))
    return now - then


async def _shown(
    session: aiohttp.ClientSession, views: str, consultation: str, finding: str
) -> set[str]:
    """Look at the pages until each shows a finding; return those that do, for the checks."""
    shown: set[str] = set()
    while len(shown) < len(PAGES):
        for name, paths in PAGES.items():
            for path in paths:
                async with session.get(views + path.format(consultation=consultation)) as answer:
                    if answer.ok and finding in await answer.text():
                        shown.add(name)
        await asyncio.sleep(LOOK_SECONDS)
    return shown


async def _entry(session: aiohttp.ClientSession, results: str, proposal: str) -> dict[str, Any]:
    async with session.get(results) as answer:
        answer.raise_for_status()
        document: dict[str, Any] = await answer.json()
    found: dict[str, Any] = next(one for one in document["proposals"] if one["id"] == proposal)
    return found


async def _told(kafka: str, topics: Topics) -> list[dict[str, Any]]:
    return [each.described() for each in await recorded_findings(kafka, topics)]
