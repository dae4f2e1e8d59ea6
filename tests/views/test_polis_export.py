"""A Polis set that was imported comes out again as it went in, but for the names of its voters."""

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from processors.ledger.ledger import Ledger
from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from producers import polis as polis_import
from producers.polis import PolisExport, read_export
from schemas import codec
from schemas.topics import partition_of
from scrutin.audit.ballots import Folder
from tests.e2e import polis
from views import polis_export
from views.open_data import Ballot, require_same_figures


PARTITIONS = 3


def counted(export: PolisExport) -> tuple[dict[str, Any], Catalogue, list[Ballot]]:
    """Import an export without a broker: its document, its catalogue, its live votes."""
    catalogue = Catalogue()
    for offset, (_, _, value) in enumerate(
            polis_import.catalogue_events(export, "set", polis_import.UNDETERMINED)):
        catalogue.apply(*codec.decode(value), offset)
    ledgers = [Ledger(partition, PARTITIONS) for partition in range(PARTITIONS)]
    folders = [Folder(ledger, "set") for ledger in ledgers]
    for ledger, folder in zip(ledgers, folders, strict=True):
        folder.fold(0, codec.encode(
            "RulesAdopted", event_id=bytes(16), ledger_version=1, partition=ledger.partition,
            partitions=PARTITIONS, salt=bytes(16), origin="import", occurred_at=0))
    for voter, (_, _, value) in polis_import.vote_events(export, "set"):
        partition = partition_of(voter, PARTITIONS)
        folders[partition].fold(ledgers[partition].last_offset + 1, value)
    return _document(ledgers, catalogue), catalogue, [
        ballot for folder in folders for ballot in folder.cells.values()]


def _document(ledgers: Sequence[Ledger], catalogue: Catalogue) -> dict[str, Any]:
    sums: dict[str, list[int]] = {}
    for ledger in ledgers:
        for (_, proposal), counts in ledger.tallies().items():
            before = sums.get(proposal, [0] * len(counts))
            sums[proposal] = results_document.pooled([counts, before])
    voters = [ledger.participation("set") for ledger in ledgers]
    figures = Figures(dict(sums), participants=sum(each.participants for each in voters))
    as_of = AsOf((0,) * PARTITIONS, catalogue.offset, -1)
    return results_document.document(results_document.compute(
        "set", figures, catalogue, as_of, decided={}, undecodable=0), catalogue)


def shape(export: PolisExport) -> list[list[tuple[int, str, int]]]:
    """Return every voter's votes in order, without the voter's name."""
    found: dict[str, list[tuple[int, str, int]]] = {}
    for vote in export.votes:
        found.setdefault(vote.voter, []).append((vote.timestamp, vote.comment, vote.choice))
    # Votes of one millisecond on several comments have no order of their own.
    return sorted(sorted(votes, key=lambda vote: vote[:2]) for votes in found.values())


@pytest.mark.parametrize("name", polis.SETS)
def test_a_set_exported_and_imported_again_is_identical(name: str, tmp_path: Path) -> None:
    """Every event with its time, every comment, every count: only voters have other numbers."""
    original = read_export(polis.DIRECTORY / name)
    document, catalogue, ballots = counted(original)
    require_same_figures(document, ballots)
    files = polis_export.files(
        document, catalogue.consultations["set"].proposals, ballots, random.Random(name).shuffle)
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    again = read_export(tmp_path)
    shown = [row["moderated"] for row in csv.DictReader(
        io.StringIO(files["comments.csv"].decode(), newline="")) if row["comment-body"]]

    assert shown.count("1") == len(shown) == len(original.comments) - len(original.hidden)
    assert files["comments.csv"].count(b",-1,\r\n") == len(original.hidden)
    assert (shape(again), again.hidden) == (shape(original), original.hidden)
    assert [(c.timestamp, c.comment, c.body) for c in again.comments] == [
        (c.timestamp, c.comment, c.body) for c in original.comments]
    assert counted(again)[0] == document
    assert {c.comment: c.claimed for c in again.comments} == {
        entry["id"]: (entry["counted"]["agree"], entry["counted"]["disagree"])
        for entry in document["proposals"]}


@pytest.mark.parametrize("name", polis.SETS)
def test_the_current_votes_of_a_set_are_those_that_were_cast(name: str, tmp_path: Path) -> None:
    """participants-votes.csv has each voter's vote in force, under other numbers."""
    document, catalogue, ballots = counted(read_export(polis.DIRECTORY / name))
    for file, content in polis_export.files(
            document, catalogue.consultations["set"].proposals, ballots,
            random.Random(name).shuffle).items():
        (tmp_path / file).write_bytes(content)
    cells = polis_import.read_current(tmp_path)

    assert cells is not None
    assert sorted((comment, choice) for (_, comment), choice in cells.items()) == sorted(
        (comment, ("agree", "disagree", "neutral").index(choice))
        for (_, comment), choice in polis.participants_votes(name).items())


def test_the_format_is_declared(tmp_path: Path) -> None:
    """format.json and the last row of summary.csv say which sign means what, as Polis does."""
    document, catalogue, ballots = counted(read_export(polis.DIRECTORY / "brexit-consensus"))
    files = polis_export.files(
        document, catalogue.consultations["set"].proposals, ballots, random.Random(1).shuffle)
    declared = json.loads(files["format.json"])

    assert declared["format"] == "polis-export/1"
    assert declared["vote"] == {"agree": 1, "disagree": -1, "pass": 0}
    assert files["summary.csv"].decode().splitlines()[-1] == (
        f"vote-convention,{declared['vote-convention']}")
