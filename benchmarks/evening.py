"""People in the booth with its script, as a process of their own: what their browsers ask for.

`python -m benchmarks.evening PORT:PID SECONDS CONNECTIONS` prints how many acts a gateway took, its
CPU for each, and how long a browser waited, as JSON. One browser after another comes: a page, the
cards, twelve votes, a word after every second one. The answer of a vote goes on with what everybody
votes; a browser waits for no more than its receipt before it acts again, and takes another
connection then, as many as browsers take. The booth is told of the first act at once, and of the
others when many have gathered, or the page is left. Static files lie in its cache.
"""

import asyncio
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
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
GATHERED_MOST = 24
"""Acts that the script tells of at once."""
CONNECTIONS_MOST = 6
"""Browsers hold so many to a server by HTTP/1.1."""
IDLE_SECONDS = 2.0
"""A gateway closes a connection on which nothing is asked for five."""
FREE_SECONDS = 0.001
"""Between two looks for a free one, where there are none."""
TEXT_BEGINS = b"\x1e"
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


class Browser:
    """One visitor, new, with the cookies of its own."""

    def __init__(self, connections: Connections, port: int) -> None:
        self._connections = connections
        self._notes: list[str] = []
        self._telling: asyncio.Task[None] | None = None
        self._has_told = False
        self._headers = browser(port)
        self._cookies: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    async def ask(self, method: str, path: str, said: Any = None, *, key: str = "") -> Answer:
        """Ask as the script does."""
        names = [name for name in self._cookies
                 if path.startswith("/c/") or name not in ("scrutin-paper", "scrutin-drawn")]
        headers = dict(self._headers)
        if names:
            headers["cookie"] = "; ".join(f"{name}={self._cookies[name]}" for name in names)
        if key:
            headers["idempotency-key"] = key
        body = b"" if said is None else json.dumps(said).encode()
        answer = await self._connections.ask(
            request(method, path, headers, body) if body else request(method, path, headers))
        for cookie in cookies(answer.head):
            name, _, value = cookie.partition("=")
            self._cookies[name] = value
            if not value:
                del self._cookies[name]
        self.statuses[answer.status] += 1
        return answer

    async def evening(self) -> AsyncIterator[float]:
        """Vote on what is in turn; yield how long each act took, in seconds."""
        found = _LOCATION.search((await self.ask("GET", BOOTH)).head)
        assert found is not None, "the booth leads to a proposal"
        page = await self.ask("GET", found[1].decode())
        proof = _PROOF.search(page.body)
        assert proof is not None, page.body[:500]
        given = json.loads((await self.ask(
            "GET", f"{BOOTH}/cards?{found[1].decode().partition('?')[2]}")).body)
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
                began = time.perf_counter()
                answer = await self.ask(
                    "POST", f"{API}/{path}?{query}{'shares=1' if path == 'votes' else ''}",
                    {**said, "proof": proofs[name]},
                    key=f"{proofs[name][:16]}.{number}.{path}")
                yield time.perf_counter() - began
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
        await self.ask("POST", f"{BOOTH}/cards", {"notes": notes, "proposal": name})
        self._telling, self._has_told = None, True


def cpu_seconds(server: psutil.Process) -> float:
    """Return the CPU time of a gateway and of its workers, user and system."""
    return float(sum(
        sum(process.cpu_times()[:2]) for process in (server, *server.children(recursive=True))))


async def measure(port: int, server: psutil.Process, seconds: float, count: int) -> dict[str, Any]:
    """Have so many browsers at once, each after the other; say how it went."""
    began = time.perf_counter()
    warm, end = began + WARM_SECONDS, began + WARM_SECONDS + seconds
    delays: list[float] = []
    acts, statuses = Counter[str](), Counter[int]()

    async def come_and_go(connections: Connections) -> None:
        while time.perf_counter() < end:
            visitor = Browser(connections, port)
            async for delay in visitor.evening():  # To its end: a page costs as many acts as that.
                acts["all"] += 1
                if warm <= time.perf_counter() < end:
                    delays.append(delay)
            statuses.update(visitor.statuses)

    browsers = [Connections(port) for _ in range(count)]
    used = -cpu_seconds(server)
    await asyncio.gather(*map(come_and_go, browsers))
    used += cpu_seconds(server)
    for each in browsers:
        each.close()
    return {
        "per_second": len(delays) / seconds, "acts": acts["all"], "statuses": statuses,
        "milliseconds_p99": statistics.quantiles(delays, n=100)[98] * 1_000,
        "cpu_microseconds": used * 1e6 / acts["all"]}


async def main() -> None:
    """Measure one gateway."""
    port, pid = map(int, sys.argv[1].split(":"))
    print(json.dumps(await measure(
        port, psutil.Process(pid), float(sys.argv[2]), int(sys.argv[3]))))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
