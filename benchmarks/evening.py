"""People in the booth with its script, as a process of their own: what their browsers ask for.

`python -m benchmarks.evening PORT:PID SECONDS CONNECTIONS` prints how many acts a gateway took, its
CPU for each, and how long a browser waited, as JSON. Each connection is one browser after another:
a page, the cards, twelve votes, a word after every second one. What the booth is told of a vote and
says of it goes over a second connection, as in a browser, which waits for no answer before it acts
again; a word is told with the next vote. Static files lie in its cache.
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
_LOCATION = re.compile(rb"\r\nlocation: ([^\r]+)", re.IGNORECASE)
_PROOF = re.compile(rb'name="proof" value="([^"]+)"')


class Browser:
    """One visitor, new, with the cookies of its own."""

    def __init__(self, connection: Connection, telling: Connection, port: int) -> None:
        self._connection = connection
        self._telling = telling
        self._untold: asyncio.Queue[tuple[str, list[str]] | None] = asyncio.Queue()
        self._headers = browser(port)
        self._cookies: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    async def ask(
        self, method: str, path: str, said: Any = None, *, key: str = "", tells: bool = False
    ) -> Answer:
        """Ask as the script does."""
        names = [name for name in self._cookies
                 if path.startswith("/c/") or name not in ("scrutin-paper", "scrutin-drawn")]
        headers = dict(self._headers)
        if names:
            headers["cookie"] = "; ".join(f"{name}={self._cookies[name]}" for name in names)
        if key:
            headers["idempotency-key"] = key
        body = b"" if said is None else json.dumps(said).encode()
        connection = self._telling if tells else self._connection
        answer = await connection.ask(
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
        beside: list[str] = []
        for number, name in enumerate(names):
            choice = number % len(CHOICES)
            following = names[number + 1] if number + 1 < len(names) else None
            word = QUALIFICATIONS[choice * QUALIFICATIONS_PER_CHOICE]
            acts = [("votes", {"proposal": name, "choice": CHOICES[choice]}),
                    ("qualifications", {"proposal": name, "qualification": word})]
            for path, said in acts[:1 + (number % QUALIFIED_EVERY == 0)]:
                query = f"?next={quote(following)}&next_proof={proofs[following]}" if (
                    following) else ""
                began = time.perf_counter()
                answer = await self.ask(
                    "POST", f"{API}/{path}{query}", {**said, "proof": proofs[name]},
                    key=f"{proofs[name][:16]}.{number}.{path}")
                yield time.perf_counter() - began
                receipt = json.loads(answer.body)
                if following:
                    proofs[following] = receipt["next_proof"]
                beside.append(receipt["note"])
                if path == "votes":
                    self._untold.put_nowait((name, beside))
                    beside = []
        if beside:
            self._untold.put_nowait((name, beside))
        self._untold.put_nowait(None)

    async def tell(self) -> None:
        """Tell the booth of one act after the other, until the evening ends."""
        while (untold := await self._untold.get()) is not None:
            name, notes = untold
            await self.ask(
                "POST", f"{BOOTH}/cards", {"notes": notes, "proposal": name}, tells=True)


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

    async def come_and_go(connection: Connection, telling: Connection) -> None:
        while time.perf_counter() < end:
            visitor = Browser(connection, telling, port)
            told = asyncio.create_task(visitor.tell())
            async for delay in visitor.evening():  # To its end: a page costs as many acts as that.
                acts["all"] += 1
                if warm <= time.perf_counter() < end:
                    delays.append(delay)
            await told
            statuses.update(visitor.statuses)

    connections = [await Connection.open(HOST, port) for _ in range(2 * count)]
    used = -cpu_seconds(server)
    await asyncio.gather(*map(come_and_go, connections[:count], connections[count:]))
    used += cpu_seconds(server)
    for connection in connections:
        connection.close()
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
