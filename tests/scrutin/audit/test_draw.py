"""What a drawn vote costs is measured again from the archive, at the positions it was measured at.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from producers.gateway import draw_costs
from schemas import codec
from schemas.registry import newest
from schemas.topics import Topics
from schemas.words import CHOICES
from scrutin.audit.beginning import Missing
from scrutin.audit.draw import measured_again
from scrutin.commands.audit_draw import read_measurement
from scrutin.process.foreign_files import NotOfItsKind
from sinks.store import connect
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, Box, Log, decide
from tests.sinks.published import Archived, published
from tests.sinks.stocking import log_of, open_store, stock


PROPOSALS = [f"p-{number:02}" for number in range(25)]
VOTES, EARLIER = 400, 250
"""Votes of each partition, and those of them that the measurement holds."""


def catalogue() -> Log:
    """Describe proposals, of which one author wrote four."""
    author = {"name": "Ada", "kind": "citizen", "age_band": None}
    return [codec.encode(
        "ProposalAccepted", event_id=number.to_bytes(16, "big"), consultation=CONSULTATION,
        origin="operator", occurred_at=BEGAN_AT, proposal=name, text={"fr": name},
        author=author if number < 4 else None) for number, name in enumerate(PROPOSALS)]


@pytest.fixture(scope="module")
def box() -> Box:
    """Fill a ballot box under rules 2: votes by every route, on some proposals many more."""
    made = Box(2, random.Random(3), begins_with_keys=True)
    chance = made.randomness
    for partition in range(made.partitions):
        for _ in range(VOTES):
            made.put(partition, codec.encode_as(
                newest("VoteCast"), event_id=made.identifier(), voter=made.voter_in(partition),
                salt=made.identifier(), consultation=CONSULTATION, origin="web",
                proposal=chance.choice(PROPOSALS[:chance.choice((3, 12, 25))]), trust="trusted",
                choice=chance.choice(CHOICES), shown=chance.choice(("served", "served", "asked")),
                occurred_at=BEGAN_AT))
    return made


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str, box: Box) -> Archived:
    """Archive it."""
    topics = Topics(topic_prefix, box.partitions)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    ledgers, decided = decide(box)
    for partition in range(box.partitions):
        stock(store, log_of(topics, topics.votes), partition, box.logs[partition])
        stock(store, log_of(topics, topics.decisions), partition, [*decided[partition]])
    stock(store, log_of(topics, topics.catalogue), 0, catalogue())
    return Archived(
        connect(clickhouse.url, topic_prefix), topics, published(ledgers, catalogue()))


def earlier(box: Box) -> dict[str, Any]:
    """Measure the draw on what was published when fewer votes were there."""
    shorter = Box(2, random.Random(0))
    shorter.logs = [log[:EARLIER] for log in box.logs]
    told: dict[str, Any] = json.loads(json.dumps(draw_costs.measured(
        published(decide(shorter)[0], catalogue()), blind=False)))
    return told


def test_an_earlier_measurement_is_made_again_to_the_digit(
    consultation: Archived, box: Box
) -> None:
    """From the votes up to its positions alone: those since would give another."""
    told = earlier(box)
    again = measured_again(told, consultation.document, consultation.reading(), wait_seconds=0)
    now = draw_costs.measured(consultation.document, blind=False)

    assert again == told
    assert told["as_of"]["votes"] == [EARLIER - 1] * 2
    assert now["costs"] != told["costs"]


def test_a_measurement_that_says_something_else_is_found(
    consultation: Archived, box: Box
) -> None:
    """A price that flatters the draw is not what the votes give."""
    told = earlier(box)
    told["costs"]["median"]["sequences"] *= 10

    assert measured_again(
        told, consultation.document, consultation.reading(), wait_seconds=0) != told


@pytest.mark.parametrize("held", [
    b"", b"[]", b"{}", b'{"format": "scrutin-draw/1", "consultation": "jeunes", "as_of": 1}',
    b'{"format": "scrutin-draw/1", "consultation": "x", "as_of": {"votes": [], "catalogue": 0}}',
    b'{"format": "new", "consultation": "jeunes", "as_of": {"votes": [1], "catalogue": 0}}',
    b"\xff"])
def test_what_is_no_measurement_is_refused(tmp_path: Path, held: bytes) -> None:
    """With a sentence that says where to have one."""
    path = tmp_path / "draw.json"
    path.write_bytes(held)

    with pytest.raises(NotOfItsKind, match="is no measurement"):
        read_measurement(path, CONSULTATION)


def test_a_measurement_that_is_not_there_is_missed(tmp_path: Path) -> None:
    """A mistyped name ends like any other that is missing."""
    with pytest.raises(Missing, match="cannot be read"):
        read_measurement(tmp_path / "nothing", CONSULTATION)
