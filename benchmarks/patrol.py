"""The patrol: votes a second on one core, decoded, folded and judged, with an attack among them.

Voters are fresh as in a campaign's best hour: 1,000 votes a second, half of them on mobile
networks, one first vote of five asked for, one vote of fifty by a script from a hundred prefixes.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from itertools import accumulate

from benchmarks.house import PARTITIONS, House
from benchmarks.ledger import Measured, decided
from benchmarks.votes import BEGAN_AT, CONSULTATION, PROPOSALS, VOTES_PER_VOTER
from processors.guard.inputs import Batch, Cut, beginning
from processors.guard.judging import judge
from processors.guard.parameters import Rules
from processors.guard.state import PatrolState
from producers.writer import BulkWriter
from schemas import codec
from schemas.hot import encoder
from schemas.topics import partition_of
from schemas.words import ORIGINS, SHOWN
from scrutin.process import garbage


VOTES_PER_SECOND = 1_000
CUT_SECONDS = 5
GATHERED = 100
"""Networks a record, as a gateway gathers them in a tenth of a second."""
MOBILE_SHARE, ASKED_SHARE, ROBOT_SHARE = 0.55, 0.2, 0.02
MOBILE_NETWORKS, ROBOT_NETWORKS = 300, 100

Cast = Callable[[int], tuple[bytes, bytes, bytes, bytes]]


async def patrolled(house: House, count: int) -> Measured:
    """Return the rate at which votes are judged from memory, and what is left of the ledger's."""
    return {**await asyncio.to_thread(_patrolled, count), **await beside_the_ledger(house, count)}


async def beside_the_ledger(house: House, count: int) -> Measured:
    """Measure the ledger alone and with a patrol on the same votes, by turns."""
    topics = await house.filled(count, rules=2)
    alone, worker = await decided(house, topics, count)
    worker.stop()
    topics = await house.filled(count, rules=2)
    async with BulkWriter(house.kafka) as writer:
        for value in _catalogue():
            writer.add(topics.catalogue, 0, BEGAN_AT, value)
        await writer.flush()
    patrol = house.worker("patrol", topics)
    await patrol.ready()
    beside, worker = await decided(house, topics, count)
    patrol.check_running()
    worker.stop()
    patrol.stop()
    return {"ledger_beside_the_patrol": beside.per_second / alone.per_second}


def _patrolled(count: int) -> Measured:
    garbage.relax()  # as every worker does
    state, rules, after = PatrolState(PARTITIONS), Rules.of_code(), beginning(PARTITIONS)
    votes, networks, catalogue, seconds = _written(count), 0, list(_catalogue()), 0.0
    ends, named = [-1] * PARTITIONS, 0
    for parts, seen in votes:
        records = [list(enumerate(part, ends[number] + 1)) for number, part in enumerate(parts)]
        ends = [end + len(part) for end, part in zip(ends, parts, strict=True)]
        numbered = list(enumerate(seen, networks))
        networks += len(seen)
        began = time.process_time()
        batch = Batch(after, Cut(tuple(ends), networks - 1, len(catalogue) - 1))
        for partition, part in enumerate(records):
            batch.add_votes(partition, part)
        batch.add_networks(numbered)
        batch.add_catalogue(enumerate(catalogue))
        judgement = judge(state, batch, rules, 2**42)
        seconds += time.process_time() - began
        after = batch.until
        named += sum(len(finding.voters) for finding in judgement.findings)
    if not named:
        raise RuntimeError("the attack was not found: what was measured is not the patrol")
    return {"patrol_votes_per_second": count / seconds}


def _catalogue() -> Iterator[bytes]:
    for number in range(PROPOSALS):
        yield codec.encode(
            "ProposalAccepted", event_id=number.to_bytes(16, "big"), consultation=CONSULTATION,
            proposal=f"p{number:04}", text={"fr": "Il faut."}, author=None, origin="operator",
            occurred_at=BEGAN_AT)


def _written(count: int) -> Iterator[tuple[list[list[bytes]], list[bytes]]]:
    """Yield what can be read every few seconds: votes by partition, and networks."""
    chance = random.Random(1)
    cast, size = _cast(chance), VOTES_PER_SECOND * CUT_SECONDS
    for start in range(0, count, size):
        parts: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        events, networks, seen = [], [], []
        for number in range(start, min(count, start + size)):
            now = BEGAN_AT + number * 1_000 // VOTES_PER_SECOND
            event_id, voter, network, value = cast(now)
            parts[partition_of(voter, PARTITIONS)].append(value)
            events.append(event_id)
            networks.append(network)
            if len(events) == GATHERED:
                seen.append(codec.encode("NetworksSeen", events=events, networks=networks,
                                         occurred_at=now))
                events, networks = [], []
        yield parts, seen


def _cast(chance: random.Random) -> Cast:
    """Make a function that makes a vote of an instant: event, voter, network and record."""
    encode, web = encoder("VoteCast", 2), ORIGINS.index("web")
    served, asked = SHOWN.index("served"), SHOWN.index("asked")
    names = [f"p{number:04}" for number in range(PROPOSALS)]
    weights = list(accumulate(rank ** -0.9 for rank in range(1, PROPOSALS + 1)))
    mobile = [chance.randbytes(16) for _ in range(MOBILE_NETWORKS)]
    ranks = list(accumulate(rank ** -0.6 for rank in range(1, MOBILE_NETWORKS + 1)))
    prefixes = [chance.randbytes(16) for _ in range(ROBOT_NETWORKS)]
    people: list[tuple[bytes, bytes]] = []

    def cast(now: int) -> tuple[bytes, bytes, bytes, bytes]:
        event_id, kind = chance.randbytes(16), chance.random()
        if kind < ROBOT_SHARE:
            voter, network = chance.randbytes(16), chance.choice(prefixes)
            proposal, choice, shown, pause = names[7], 0, asked, 4
        else:
            if people and kind > 1 / VOTES_PER_VOTER:
                voter, network = people[-1 - min(len(people) - 1, int(chance.expovariate(0.01)))]
                shown = served
            else:
                network = (chance.choices(mobile, cum_weights=ranks)[0]
                           if chance.random() < MOBILE_SHARE else chance.randbytes(16))
                voter = chance.randbytes(16)
                people.append((voter, network))
                shown = asked if chance.random() < ASKED_SHARE else served
            proposal = chance.choices(names, cum_weights=weights)[0]
            choice, pause = int(chance.random() > 0.62), chance.randrange(15)
        return event_id, voter, network, encode(
            event_id, voter, bytes(16), choice, 0, web, shown, pause, CONSULTATION, proposal, now,
            0, -1)

    return cast
