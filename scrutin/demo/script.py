"""A script that votes on one proposal over HTTP, each time as a new device."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp


AT_ONCE = 8


@dataclass
class Sent:
    """What a script sent, and what it was told."""

    requests: int = 0
    trusted: int = 0
    """Votes that were taken as proven."""
    suspect: int = 0
    """Votes that were taken, and do not count until more is shown."""
    refused: int = 0
    """Requests that were told to come later."""

    @property
    def votes(self) -> int:
        """Votes that lie in the log."""
        return self.trusted + self.suspect


async def run_script(
    gateway: str, consultation: str, proposal: str, votes: int, per_second: float, *,
    address: str = "",
) -> Sent:
    """Cast so many votes on a proposal, evenly, each as a new device; say what came of it.

    It follows the link to the proposal and agrees at once. Whatever it is asked for it ignores.
    `address` is where it says it comes from, to a gateway that believes this machine.
    """
    sent, loop = Sent(), asyncio.get_running_loop()
    began = loop.time()
    moments = iter([began + number / per_second for number in range(votes)])
    jar = aiohttp.DummyCookieJar()  # Each vote is another device's.
    said = {"X-Forwarded-For": address} if address else {}
    async with aiohttp.ClientSession(gateway, cookie_jar=jar, headers=said) as session:

        async def go_on() -> None:
            for moment in moments:
                await asyncio.sleep(moment - loop.time())
                await _vote(session, f"/v1/consultations/{consultation}", proposal, sent)

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return sent


async def _vote(session: aiohttp.ClientSession, base: str, proposal: str, sent: Sent) -> None:
    """Be served the proposal as a new device, and agree."""
    sent.requests += 1
    async with session.get(f"{base}/sequence", params={"include": proposal}) as answer:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            sent.refused += 1
            return
        answer.raise_for_status()
        cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
        proof = next(one["proof"] for one in (await answer.json())["proposals"]
                     if one["id"] == proposal)
    sent.requests += 1
    body = {"proposal": proposal, "choice": "agree", "proof": proof}
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with session.post(f"{base}/votes", json=body, headers={"Cookie": header}) as answer:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            sent.refused += 1
            return
        answer.raise_for_status()
        if (await answer.json())["trust"] == "trusted":
            sent.trusted += 1
        else:
            sent.suspect += 1
