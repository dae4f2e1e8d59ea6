"""Random logs full of redeliveries, controls and closings, and one number that is off by one."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.decisions import decode, encode
from processors.results import results_document, routes
from schemas.words import OUTCOMES
from sinks.recount.audit import Audit
from tests.sinks.ballots import Box, decide, random_box
from tests.sinks.published import Archived, archived


LIES = 6
"""Numbers of each log that are changed, drawn from all that are published."""
SEEDS = range(80, 82)
Path = tuple[str | int, ...]


def box_of(seed: int) -> Box:
    """Fill a log in which much comes again; half of them rise to rules 2."""
    return random_box(
        seed, 300, voters=3, proposals=3, forgets=True, rises_at=100 if seed % 2 else None)


def failed(found: Audit) -> set[str]:
    """Name the checks that are not equal."""
    return {check.id for check in found.checks if check.status != "equal"}


def numbers(place: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where whole numbers stand."""
    steps: Any = place.items() if isinstance(place, dict) else (
        enumerate(place) if isinstance(place, list) else ())
    for step, value in steps:
        yield from numbers(value, (*path, step))
    if isinstance(place, int) and not isinstance(place, bool):
        yield path


def off_by_one(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Copy a document in which one number is larger by one."""
    found = copy.deepcopy(document)
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] += 1
    return found


def counted(document: dict[str, Any]) -> list[dict[str, int]]:
    """Return every count of proposals and ideas by its name."""
    return [results_document.flat(entry) | routes.flat(entry)
            for kind in ("proposals", "ideas") for entry in document[kind]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_published_number_off_by_one_is_found_by_all_who_count_it(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """Whatever came again: nothing excuses a difference, in SQL neither."""
    honest = archived(clickhouse.url, topic_prefix, box_of(seed))
    paths = [path for kind in ("totals", "proposals", "ideas")
             for path in numbers(honest.document[kind], (kind,))]
    audited = honest.audit()

    assert (failed(audited), audited.voters_apart > 1) == (set(), True)
    for path in random.Random(seed).sample(paths, LIES):
        forged = off_by_one(honest.document, path)
        found = Archived(honest.client, honest.topics, forged).audit()
        methods = {name.partition(".")[0] for name in failed(found)}
        assert "pure" in methods, path
        if counted(forged) != counted(honest.document):
            assert methods == {"pure", "sql", "changes"}, path


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_of_another_choice_is_found(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """One decided vote counts for another choice: its bytes differ, and so does the sum."""
    box = box_of(seed)
    _, decisions = decide(box)
    places = [(partition, offset) for partition, log in enumerate(decisions)
              for offset, value in enumerate(log)
              if OUTCOMES[decode(value).outcome] == "counted"]
    partition, offset = random.Random(seed).choice(places)
    decision = decode(decisions[partition][offset])
    [change] = decision.changes
    decisions[partition][offset] = encode(
        decision._replace(changes=(change._replace(after=other(change.after)),)))
    found = archived(clickhouse.url, topic_prefix, box, decisions=decisions).audit()

    assert found.verdict == "different"
    assert "decisions.bytes" in failed(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_archived_choice_off_by_one_is_found(
    clickhouse: ClickHouse, topic_prefix: str, seed: int
) -> None:
    """A decoded column of a vote that counts: SQL sees it, and the column is named."""
    found = archived(clickhouse.url, topic_prefix, box_of(seed))
    rows = found.client.query(
        "SELECT partition, source_offset FROM decisions WHERE outcome = 'counted'"
        " AND consultation = 'jeunes' ORDER BY partition, source_offset").result_rows
    partition, offset = random.Random(seed).choice(list(rows))
    found.client.command(
        "ALTER TABLE votes_log UPDATE choice = if(choice = 'agree', 'disagree', 'agree')"
        f" WHERE partition = {partition} AND offset = {offset} SETTINGS mutations_sync = 2")

    assert found.audit(columns=True).verdict == "invalid"


def other(kept: int) -> int:
    """Return a standing of another choice."""
    return kept ^ 3 if kept & 3 != 3 else kept ^ 1
