"""What gateways counted at the door: summed from the archive, small counts withheld."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from schemas.topics import Topics
from sinks.door import door_counts
from sinks.store import connect
from tests.sinks.ballots import CONSULTATION, OTHER
from tests.sinks.stocking import open_store
from views.guard import door
from views.guard.door import Door


MINUTE_MS = 60_000
FIRST_AT = 1_653_199_980_000
LAST_AT = FIRST_AT + 86_400_000


def counted(event: int, minute: int, name: str = CONSULTATION, **other: Any) -> list[Any]:
    """Make the row of what a gateway writes once a minute, as the archive keeps it."""
    fields = {"minute": minute, "raised": 1, "asked": 30, "solved": 12, "waited": 9, "left": 0,
              "refusals": [], **other}
    return ["DoorCounted", event.to_bytes(16, "big"), name, json.dumps(fields)]


@pytest.fixture
def counts(clickhouse: ClickHouse, topic_prefix: str) -> dict[str, list[dict[str, Any]]]:
    """Archive what two gateways counted in two minutes of two days; one event came twice."""
    topics = Topics(topic_prefix, 1)
    twice = counted(1, FIRST_AT, refusals=[{"reason": "rate-limited", "count": 40}])
    open_store(clickhouse.url, topic_prefix, topic_prefix)
    client = connect(clickhouse.url, topic_prefix)
    rows = [twice, counted(2, FIRST_AT, refusals=[
        {"reason": "rate-limited", "count": 2}, {"reason": "proof-bad", "count": 3}]),
        twice, counted(3, LAST_AT), counted(4, LAST_AT, OTHER)]
    client.insert(
        "sequences_log", [[topics.sequences, 0, offset, *row] for offset, row in enumerate(rows)],
        column_names=["topic", "partition", "offset", "event", "event_id", "consultation",
                      "fields"])
    return door_counts(client, topics.sequences, CONSULTATION)


def test_gateways_are_summed_by_minute_and_by_day(
    counts: dict[str, list[dict[str, Any]]]
) -> None:
    """An event that came twice counts once; other consultations are others."""
    first = {"raised": 2, "asked": 60, "solved": 24, "waited": 18, "left": 0,
             "refusals": {"proof-bad": 3, "rate-limited": 42}}
    last = {"raised": 1, "asked": 30, "solved": 12, "waited": 9, "left": 0, "refusals": {}}

    assert counts["minutes"] == [{"begins": LAST_AT, **last}, {"begins": FIRST_AT, **first}]
    assert counts["days"] == [{"begins": at - at % 86_400_000, **row}
                              for at, row in ((LAST_AT, last), (FIRST_AT, first))]


def test_totals_are_whole_and_small_counts_of_a_minute_are_withheld(
    counts: dict[str, list[dict[str, Any]]]
) -> None:
    """Nobody sees who came in which minute."""
    told = Door()
    told.tell(CONSULTATION, counts, datetime(2022, 5, 23, tzinfo=UTC))
    known = told.of(CONSULTATION)
    assert known is not None
    found = door.document(CONSULTATION, known)

    assert found["totals"] == {"raised": 3, "asked": 90, "solved": 36, "waited": 27, "left": 0,
                               "refusals": {"proof-bad": 3, "rate-limited": 42}}
    assert [(row["solved"], row["waited"], row["left"]) for row in found["minutes"]] == [
        (12, None, 0), (24, 18, 0)]
    assert found["minutes"][1]["refusals"] == {"proof-bad": None, "rate-limited": 42}
    assert told.of(OTHER) is None
