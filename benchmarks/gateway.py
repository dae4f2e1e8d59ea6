"""How many votes one gateway takes a second, and how long each voter waits."""

import asyncio
import statistics
import sys
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

from benchmarks.house import (
    PARTITIONS,
    POLL_SECONDS,
    READY_SECONDS,
    House,
    Process,
    Unmeasurable,
    counting_ends,
    reading,
    told_by,
)
from benchmarks.ledger import Measured
from benchmarks.voters import VOTERS
from benchmarks.votes import BEGAN_AT, CONSULTATION, PROPOSALS
from deploy.local.ports import find_free
from producers.consultation_file import ConsultationFile
from producers.operations import Log, apply
from schemas.topics import Topics


SECONDS = 10.0
DOOR_TURNS = 8
DOOR_SECONDS = 3.0
"""Each gateway is measured so often and so long, one after the other."""
NO_LIMIT = "1000000000"
"""Every request is counted against both limits; all come from one network, so none is reached."""


async def gateway(house: House, _count: int) -> Measured:
    """Measure votes and, by turns, the empty answers of the same framework."""
    topics = await house.filled(0)
    await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
    port, empty_port = find_free(2)
    servers = [
        house.worker("gateway", topics, "benchmarks.long_evening", SCRUTIN_GATEWAY_PORT=str(port),
                     SCRUTIN_GATEWAY_VOTER_RATE=NO_LIMIT, SCRUTIN_GATEWAY_NETWORK_RATE=NO_LIMIT),
        house.started([sys.executable, "-m", "benchmarks.empty_answer", str(empty_port)], {})]
    for server, address in zip(servers, (f"{port}/readyz", f"{empty_port}/"), strict=True):
        await answers(server, f"http://127.0.0.1:{address}")
    found = await _voted(*(f"{port}:{server.popen.pid}" for port, server in zip(
        (port, empty_port), servers, strict=True)))
    await _check_log(house, topics, Counter(found["gateway"]["statuses"]) + Counter(
        found["crowd"]["statuses"]))
    for server in servers:
        server.stop()
    few, empty, crowd = found["gateway"], found["empty"], found["crowd"]
    return {
        "gateway_votes_per_second": few["per_second"],
        "gateway_votes_per_second_at_256": crowd["per_second"],
        "gateway_against_empty": few["per_second"] / empty["per_second"],
        "gateway_cpu_microseconds_per_vote": few["cpu_microseconds"],
        "gateway_cpu_microseconds_per_vote_at_256": crowd["cpu_microseconds"],
        "gateway_latency_milliseconds_p99": few["milliseconds_p99"],
        "gateway_latency_milliseconds_p99_at_256": crowd["milliseconds_p99"],
    }


async def door(house: House, _count: int) -> Measured:
    """Measure what the door costs a vote that is not challenged: with it and without, by turns."""
    servers: dict[str, tuple[Process, int, Topics]] = {}
    for name in ("true", "false"):
        topics = await house.filled(0, rules=2)
        await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
        port = find_free(1)[0]
        process = house.worker(
            "gateway", topics, SCRUTIN_GATEWAY_PORT=str(port), SCRUTIN_DOOR=name,
            SCRUTIN_GATEWAY_VOTER_RATE=NO_LIMIT, SCRUTIN_GATEWAY_NETWORK_RATE=NO_LIMIT)
        await answers(process, f"http://127.0.0.1:{port}/readyz")
        servers[name] = process, port, topics
    found = await told_by(
        "benchmarks.voters_by_turns", *(f"{name}:{port}:{process.popen.pid}" for name, (
            process, port, _) in servers.items()), str(DOOR_TURNS), str(DOOR_SECONDS))
    for name, (process, _, topics) in servers.items():
        await _check_log(house, topics, Counter(found[name]["statuses"]))
        process.stop()
    rates, costs = ({name: statistics.median(each[figure]) for name, each in found.items()}
                    for figure in ("per_second", "cpu_microseconds"))
    return {"door_votes_against_open": rates["true"] / rates["false"],
            "door_cpu_against_open": costs["true"] / costs["false"]}


def consultation() -> ConsultationFile:
    return ConsultationFile.model_validate({
        "id": CONSULTATION, "question": {"fr": "Que faire ?"}, "languages": ["fr"],
        "opens_at": "2020-01-01T00:00:00+00:00",
        "proposals": [{"id": f"p{number:04}", "text": {"fr": f"Il faut {number}"},
                       "author": {"name": f"n{number}"}} for number in range(PROPOSALS)]})


async def answers(server: Process, url: str) -> None:
    """Wait until a server answers anything but that it is not ready."""
    async with asyncio.timeout(READY_SECONDS):
        while await asyncio.to_thread(_status, url) in {None, 503}:
            server.check_running()
            await asyncio.sleep(POLL_SECONDS)


def _status(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


async def _voted(*servers: str) -> dict[str, Any]:
    """Let the voters vote, in their own process."""
    return await told_by("benchmarks.voters", *servers, str(SECONDS))


async def _check_log(house: House, topics: Topics, statuses: Counter[str]) -> None:
    """Raise unless every answer was a 202, and the log holds as many votes."""
    async with reading(house.kafka) as consumer:
        held = await counting_ends(consumer, topics.votes)() - PARTITIONS - VOTERS
    if statuses != {"202": held}:
        raise Unmeasurable(f"answers were {statuses}, and the log holds {held} votes")
