"""People in the booth with its script, as a process of their own: what their browsers ask for.

`python -m benchmarks.evening PORT:PID SECONDS CONNECTIONS [RATE]` prints how many acts a gateway
took, its CPU for each, and how long a browser waited, as JSON. One browser after another comes: a
page, the cards, twelve votes, a word after every second one. The answer of a vote goes on with what
everybody votes; a browser waits for no more than its receipt before it acts again, and takes
another connection then, as many as browsers take. The booth is told of the first act at once, and
of the others when many have gathered, or the page is left. Static files lie in its cache.

With a rate people pause: all together do so many acts a second, each at a time that is fixed when
its page is shown, whatever the gateway does meanwhile, and what they wait counts from that time on.
"""

import asyncio
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import psutil
import uvloop

from benchmarks.keep_alive import Answer, Connection, request
from benchmarks.voters import HOST, WARM_SECONDS, browser, cookies
from benchmarks.votes import CONSULTATION
from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE


BOOTH = f"/c/{CONSULTATION}/vote"
API = f"/v1/consultations/{CONSULTATION}"
QUALIFIED_EVERY = 2
EVENING_ACTS = 18
"""Twelve votes, and a word after every second one."""
GATHERED_MOST = 24
"""Acts that the script tells of at once."""
CONNECTIONS_MOST = 6
"""Browsers hold so many to a server by HTTP/1.1."""
IDLE_SECONDS = 2.0
"""A gateway closes a connection on which nothing is asked for five."""
FREE_SECONDS = 0.001
"""Between two looks for a free one, where there are none."""
TEXT_BEGINS = b"\x1e"
NOTHING: Mapping[str, str] = MappingProxyType({})
_LOCATION = re.compile(rb"\r\nlocation: ([^\r]+)", re.IGNORECASE)
_PROOF = re.compile(rb'name="proof" value="([^"]+)"')


class Connections:
    """The connections of one browser after another: one more where all of them wait."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: list[Connection] = []

    async def ask(self, asked: bytes) -> Answer:
        """Ask over one that is free."""
        while True:
            self._let_go()
            free = next((each for each in self._held if each.is_free), None)
            if free is None and len(self._held) < CONNECTIONS_MOST:
                free = await Connection.open(HOST, self._port)
                self._held.append(free)
            if free is not None and free.is_free:
                return await free.ask(asked)
            await asyncio.sleep(FREE_SECONDS)

    def _let_go(self) -> None:
        """Close what nothing was asked over for a while, before the gateway does."""
        for each in [each for each in self._held if each.idle_seconds > IDLE_SECONDS]:
            each.close()
            self._held.remove(each)

    async def rest(self) -> None:
        """Wait for the ends of all answers."""
        for each in self._held:
            await each.rest()

    def close(self) -> None:
        for each in self._held:
            each.close()


class Pace:
    """When one browser acts after another: without a pause, or every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def shown(self) -> None:
        """Say that a page is there: nobody acts before."""
        self._next = max(self._next, time.perf_counter())

    async def due(self) -> float:
        """Wait until an act is due; return when that was: now, where nobody pauses."""
        if not self._seconds:
            return time.perf_counter()
        due, self._next = self._next, self._next + self._seconds
        await asyncio.sleep(due - time.perf_counter())
        return due


class Browser:
    """One visitor, new, with the cookies of its own."""

    def __init__(self, connections: Connections, port: int, pace: Pace) -> None:
        self.pace = pace
        self._connections = connections
        self._notes: list[str] = []
        self._telling: asyncio.Task[None] | None = None
        self._has_told = False
        self._headers = browser(port)
        self._cookies: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    async def ask(
        self, method: str, path: str, body: bytes | None = None, more: Mapping[str, str] = NOTHING
    ) -> Answer:
        """Ask as the script does."""
        names = [name for name in self._cookies
                 if path.startswith("/c/") or name not in ("scrutin-paper", "scrutin-drawn")]
        headers = {**self._headers, **more}
        if names:
            headers["cookie"] = "; ".join(f"{name}={self._cookies[name]}" for name in names)
        answer = await self._connections.ask(request(method, path, headers, body))
        for cookie in cookies(answer.head):
            name, _, value = cookie.partition("=")
            self._cookies[name] = value
            if not value:
                del self._cookies[name]
        self.statuses[answer.status] += 1
        return answer

    async def evening(self) -> AsyncIterator[float]:
        """Vote on what is in turn; yield how long each act took, in seconds."""
        place = led_to(await self.ask("GET", BOOTH))
        page = await self.ask("GET", place)
        proof = _PROOF.search(page.body)
        assert proof is not None, page.body[:500]
        given = json.loads((await self.ask(
            "GET", f"{BOOTH}/cards?{place.partition('?')[2]}")).body)
        self.pace.shown()
        names = given["sequence"]
        proofs = {card["id"]: card["proof"] for card in given["cards"]}
        proofs[names[0]] = proof[1].decode()
        for number, name in enumerate(names):
            choice = number % len(CHOICES)
            following = names[number + 1] if number + 1 < len(names) else None
            word = QUALIFICATIONS[choice * QUALIFICATIONS_PER_CHOICE]
            acts = [("votes", {"proposal": name, "choice": CHOICES[choice]}),
                    ("qualifications", {"proposal": name, "qualification": word})]
            for path, said in acts[:1 + (number % QUALIFIED_EVERY == 0)]:
                query = f"next={quote(following)}&next_proof={proofs[following]}&" if (
                    following) else ""
                due = await self.pace.due()
                answer = await self.ask(
                    "POST", f"{API}/{path}?{query}{'shares=1' if path == 'votes' else ''}",
                    json.dumps({**said, "proof": proofs[name]}).encode(),
                    {"idempotency-key": f"{proofs[name][:16]}.{number}.{path}"})
                yield time.perf_counter() - due
                receipt = json.loads(answer.body.strip(TEXT_BEGINS))
                if following:
                    proofs[following] = receipt["next_proof"]
                self._notes.append(receipt["note"])
                if self._telling is None and (
                        not self._has_told or len(self._notes) >= GATHERED_MOST):
                    self._telling = asyncio.create_task(self.tell(name))
        while self._telling or self._notes:  # The page is left.
            await (self._telling or self.tell(name))
        await self._connections.rest()

    async def tell(self, name: str) -> None:
        """Tell the booth of what it does not know yet."""
        notes, self._notes = self._notes, []
        await self.ask("POST", f"{BOOTH}/cards", json.dumps(
            {"notes": notes, "proposal": name}).encode())
        self._telling, self._has_told = None, True


def led_to(answer: Answer) -> str:
    """Return where an answer leads."""
    found = _LOCATION.search(answer.head)
    assert found is not None, (answer.status, answer.body[-2_000:])
    return found[1].decode()


def cpu_seconds(server: psutil.Process) -> float:
    """Return the CPU time of a gateway and of its workers, user and system."""
    return float(sum(
        sum(process.cpu_times()[:2]) for process in (server, *server.children(recursive=True))))


async def measure(
    visitor: type[Browser], port: int, server: psutil.Process, seconds: float, count: int,
    rate: float = 0.0,
) -> dict[str, Any]:
    """Have so many browsers at once, each after the other; say how it went.

    Those who pause come one by one, over the length of an evening: their pages too come evenly.
    """
    pause = count / rate if rate else 0.0
    began = time.perf_counter()
    warm = began + WARM_SECONDS + EVENING_ACTS * pause
    end = warm + seconds
    delays: list[float] = []
    acts, statuses = Counter[str](), Counter[int]()

    async def come_and_go(number: int, connections: Connections) -> None:
        pace = Pace(pause)
        await asyncio.sleep(EVENING_ACTS * pause * number / count)
        while time.perf_counter() < end:
            visit = visitor(connections, port, pace)
            async for delay in visit.evening():  # To its end: a page costs as many acts as that.
                acts["all"] += 1
                if warm <= time.perf_counter() < end:
                    delays.append(delay)
            statuses.update(visit.statuses)

    browsers = [Connections(port) for _ in range(count)]
    used = -cpu_seconds(server)
    await asyncio.gather(*(come_and_go(*each) for each in enumerate(browsers)))
    used += cpu_seconds(server)
    for each in browsers:
        each.close()
    return {
        "per_second": len(delays) / seconds, "acts": acts["all"], "statuses": statuses,
        "milliseconds_p99": statistics.quantiles(delays, n=100)[98] * 1_000,
        "cpu_microseconds": used * 1e6 / acts["all"]}


async def main(visitor: type[Browser]) -> None:
    """Measure one gateway."""
    port, pid = map(int, sys.argv[1].split(":"))
    seconds, count, *rate = sys.argv[2:]
    print(json.dumps(await measure(
        visitor, port, psutil.Process(pid), float(seconds), int(count), *map(float, rate))))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Browser))
