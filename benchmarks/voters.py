"""Voters with devices and view proofs who vote without a pause, as a process of their own.

`python -m benchmarks.voters PORT:PID PORT:PID SECONDS` prints what the gateway and the empty
answer gave, as JSON, the gateway again over more connections. Both get the same requests: cookie,
proof, key and a browser's headers.
"""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import uvloop

from benchmarks.keep_alive import Connection, request
from benchmarks.votes import CONSULTATION
from schemas.words import CHOICES


HOST = "127.0.0.1"
CONNECTIONS = 64
CROWD = 256
"""Four times as many, so that batches hold four times as many votes."""
VOTERS = 1_000
"""Devices: the voters of a minute in which each votes ten times a second are not more."""
WARM_SECONDS = 1.0
"""What came in this first while is not counted: code is met first."""
KEY_CHARACTERS = 36
"""An Idempotency-Key is as long as a UUID."""


def browser(port: int) -> dict[str, str]:
    """Return the headers of a browser on the gateway's own page."""
    address = f"{HOST}:{port}"
    return {
        "host": address, "origin": f"http://{address}", "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "cors", "accept": "*/*", "accept-language": "fr-FR,fr;q=0.9,en;q=0.5",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    }


async def shown(connection: Connection, port: int) -> list[tuple[bytes, bytes]]:
    """Be a new voter, look at a sequence; give votes on it, cut in two where their key goes.

    One vote is cast already: what its answer gives is kept, as a browser keeps it.
    """
    path = f"/v1/consultations/{CONSULTATION}"
    answer = await connection.ask(request("GET", f"{path}/sequence", browser(port)))
    assert answer.status == 200, answer.body
    drawn = json.loads(answer.body)["proposals"]
    cookie = cookies(answer.head)[0]
    first = await connection.ask(request(
        "POST", f"{path}/votes", {**browser(port), "cookie": cookie},
        json.dumps({"proposal": drawn[0]["id"], "choice": CHOICES[0],
                    "proof": drawn[0]["proof"]}).encode()))
    assert first.status == 202, first.body
    cookie = "; ".join((cookie, *cookies(first.head)))
    headers = {**browser(port), "cookie": cookie, "idempotency-key": "*" * KEY_CHARACTERS}
    votes = []
    for proposal, choice in zip(
            drawn, itertools.cycle(CHOICES), strict=False):
        body = json.dumps({
            "proposal": proposal["id"], "choice": choice, "proof": proposal["proof"]}).encode()
        before, _, after = request("POST", f"{path}/votes", headers, body).partition(
            b"*" * KEY_CHARACTERS)
        votes.append((before, after))
    return votes


def cookies(head: bytes) -> list[str]:
    """Return the cookies that an answer gives."""
    return [part.partition(b";")[0].decode() for part in head.split(b"set-cookie: ")[1:]]


async def electorate(port: int) -> list[tuple[bytes, bytes]]:
    """Return the votes of all voters, mixed so that neighbours are of different voters."""
    connection = await Connection.open(HOST, port)
    each = [await shown(connection, port) for _ in range(VOTERS)]
    connection.close()
    return [vote for round_ in zip(*each, strict=False) for vote in round_]


async def measure(
    port: int, server: psutil.Process, votes: list[tuple[bytes, bytes]], seconds: float,
    count: int,
) -> dict[str, Any]:
    """Vote over all connections, each a request at a time; say how it went."""
    connections = [await Connection.open(HOST, port) for _ in range(count)]
    keys = (b"%036x" % number for number in itertools.count(time.time_ns()))
    requests = (before + next(keys) + after for before, after in itertools.cycle(votes))
    began = time.perf_counter()
    warm, end = began + WARM_SECONDS, began + WARM_SECONDS + seconds
    delays: list[float] = []
    statuses: Counter[int] = Counter()

    async def vote_on(connection: Connection, requests: Iterator[bytes]) -> None:
        now = time.perf_counter()
        while now < end:
            asked, answer = now, await connection.ask(next(requests))
            now = time.perf_counter()
            statuses[answer.status] += 1
            if asked >= warm and answer.status == 202:
                delays.append(now - asked)

    used = -sum(server.cpu_times()[:2])
    await asyncio.gather(*(vote_on(connection, requests) for connection in connections))
    used += sum(server.cpu_times()[:2])
    ended = time.perf_counter()
    for connection in connections:
        connection.close()
    return {
        "per_second": len(delays) / (ended - warm),
        "milliseconds_p99": statistics.quantiles(delays, n=100)[98] * 1_000,
        "cpu_microseconds": used * 1e6 / statuses.total(),
        "statuses": statuses,
    }


async def main() -> None:
    """Measure the gateway, then the empty answer, then the gateway in a crowd."""
    gateway, empty = (tuple(map(int, each.split(":"))) for each in sys.argv[1:3])
    votes = await electorate(gateway[0])
    print(json.dumps({
        name: await measure(port, psutil.Process(pid), votes, float(sys.argv[3]), count)
        for name, (port, pid), count in (
            ("gateway", gateway, CONNECTIONS), ("empty", empty, CONNECTIONS),
            ("crowd", gateway, CROWD))}))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
