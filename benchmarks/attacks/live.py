"""Attack the local stack over HTTP, and say what it counted, found and set aside."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import aiohttp

from scrutin import addresses
from scrutin import settings as scrutin_settings
from scrutin.demo.script import Sent, run_script


PACES = {"A1": (5_659, 94.0), "A8": (60, 1.0), "A11": (600, 10.0)}
"""Votes, and how many a second: what fits into minutes."""
SETTLING_SECONDS = 20.0
"""So long after the last vote findings and figures are read: four judgements, and a ballot box."""


def attack(name: str, consultation: str, proposal: str | None) -> str:
    """Attack a consultation of the local stack that is open; say what came of it.

    Without a proposal the one that most is known of.
    """
    return asyncio.run(_attack(name, consultation, proposal))


async def _attack(name: str, consultation: str, proposal: str | None) -> str:
    settings = scrutin_settings.load()
    urls = (addresses.local_state(settings) or {}).get("urls", {})
    votes, per_second = PACES[name]
    before = await _document(urls["views"], consultation)
    target = proposal or max(before["proposals"], key=lambda one: int(one["received"]))["id"]
    sent = await run_script(urls["gateway"], consultation, target, votes, per_second)
    await asyncio.sleep(SETTLING_SECONDS)
    after = await _document(urls["views"], consultation)
    return "\n".join(_said(name, sent, _entry(before, target), _entry(after, target),
                           _findings(consultation, target)))


def _said(name: str, sent: Sent, before: dict[str, Any], after: dict[str, Any],
          findings: list[dict[str, Any]]) -> list[str]:
    aside = {reason: after["set_aside"][reason] - before["set_aside"].get(reason, 0)
             for reason in after["set_aside"]}
    counted = [one["counted"]["votes"] for one in (before, after)]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in aside.items() if count)
    said = (f"{name}: {sent.requests:,} requests, {sent.votes:,} votes, {sent.trusted:,} "
            f"of them taken as proven; {sent.refused:,} requests were told to come later.")
    return [said, f"counted: {counted[1] - counted[0]:,} more than before, {counted[1]:,} in all",
            f"set aside: {reasons or 'none'}", *map(_told, findings),
            *([] if findings else ["no finding about the proposal"])]


def _told(finding: dict[str, Any]) -> str:
    marks = " and ".join(finding["marks"]) or "no mark"
    return (f"finding {finding['finding']}: rule {finding['rule']}, {finding['mode']}, "
            f"{finding['voters']:,} voters, {finding['marked']:,} bear {marks}, "
            f"{finding['suspended']:,} set aside")


def _entry(document: dict[str, Any], proposal: str) -> dict[str, Any]:
    return next(one for one in document["proposals"] if one["id"] == proposal)


async def _document(views: str, consultation: str) -> dict[str, Any]:
    url = f"{views}/v1/consultations/{consultation}/results"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()
        document: dict[str, Any] = await answer.json()
        return document


def _findings(consultation: str, proposal: str) -> list[dict[str, Any]]:
    """Ask the command that lists them."""
    done = subprocess.run(
        [sys.executable, "-m", "scrutin", "guard", "findings", "--json", "--consultation",
         consultation], capture_output=True, text=True, check=True, env=dict(os.environ))
    return [one for one in json.loads(done.stdout) if one["proposal"] == proposal]
