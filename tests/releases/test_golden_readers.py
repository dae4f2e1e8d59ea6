"""Every reader reads what release 0.1.0 wrote, and makes of it what that release made.

The ledger's part is in test_golden.py, that of bundles in test_verdicts.py; the bytes, and who made
them, in written.py.
"""

import hashlib
import json
import random
from typing import Any

import pyarrow as pa
import pytest

from deploy.local.services import ClickHouse
from processors.ledger.ledger import Ledger
from processors.results import wordings
from processors.results.ideas import Ideas
from processors.results.vectors import headers, vector_of
from schemas.topics import Topics
from sinks.columns.catalogue import catalogue_table
from sinks.columns.decisions import decisions_table
from sinks.columns.records import Records
from sinks.columns.votes import votes_table
from sinks.recount.checks import EQUAL
from sinks.recount.pure import decide_all
from sinks.store import connect
from tests.releases.written import LOGS, MANY, PARTITIONS, READ, flushes, listed
from tests.sinks.ballots import Box, Log
from tests.sinks.published import Archived, archived
from tests.sinks.stocking import log_of, open_store, stock
from views.documents import Documents
from views.flushes import Flushes


BEGAN_AT, ROWS = 1_647_900_000_000, 500
"""Time of the first record, and rows under one digest."""
CONSULTATIONS = ("jeunes", "forêts")
Record = tuple[bytes, bytes]
Publication = tuple[tuple[int, ...], list[Record]]
"""A vector, and what was published at it."""


def published() -> list[Publication]:
    """Fold catalogue, participants and tallies by turns, as 0.1.0 did; publish after each turn."""
    ideas, found = Ideas(PARTITIONS), []
    logged = listed("catalogue")
    for offset, value in enumerate(listed("participants")):
        ideas.apply_participants(value, offset)
    rounds = list(zip(*map(flushes, range(PARTITIONS)), strict=True))
    for number, flushed in enumerate(rounds):
        first, last = (len(logged) * place // len(rounds) for place in (number, number + 1))
        for offset in range(first, last):
            ideas.apply_catalogue(logged[offset], offset)
        for partition, records in enumerate(flushed):
            for key, value in records:
                ideas.apply_tallies(partition, key, value)
        vector = vector_of(headers(ideas.as_of()))
        found.append((vector, ideas.take(BEGAN_AT + number, ranked=number % 2 == 1)))
    return found


def test_ideas_publish_the_records_they_did() -> None:
    """Each publication, with rankings and without, is written again byte for byte."""
    made = [[[key.hex(), value.hex()] for key, value in records] for _, records in published()]

    assert len(made) == 6
    assert made == READ["results"]


@pytest.mark.parametrize("consultation", CONSULTATIONS)
def test_views_show_the_document_they_did(consultation: str) -> None:
    """Read from the records of 0.1.0: every name, number, interval and rank."""
    shown = Flushes()
    for offset, value in enumerate(listed("catalogue")):
        shown.receive_catalogue(offset, value)
    for (vector, _), records in zip(published(), READ["results"], strict=True):
        for key, value in records:
            shown.receive_result(bytes.fromhex(key), bytes.fromhex(value), vector)
    document = Documents(shown).whole_document(consultation)

    assert document is not None
    assert json.loads(json.dumps(wordings.without(document))) == READ["documents"][consultation]


def digests(table: pa.Table, names: list[str]) -> dict[str, list[str]]:
    """Digest columns, some rows at a time."""
    return {name: [hashlib.sha256(repr(values[at:at + ROWS]).encode()).hexdigest()[:16]
                   for at in range(0, len(values), ROWS)]
            for name in names for values in [table.column(name).to_pylist()]}


def stretch(topic: str, partition: int, values: Log) -> Records:
    """Make records of values, a millisecond apart."""
    return Records(f"golden.{topic}", partition, 0,
                   [BEGAN_AT + offset for offset in range(len(values))], values)


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_the_archive_s_columns_are_what_they_were(partition: int) -> None:
    """Every column that 0.1.0 had, of votes and decisions, of each row."""
    for topic, table, values in (
            ("votes", votes_table, [value for value, _ in LOGS[partition]]),
            ("decisions", decisions_table, [decision for _, decision in LOGS[partition]])):
        expected = READ["columns"][topic][partition]
        assert digests(table(stretch(topic, partition, list(values))), list(expected)) == expected


def test_the_archive_s_catalogue_is_what_it_was() -> None:
    """The fields of an event are those it was written with."""
    expected = READ["columns"]["catalogue"][0]
    table = catalogue_table(stretch("catalogue", 0, list(listed("catalogue"))))

    assert digests(table, list(expected)) == expected


@pytest.mark.parametrize("log", [*LOGS, MANY], ids=["0", "1", "many"])
def test_the_pure_recount_decides_what_was_decided(log: list[tuple[bytes | None, bytes]]) -> None:
    """Piece by piece, of archived votes."""
    partition = LOGS.index(log) if log in LOGS else 0
    ledger, made = Ledger(partition, PARTITIONS if log in LOGS else 1), []
    for first in range(0, len(log), 700):
        piece = log[first:first + 700]
        made += decide_all(
            ledger, range(first, first + len(piece)), [value for value, _ in piece])

    assert made == [decision for _, decision in log]


def stocked(url: str, prefix: str) -> tuple[Any, Topics]:
    """Put the golden logs into an archive."""
    topics = Topics(prefix, PARTITIONS)
    store = open_store(url, prefix, prefix)
    for partition, log in enumerate(LOGS):
        stock(store, log_of(topics, topics.votes), partition, [value for value, _ in log])
        stock(store, log_of(topics, topics.decisions), partition, [made for _, made in log])
    stock(store, log_of(topics, topics.catalogue), 0, list(listed("catalogue")))
    return connect(url, prefix), topics


@pytest.mark.parametrize("consultation", CONSULTATIONS)
def test_four_recounts_give_what_was_published(
    clickhouse: ClickHouse, topic_prefix: str, consultation: str
) -> None:
    """The document of 0.1.0 against its logs: live, pure, by SQL and as the sum of changes."""
    client, topics = stocked(clickhouse.url, topic_prefix)
    document = READ["documents"][consultation]
    people = list(listed("participants"))[:document["as_of"]["participants"] + 1]
    found = Archived(client, topics, document, people).audit(consultation, columns=True)

    assert [check.id for check in found.checks if check.status != EQUAL] == ["words.told"]
    assert found.verdict == EQUAL
    assert len(found.checks) > 50


def test_four_recounts_agree_on_a_voter_of_too_many_votes(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A voter past the bound is followed event by event; all four agree to the unit."""
    box = Box(1, random.Random(0))
    box.logs = [[value for value, _ in MANY]]
    found = archived(clickhouse.url, topic_prefix, box, decisions=[
        [decision for _, decision in MANY]]).audit()

    assert found.verdict == EQUAL
    assert {check.status for check in found.checks} == {EQUAL}
    assert found.voters_apart == 1
