"""What a large consultation costs: publishing one moved vote, flushing tallies, showing results."""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks.house import PARTITIONS, House, told_by
from benchmarks.ledger import Measured
from benchmarks.votes import BEGAN_AT
from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results.ideas import Ideas, Record
from processors.results.vectors import headers, vector_of
from processors.workers.batches import Batch, connected_producer
from processors.workers.decision_store import Held
from processors.workers.provisioning import provision
from processors.workers.tally_flushes import TallyFlushes
from schemas import codec
from schemas.genesis import Genesis, first_rules_adopted
from schemas.topics import FLUSH_KEY, Topics
from schemas.words import CHOICES, EVERY_COUNT, QUALIFICATIONS
from views.documents import Documents
from views.flushes import Flushes
from views.pages import rendering, results_page
from views.pages.languages import LANGUAGES


CONSULTATION = "large"
LARGE, LARGEST = 20_000, 100_000
MOVED = 200
"""Votes moved one after the other, each published with its rankings."""
PAGES = 25
"""Pages made, each of one vote more."""
VOTES_EACH = (20, 80)
"""Votes of a proposal in a partition: with four, some have too few to be ranked."""
RULES = 2


async def large(house: House, _count: int) -> Measured:
    """Measure CPU of publications, the stall of a flush, and memory, in this process."""
    topics = house.topics()
    await provision(house.kafka, topics, replication=1, genesis=Genesis(RULES))
    producer = await connected_producer(house.kafka)
    try:
        found = _publications() | _pages()
        found |= {"tally_flush_stall_milliseconds_at_100000": await _stall(producer, topics)}
    finally:
        await producer.stop()
    return found | await told_by("benchmarks.resident_large", str(LARGEST))


def _publications() -> Measured:
    """Publish one moved vote after the other, each with its rankings."""
    chance, ideas = random.Random(1), Ideas(PARTITIONS)
    tallies = tallied(ideas, LARGE, chance)
    ideas.take(0, ranked=True)
    taken = []
    for offset in range(1, MOVED + 1):
        partition = chance.randrange(PARTITIONS)
        flush = _moved(offset, tallies[partition], chance)
        began = time.process_time()
        for record in flush:
            ideas.apply_tallies(partition, *record)
        _written(ideas.take(0, ranked=True), ideas)
        taken.append(time.process_time() - began)
    return {"publication_milliseconds_at_20000_proposals": 1e3 * statistics.mean(taken)}


def _pages() -> Measured:
    """Show one moved vote after the other: from the flush that holds it to the page as HTML."""
    chance, ideas, flushes = random.Random(1), Ideas(PARTITIONS), Flushes()
    documents = Documents(flushes)
    for offset in range(LARGE):
        ideas.apply_catalogue(accepted(offset), offset)
    tallies = tallied(ideas, LARGE, chance)
    _read(flushes, ideas)
    for offset in range(LARGE):
        flushes.receive_catalogue(offset, accepted(offset))
    taken = []
    for offset in range(1, PAGES + 1):
        for record in _moved(offset, tallies[0], chance):
            ideas.apply_tallies(0, *record)
        began = time.process_time()
        _read(flushes, ideas)
        shown = documents.shown(CONSULTATION)
        assert shown is not None
        rendering.render("results.html", LANGUAGES[0], **results_page.page(
            shown.frame, 0, address="https://vote.example.org", kept=shown.of_proposals))
        taken.append(time.process_time() - began)
    # The first one reads and makes everything.
    return {"results_page_milliseconds_at_20000": 1e3 * statistics.median(taken[1:])}


def _read(flushes: Flushes, ideas: Ideas) -> None:
    """Publish, and have the views read it."""
    vector = vector_of(headers(ideas.as_of()))
    for key, value in ideas.take(0, ranked=True):
        flushes.receive_result(key, value, vector)


def _moved(offset: int, tallies: list[list[int]], chance: random.Random) -> list[Record]:
    """Move one vote: return the flush that holds it."""
    number = chance.randrange(LARGE)
    counts = tallies[number]
    for name in ("received", chance.choice(CHOICES)):
        counts[EVERY_COUNT.index(name)] += 1
    return [_tally(number, offset, counts), _marker(offset)]


def _written(records: list[Record], ideas: Ideas) -> None:
    """Lay records out as the worker sends them."""
    rest, of = iter([(value, key, None) for key, value in records]), headers(ideas.as_of())
    left = Batch().fill(rest, of)
    while left is not None:
        left = Batch().fill(iter([left, *rest]), of)


def accepted(number: int) -> bytes:
    """Encode a proposal of ordinary length."""
    return codec.encode(
        "ProposalAccepted", event_id=number.to_bytes(16, "big"), consultation=CONSULTATION,
        proposal=f"p{number:05}", author=None, origin="operator", occurred_at=BEGAN_AT,
        text={"fr": f"Il faut que chaque commune ouvre un lieu pour les jeunes, numéro {number}."})


def tallied(ideas: Ideas, proposals: int, chance: random.Random) -> list[list[list[int]]]:
    """Tally votes of chance on so many proposals in every partition; return their counts."""
    found = [[_counts(chance) for _ in range(proposals)] for _ in range(PARTITIONS)]
    for partition, part in enumerate(found):
        for number, counts in enumerate(part):
            ideas.apply_tallies(partition, *_tally(number, 0, counts))
        ideas.apply_tallies(partition, *_marker(0))
    return found


def _counts(chance: random.Random) -> list[int]:
    votes = chance.randint(*VOTES_EACH)
    agree = chance.randint(0, votes)
    disagree = chance.randint(0, votes - agree)
    counts = {"received": votes, "agree": agree, "disagree": disagree,
              "neutral": votes - agree - disagree,
              **{name: chance.randint(0, agree // 4) for name in QUALIFICATIONS}}
    drawn = {f"drawn_{name}": number * 3 // 4 for name, number in counts.items()}
    return [(counts | drawn).get(name, 0) for name in EVERY_COUNT]


def _tally(number: int, offset: int, counts: list[int]) -> Record:
    return b"", tally_records.proposal_tallied(
        CONSULTATION, f"p{number:05}", offset, counts, RULES)


def _marker(offset: int) -> Record:
    return FLUSH_KEY, codec.encode("TalliesFlushed", source_offset=offset, ledger_version=RULES,
                                   decided={}, undecodable=0)


@dataclass
class _Worker:
    """What flushes need of a ledger's worker: one partition that stands still."""

    topics: Topics
    held: dict[int, Held]
    producer: AIOKafkaProducer
    app: Any
    decided: asyncio.Event

    async def connected_producer(self) -> AIOKafkaProducer:
        return self.producer


async def _stall(producer: AIOKafkaProducer, topics: Topics) -> float:
    """Return the most CPU, in milliseconds, that the loop spends on a flush without a pause."""
    ledger, chance = Ledger(0, PARTITIONS), random.Random(1)
    ledger.decide(0, first_rules_adopted(topics, 0, 0))
    for number in range(LARGEST):
        ledger.proposal(CONSULTATION, f"p{number:05}").counts = _counts(chance)
    held = Held(ledger, generation=1)
    app = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda _partition: None))
    flushing = asyncio.create_task(TallyFlushes(_Worker(
        topics, {0: held}, producer, app, asyncio.Event())).run())
    most = 0.0
    while held.flushed_offset < 0 or held.still.locked():
        before = time.thread_time()
        await asyncio.sleep(0)
        most = max(most, time.thread_time() - before)
        flushing.done() and flushing.result()
    flushing.cancel()
    return 1e3 * most
