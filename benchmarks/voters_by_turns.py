"""Voters who vote at several gateways by turns, as a process of their own.

`python -m benchmarks.voters_by_turns NAME:PORT:PID NAME:PORT:PID TURNS SECONDS` prints by name what
each turn gave, as JSON, and how often each status was answered.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import psutil
import uvloop

from benchmarks.voters import CONNECTIONS, electorate, measure


async def main() -> None:
    """Measure each gateway once a turn; every second turn begins with the other."""
    servers = [(name, int(port), psutil.Process(int(pid)))
               for name, port, pid in (each.split(":") for each in sys.argv[1:-2])]
    turns, seconds = int(sys.argv[-2]), float(sys.argv[-1])
    votes = {name: await electorate(port) for name, port, _ in servers}
    found: dict[str, dict[str, Any]] = {
        name: {"per_second": [], "cpu_microseconds": [], "statuses": Counter()}
        for name, _, _ in servers}
    for _ in range(turns):
        for name, port, process in servers:
            turn = await measure(port, process, votes[name], seconds, CONNECTIONS)
            found[name]["per_second"].append(turn["per_second"])
            found[name]["cpu_microseconds"].append(turn["cpu_microseconds"])
            found[name]["statuses"] += turn["statuses"]
        servers.reverse()
    print(json.dumps(found))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
