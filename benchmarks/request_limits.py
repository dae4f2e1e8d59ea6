"""What it costs to count a request against the limits, beside what release 0.1.0 took for it.

Both are given the same voters and networks, by turns in one process: the best turn of each counts,
for whatever else the machine does only adds.
"""

import secrets
import time
import types
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks.house import House
from benchmarks.ledger import Measured
from benchmarks.release import WHEEL
from producers.gateway import rates
from producers.gateway.identity import IDENTIFIER_BYTES


VOTERS = 190_000
"""As many as release 0.1.0 remembers, and the networks."""
TURNS = 7
NO_LIMIT = 1_000_000_000
NETWORK = b"\xc6\x33\x64"
NOW = 1_800_000_000.0


async def counted(_house: House, _count: int) -> Measured:
    """Measure the pieces of both and take their ratios."""
    before = _release()
    voters = [secrets.token_bytes(IDENTIFIER_BYTES) for _ in range(VOTERS)]
    known = _by_turns(_knowing(before, voters), _knowing(rates, voters))
    refused = _by_turns(_refusing(before, voters), _refusing(rates, voters))
    return {
        "limits_microseconds": known[1],
        "limits_against_0_1_0": known[1] / known[0],
        "limits_refused_against_0_1_0": refused[1] / refused[0],
    }


def _release() -> Any:
    """Load the module of the release beside ours."""
    name = "producers/gateway/rates.py"
    module = types.ModuleType("rates_of_release")
    with zipfile.ZipFile(WHEEL) as wheel:
        exec(compile(wheel.read(name), f"{WHEEL.name}/{name}", "exec"), vars(module))
    return module


def _knowing(module: Any, voters: list[bytes]) -> Callable[[], None]:
    limits = module.Rates(voter_per_minute=NO_LIMIT, network_per_minute=NO_LIMIT)
    count, headers_of = limits.count, module.headers_of

    def turn() -> None:
        for voter in voters:
            headers_of(count(voter, NETWORK, NOW))

    return turn


def _refusing(module: Any, voters: list[bytes]) -> Callable[[], None]:
    limits = module.Rates(voter_per_minute=NO_LIMIT, network_per_minute=1)
    count, headers_of = limits.count, module.headers_of
    count(bytes(IDENTIFIER_BYTES), NETWORK, NOW)

    def turn() -> None:
        for voter in voters:
            headers_of(count(voter, NETWORK, NOW))

    return turn


def _by_turns(*pieces: Callable[[], None]) -> list[float]:
    """Return the microseconds that each piece takes for a request."""
    best = [float("inf")] * len(pieces)
    for _ in range(TURNS):
        for number, piece in enumerate(pieces):
            began = time.process_time()
            piece()
            best[number] = min(best[number], time.process_time() - began)
    return [1e6 * seconds / VOTERS for seconds in best]
