"""Gateway and ledger of the tree beside those of release 0.1.0: one broker, one load, by turns.

Rates of two hours differ twofold on one machine; a ratio within one run does not.
"""

import statistics
import zipfile
from pathlib import Path

from benchmarks.gateway import NO_LIMIT, answers, consultation
from benchmarks.house import (
    PARTITIONS,
    House,
    Process,
    Unmeasurable,
    counting_ends,
    passage,
    reading,
    told_by,
)
from benchmarks.ledger import Measured
from benchmarks.voters import VOTERS
from benchmarks.votes import BEGAN_AT
from deploy.local.ports import find_free
from producers.operations import Log, apply
from schemas.topics import Topics


WHEEL = Path(__file__).parents[1] / "tests" / "releases" / "scrutin-0.1.0-py3-none-any.whl"
TURNS = 4
"""Each gateway is measured so often, one after the other: a slow minute then meets both."""
LEDGER_TURNS = 3
SECONDS = 4.0
"""Length of a turn."""


async def release(house: House, _count: int) -> Measured:
    """Measure votes a second and CPU a vote of both gateways, and take the ratios of the medians.

    Raises Unmeasurable where an answer was not 202, or a log does not hold what was answered.
    """
    older = unpacked(house)
    servers = {"tree": await _gateway(house, None), "release": await _gateway(house, older)}
    found = await told_by(
        "benchmarks.voters_by_turns", *(f"{name}:{port}:{process.popen.pid}" for name, (
            process, port, _) in servers.items()), str(TURNS), str(SECONDS))
    for name, (process, _, topics) in servers.items():
        await _check_log(house, topics, found[name]["statuses"])
        process.stop()
    rates, costs = ({name: statistics.median(each[figure]) for name, each in found.items()}
                    for figure in ("per_second", "cpu_microseconds"))
    return {
        "gateway_against_0_1_0": rates["tree"] / rates["release"],
        "gateway_cpu_against_0_1_0": costs["tree"] / costs["release"],
    }


async def ledgers(house: House, count: int) -> Measured:
    """Have both releases decide as many votes, each by its own rules, by turns."""
    older = unpacked(house)
    rates: dict[str, list[float]] = {"tree": [], "release": []}
    costs: dict[str, list[float]] = {"tree": [], "release": []}
    for turn in range(LEDGER_TURNS):
        names = ["tree", "release"] if turn % 2 else ["release", "tree"]
        for name in names:
            rules = 2 if name == "tree" else 1
            topics = await house.filled(count, rules=rules)
            settings = {} if name == "tree" else own_environment(older)
            async with reading(house.kafka) as consumer:
                worker = house.worker("ledger", topics, **settings)
                found = await passage(worker, counting_ends(consumer, topics.decisions),
                                      count + PARTITIONS)
            worker.stop()
            rates[name].append(found.per_second)
            costs[name].append(found.cpu_microseconds_each)
    fastest = {name: statistics.median(each) for name, each in rates.items()}
    cheapest = {name: statistics.median(each) for name, each in costs.items()}
    return {"ledger_against_0_1_0": fastest["tree"] / fastest["release"],
            "ledger_cpu_against_0_1_0": cheapest["tree"] / cheapest["release"]}


def unpacked(house: House) -> Path:
    """Unpack release 0.1.0, once."""
    folder = house.folder / "release-0.1.0"
    if not folder.exists():
        with zipfile.ZipFile(WHEEL) as wheel:
            wheel.extractall(folder)
    return folder


def own_environment(folder: Path) -> dict[str, str]:
    """Return the environment in which programs are those of an unpacked release."""
    # Safe: the packages of the folder a program is started in do not come first.
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


async def _gateway(house: House, folder: Path | None) -> tuple[Process, int, Topics]:
    """Start a gateway on topics of its own: the tree's, or of the release unpacked in a folder."""
    topics = await house.filled(0)
    await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
    port = find_free(1)[0]
    settings = {
        "SCRUTIN_GATEWAY_PORT": str(port), "SCRUTIN_GATEWAY_VOTER_RATE": NO_LIMIT,
        "SCRUTIN_GATEWAY_NETWORK_RATE": NO_LIMIT}
    if folder is not None:
        settings |= own_environment(folder)
    process = house.worker("gateway", topics, **settings)
    await answers(process, f"http://127.0.0.1:{port}/readyz")
    return process, port, topics


async def _check_log(house: House, topics: Topics, statuses: dict[str, int]) -> None:
    """Raise unless every answer was a 202, and the log holds as many votes."""
    async with reading(house.kafka) as consumer:
        held = await counting_ends(consumer, topics.votes)() - topics.partitions - VOTERS
    if statuses != {"202": held}:
        raise Unmeasurable(f"answers were {statuses}, and the log holds {held} votes")
