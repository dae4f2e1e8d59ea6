"""What must hold at the end of any history, and what was shown along the way."""

from collections import Counter
from itertools import pairwise

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results.ideas import Ideas
from schemas import codec
from tests.processors.ledger.logs import named
from tests.processors.ledger.naive import NaiveLedger
from tests.processors.ledger.test_ledger import conserved
from tests.simulation.world import PARTITIONS, World
from views.flushes import Flushes


def check(world: World) -> None:
    """Raise AssertionError where something does not hold."""
    ledgers = [_decisions(world, partition) for partition in range(PARTITIONS)]
    _results(world, ledgers)
    _archive(world)


def _decisions(world: World, partition: int) -> Ledger:
    """Decisions, folded, equal the pure ledger's; tallies equal two other ways of counting."""
    pure = Ledger(partition, PARTITIONS)
    naive = NaiveLedger(partition, PARTITIONS)
    expected = []
    for record in world.logs["votes"][partition].records:
        expected.append(pure.decide(record.offset, record.value))
        naive.take(record.value)
    first: list[bytes | None] = []
    summed: dict[tuple[str, str], Counter[str]] = {}
    for record in world.logs["decisions"][partition].records:
        _, fields = codec.decode(record.value)
        if fields["source_offset"] < len(first):
            assert record.value == first[fields["source_offset"]], "a decision repeats differently"
        elif fields["source_offset"] == len(first):
            first.append(record.value)
            for change in fields["changes"]:
                counts = summed.setdefault((fields["consultation"], change["proposal"]), Counter())
                counts.update(naive.counts_of(change["after"]))
                counts.subtract(naive.counts_of(change["before"]))
    assert first == expected, f"decisions of partition {partition} differ from the pure ledger"
    tallies = {met: named(counts) for met, counts in pure.tallies().items()}
    recounted = {met: dict(+counts) for met, counts in naive.recount().items()}
    assert tallies == recounted, "tallies differ from the naive recount"
    assert all(map(conserved, pure.tallies().values())), "the conservation law is broken"
    for met, counts in summed.items():
        held = tallies.get(met, {})
        assert all(held.get(name, 0) == n for name, n in counts.items()), "sums of changes differ"
    return pure


def _results(world: World, ledgers: list[Ledger]) -> None:
    """What was shown never went back, and ends as computed from the pure ledgers."""
    for before, after in pairwise(world.vectors):
        assert all(map(int.__le__, before, after)), f"results go back from {before} to {after}"
    ideas, expected = Ideas(PARTITIONS), Flushes()
    for record in world.logs["catalogue"][0].records:
        ideas.apply_catalogue(record.value or b"", record.offset)
        expected.receive_catalogue(record.offset, record.value)
    for ledger in ledgers:
        for key, value in tally_records.flush(ledger, everything=True):
            ideas.apply_tallies(ledger.partition, key, value)
    for key, value in ideas.take(0, ranked=True):
        expected.receive_result(key, value)
    assert expected.applied is not None
    assert world.reader.applied is not None, "nothing was published"
    assert world.reader.applied.vector == expected.applied.vector, "results do not reach the end"
    assert world.reader.applied.decided == expected.applied.decided, "totals differ"
    for name in expected.consultations():
        assert world.reader.figures(name) == expected.figures(name), f"results of {name} differ"


def _archive(world: World) -> None:
    """Seen with one row an offset, the archive holds every log from 0 to its end, byte for byte."""
    for name in ("votes", "decisions", "catalogue"):
        for log in world.logs[name]:
            rows = set(world.table.rows.get((f"simulated.{name}", log.partition), []))
            held = sorted(rows, key=lambda row: row[0])
            assert held == [(r.offset, r.value) for r in log.records], (
                f"the archive of {name} {log.partition} does not tile [0, {log.end})")
