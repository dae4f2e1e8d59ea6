"""A bundle verified: events a second on one core, and the most memory it takes.

The bundle is written by the exporter, from votes made here and decided by the ledger; logs are kept
and signed as the notary does. `scrutin audit verify` then runs as whoever downloads it runs it.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.house import PARTITIONS, House
from benchmarks.ledger import Measured
from benchmarks.votes import BEGAN_AT, CONSULTATION, votes
from processors.ledger.ledger import Ledger
from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from schemas import codec
from schemas.genesis import first_rules_adopted
from schemas.topics import Topics
from sinks.ballots import consultation_of
from sinks.bundle.ballots import Row
from sinks.bundle.export import Export, Say, signed_result
from sinks.bundle.layout import AUDITOR, Record, read_records, write_record
from sinks.recount.summing import added, figures_of, summed
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.notes import Signer
from sinks.transparency.policy import POLICY, place_of, write_policy
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from sinks.transparency.results_notes import results_text
from views.encoding import encode_json


LARGE = 7_000_000
"""Votes of the largest campaign there was."""
ENTRIES = 65_536
"""Entries given to a log at once."""
PIECE_BYTES = 1 << 20
MEGABYTE = 1e6

TOPICS = Topics("benchmark", PARTITIONS)


async def verified(house: House, count: int) -> Measured:
    """Return rate and memory of a verification."""
    rate, megabytes = await asyncio.to_thread(_verified, house.folder / f"bundle-{count}", count)
    return {"verify_events_per_second": rate, "verify_peak_megabytes": megabytes}


async def verified_large(house: House, _count: int) -> Measured:
    """Return rate and memory at seven million votes."""
    rate, megabytes = await asyncio.to_thread(_verified, house.folder / "bundle-large", LARGE)
    return {"verify_events_per_second_at_7m": rate, "verify_peak_megabytes_at_7m": megabytes}


def _verified(folder: Path, count: int) -> tuple[float, float]:
    """Verify a bundle in a process of its own."""
    bundle = folder / "bundle.zip"
    if not bundle.exists():
        folder.mkdir(parents=True)
        Made(folder, count).export(bundle)
    began = time.perf_counter()
    with (folder / "verify.log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "-m", "scrutin", "audit", "verify", str(bundle),
             "--policy", str(folder / TOPICS.prefix / POLICY)],
            stdout=subprocess.PIPE, stderr=log, check=False, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError((folder / "verify.log").read_text("utf-8"))
    return count / seconds, int(done.stdout) * 1_024 / MEGABYTE


_RUN = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""Runs a program and prints the most memory it took. A small process asks, for the system counts
the pages of whoever starts a program as the program's until it begins."""


class Made:
    """A consultation made for a bundle: its records in files, its logs signed."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._signers = {
            place: Signer(f"benchmark/{place_of(TOPICS, *place)}", Ed25519PrivateKey.generate())
            for place in [*((TOPICS.votes, number) for number in range(PARTITIONS)),
                          (TOPICS.catalogue, 0)]}
        self._catalogue = [codec.encode(
            "ThemeDescribed", event_id=bytes(16), theme="theme", title={"fr": "Un thème"},
            consultation=CONSULTATION, origin="operator", occurred_at=BEGAN_AT)]

    def export(self, bundle: Path) -> None:
        """Write the bundle."""
        self._write_votes()
        figures, decided = [], []
        ends = []
        for partition in range(PARTITIONS):
            ledger = self._decide(partition)
            figures.append(figures_of(ledger, CONSULTATION))
            decided.append(ledger.decided_by_outcome())
            ends.append(ledger.last_offset)
            self._log((TOPICS.votes, partition), self.votes(partition))
        self._log((TOPICS.catalogue, 0), self.catalogue(0))
        self._publish(summed(figures), added(decided), ends)
        signer = self._signers[TOPICS.catalogue, 0]
        signed = signed_result(self._folder, TOPICS, CONSULTATION, signer)
        with bundle.open("wb") as file:
            Export(signed, self, TOPICS, signer, _quiet).write(file, AUDITOR)

    def _write_votes(self) -> None:
        with ExitStack() as stack:
            files = [stack.enter_context((self._folder / f"votes-{number}").open("wb"))
                     for number in range(PARTITIONS)]
            offsets = [0] * PARTITIONS
            for partition, file in enumerate(files):
                file.write(write_record(0, first_rules_adopted(TOPICS, partition, 0)))
            for partition, _, value in votes(self._count, PARTITIONS):
                offsets[partition] += 1
                files[partition].write(write_record(offsets[partition], value))

    def _decide(self, partition: int) -> Ledger:
        ledger = Ledger(partition, PARTITIONS)
        with (self._folder / f"decisions-{partition}").open("wb") as file:
            for offset, value in self.votes(partition):
                file.write(write_record(offset, ledger.decide(offset, value)))
        return ledger

    def _log(self, place: tuple[str, int], records: Iterable[Record]) -> None:
        keeper = Keeper(LogFolder(self._folder / place_of(TOPICS, *place)), self._signers[place])
        keeper.open()
        entries: list[bytes] = []
        of_votes = place[0] == TOPICS.votes
        for _, value in records:
            entries.append(entry_of(consultation_of(value) if of_votes else CONSULTATION, value))
            if len(entries) == ENTRIES:
                keeper.append(entries)
                entries = []
        keeper.append(entries)
        keeper.sign()

    def _publish(self, figures: Figures, decided: dict[str, int], ends: Sequence[int]) -> None:
        catalogue = Catalogue()
        catalogue.apply(*codec.decode(self._catalogue[0]), 0)
        found = results_document.compute(CONSULTATION, figures, catalogue, AsOf(tuple(ends), 0, -1),
                                decided=decided, undecodable=0)
        body = encode_json(results_document.document(found, catalogue))
        signer = self._signers[TOPICS.catalogue, 0]
        folder = self._folder / TOPICS.prefix
        ResultsFolder(folder / RESULTS).publish(
            CONSULTATION, signer.sign(results_text(body)), body)
        (folder / POLICY).write_text(write_policy(
            signer.verifier for signer in self._signers.values()))

    # What the exporter asks of the archive

    def wait(self, _catalogue: int, _say: Say) -> None:
        """Everything is here already."""

    def catalogue(self, last: int) -> list[Record]:
        """Return the catalogue."""
        return list(enumerate(self._catalogue[:last + 1]))

    def keys(self, _size: int) -> list[Record]:
        """No key is named."""
        return []

    def hidden_now(self) -> set[str]:
        return set()

    def known(self, _last: int) -> None:
        """Nothing is hidden."""

    def endings(self, _partition: int) -> list[Record]:
        """Nothing was closed."""
        return []

    def suspensions(self) -> int:
        """Nobody was suspended."""
        return 0

    def votes(self, partition: int) -> Iterator[Record]:
        """Return the votes of a partition."""
        return self._records(f"votes-{partition}")

    def decisions(self, partition: int) -> Iterator[Record]:
        """Return its decisions."""
        return self._records(f"decisions-{partition}")

    def ballots(self, _zone: str) -> list[tuple[str, list[Row]]]:
        """The auditor's bundle has no table."""
        return []

    def _records(self, name: str) -> Iterator[Record]:
        with (self._folder / name).open("rb") as file:
            yield from read_records(name, iter(lambda: file.read(PIECE_BYTES), b""))


def _quiet(_progress: str) -> None:
    pass
