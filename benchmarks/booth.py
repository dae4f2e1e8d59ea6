"""How many acts of people in browsers one gateway takes a second, with all that they ask for."""

from benchmarks.gateway import NO_LIMIT, SECONDS, answers, consultation
from benchmarks.house import House, Unmeasurable, counting_ends, reading, told_by
from benchmarks.ledger import Measured
from benchmarks.voters import CROWD
from benchmarks.votes import BEGAN_AT
from deploy.local.ports import find_free
from producers.operations import Log, apply


FINE = {"200", "202", "303"}


async def booth(house: House, _count: int) -> Measured:
    """Measure the booth with its script, beside a ledger and ideas that count what is voted.

    Then two workers at one port, after the one: on cores that all of this shares they can be no
    faster, but what an act costs must not rise either.
    """
    one, two = [await _evening(house, workers=workers) for workers in (1, 2)]
    return {
        "booth_acts_per_second": one["per_second"],
        "booth_cpu_microseconds_per_act": one["cpu_microseconds"],
        "booth_latency_milliseconds_p99_at_256": one["milliseconds_p99"],
        "booth_cpu_of_two_workers_against_one":
            two["cpu_microseconds"] / one["cpu_microseconds"],
        "booth_acts_of_two_workers_against_one": two["per_second"] / one["per_second"],
    }


async def _evening(house: House, *, workers: int) -> dict[str, float]:
    topics = await house.filled(0)
    await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
    [port] = find_free(1)
    beside = [house.worker(name, topics) for name in ("ledger", "ideas")]
    server = house.worker(
        "gateway", topics, SCRUTIN_GATEWAY_PORT=str(port), SCRUTIN_GATEWAY_VOTER_RATE=NO_LIMIT,
        SCRUTIN_GATEWAY_NETWORK_RATE=NO_LIMIT, SCRUTIN_GATEWAY_WORKERS=str(workers))
    await answers(server, f"http://127.0.0.1:{port}/readyz")
    async with reading(house.kafka) as consumer:
        count = counting_ends(consumer, topics.votes)
        before = await count()
        found = await told_by(
            "benchmarks.evening", f"{port}:{server.popen.pid}", str(SECONDS), str(CROWD))
        held = await count() - before
    for process in (server, *beside):
        process.stop()
    if held != found["acts"] or not found["statuses"].keys() <= FINE:
        raise Unmeasurable(f"{found['acts']} acts, {held} in the log: {found['statuses']}")
    return {name: found[name] for name in (
        "per_second", "cpu_microseconds", "milliseconds_p99")}
