"""How many acts of people in browsers one gateway takes a second, with all that they ask for."""

import statistics
from dataclasses import dataclass

from benchmarks.gateway import NO_LIMIT, SECONDS, answers, consultation
from benchmarks.house import House, Process, Unmeasurable, counting_ends, reading, told_by
from benchmarks.ledger import Measured
from benchmarks.release import own_environment, unpacked
from benchmarks.voters import CONNECTIONS, CROWD
from benchmarks.votes import BEGAN_AT
from deploy.local.ports import find_free
from producers.operations import Log, apply
from schemas.topics import Topics


FINE = {"200", "202", "303"}
PAUSING_RATE = 1_000.0
"""Acts a second of people who pause, all together."""
RATE_HELD = 0.95
"""Of that rate, at least: where people wait long for their pages, they are not as many."""
TURNS = 3
"""Each release has so many evenings, one after the other."""


@dataclass
class Place:
    """A gateway at a port, beside a ledger and ideas that count what is voted."""

    house: House
    topics: Topics
    port: int
    gateway: Process
    beside: tuple[Process, ...]

    async def evening(
        self, browsers: int, *more: float, of: str = "benchmarks.evening"
    ) -> dict[str, float]:
        """Have people come; raise Unmeasurable where the log does not hold what was answered."""
        async with reading(self.house.kafka) as consumer:
            count = counting_ends(consumer, self.topics.votes)
            before = await count()
            found = await told_by(
                of, f"{self.port}:{self.gateway.popen.pid}", str(SECONDS), str(browsers),
                *map(str, more))
            held = await count() - before
        if held != found["acts"] or not found["statuses"].keys() <= FINE:
            raise Unmeasurable(f"{found['acts']} acts, {held} in the log: {found['statuses']}")
        return {name: found[name] for name in (
            "per_second", "cpu_microseconds", "milliseconds_p99")}

    def close(self) -> None:
        for process in (self.gateway, *self.beside):
            process.stop()


async def booth(house: House, _count: int) -> Measured:
    """Measure the booth with its script, and then two workers at one port.

    On cores that all of this shares they can be no faster, but what an act costs must not rise.
    """
    place = await opened(house)
    one, pausing = await place.evening(CROWD), await place.evening(CROWD, PAUSING_RATE)
    place.close()
    place = await opened(house, SCRUTIN_GATEWAY_WORKERS="2")
    two = await place.evening(CROWD)
    place.close()
    found = {
        "booth_acts_per_second": one["per_second"],
        "booth_cpu_microseconds_per_act": one["cpu_microseconds"],
        "booth_latency_milliseconds_p99_at_256": one["milliseconds_p99"],
        "booth_cpu_of_two_workers_against_one":
            two["cpu_microseconds"] / one["cpu_microseconds"],
        "booth_acts_of_two_workers_against_one": two["per_second"] / one["per_second"],
    }
    if pausing["per_second"] < RATE_HELD * PAUSING_RATE:
        raise Unmeasurable(f"{pausing['per_second']:.0f} acts a second by who pauses", found)
    return found | {"booth_latency_milliseconds_p99_at_1000": pausing["milliseconds_p99"]}


async def against_release(house: House, _count: int) -> Measured:
    """Have the same evening in both booths, by turns; take the ratios of the medians."""
    places = [
        (await opened(house), "benchmarks.evening"),
        (await opened(house, **own_environment(unpacked(house))), "benchmarks.evening_of_forms")]
    found: dict[str, list[dict[str, float]]] = {program: [] for _, program in places}
    for _ in range(TURNS):
        for place, program in places:
            found[program].append(await place.evening(CONNECTIONS, of=program))
        places.reverse()
    for place, _ in places:
        place.close()
    rates, costs = ([statistics.median(each[figure] for each in turns)
                     for turns in found.values()] for figure in ("per_second", "cpu_microseconds"))
    return {"booth_acts_against_0_1_0": rates[0] / rates[1],
            "booth_cpu_against_0_1_0": costs[0] / costs[1]}


async def opened(house: House, **settings: str) -> Place:
    """Open a place on topics of its own."""
    topics = await house.filled(0)
    await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
    [port] = find_free(1)
    programs = {name: value for name, value in settings.items() if name.startswith("PYTHON")}
    beside = tuple(house.worker(name, topics, **programs) for name in ("ledger", "ideas"))
    gateway = house.worker(
        "gateway", topics, SCRUTIN_GATEWAY_PORT=str(port), SCRUTIN_GATEWAY_VOTER_RATE=NO_LIMIT,
        SCRUTIN_GATEWAY_NETWORK_RATE=NO_LIMIT, **settings)
    await answers(gateway, f"http://127.0.0.1:{port}/readyz")
    return Place(house, topics, port, gateway, beside)
