"""Votes by day, from the archive."""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.services import ClickHouse
from schemas import codec
from schemas.topics import Topics
from scrutin.settings import Settings
from scrutin.views.days import ASK_SECONDS, REST_FACTOR, UNSEEN_SECONDS, ask_archive, rest_after
from sinks.days import votes_by_day
from sinks.gauge import Block
from sinks.store import connect
from tests.sinks.ballots import CONSULTATION, OTHER, Box, random_box
from tests.sinks.published import archived
from tests.sinks.stocking import log_of, open_store, stock
from tests.views import campaign
from tests.waiting import until
from views.audience import Audience
from views.days import Days


def test_days_add_up_to_the_votes_received(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Of a ballot box full of oddities, the days hold every vote received and nothing else."""
    found = archived(clickhouse.url, topic_prefix, random_box(31, 300))
    days = votes_by_day(found.client, found.topics.votes, CONSULTATION, "Europe/Paris")
    assert sum(days.values()) == found.document["totals"]["received"]


@pytest.mark.parametrize("zone", ["Europe/Paris", "Asia/Kathmandu", "America/St_Johns"])
def test_what_is_kept_of_blocks_changes_no_day(
    clickhouse: ClickHouse, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Blocks counted once or again, a hole among them, a row behind them that is there twice."""
    monkeypatch.setattr("sinks.gauge.BLOCK_OFFSETS", 20)
    box = random_box(33, 10, partitions=3)
    for number in range(360):
        instant = datetime(2026, 3, 27, tzinfo=UTC) + timedelta(minutes=37 * number)
        box.put(number % 3, _vote(box, CONSULTATION if number % 5 else OTHER, instant.isoformat()))
    store, topics = open_store(clickhouse.url, topic_prefix, topic_prefix), Topics(topic_prefix, 3)
    for partition, log in enumerate(box.logs):
        stock(store, log_of(topics, topics.votes), partition, log)
    with connect(clickhouse.url, topic_prefix) as client:
        plain = votes_by_day(client, topics.votes, CONSULTATION, zone)
        for partition, first in ((0, 0), (0, 20), (0, 20), (0, 60), (1, 0)):
            store.count_days(topics.votes, partition, Block(first, first + 20))
        assert store.counted_blocks(topics.votes) == {(0, 0), (0, 20), (0, 60), (1, 0)}
        client.command("INSERT INTO votes_log SELECT * FROM votes_log WHERE offset = 100")
        client.command("ALTER TABLE votes_log DELETE WHERE partition = 1 AND offset < 20",
                       settings={"mutations_sync": 1})
        assert votes_by_day(client, topics.votes, CONSULTATION, zone) == plain
    assert len(plain) > 9


@pytest.fixture
def voted(clickhouse: ClickHouse, topic_prefix: str) -> Topics:
    """Archive three votes around a midnight in Paris, one of them of another consultation."""
    topics = Topics(topic_prefix, 1)
    box = random_box(32, 0, partitions=1)
    for name, text in ((CONSULTATION, "2022-03-22T23:59:59.999+01:00"),
                       (CONSULTATION, "2022-03-23T00:00:00+01:00"),
                       (OTHER, "2022-03-23T00:00:00+01:00")):
        box.put(0, _vote(box, name, text))
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    stock(store, log_of(topics, topics.votes), 0, box.logs[0])
    return topics


def _vote(box: Box, consultation: str, occurred_at: str) -> bytes:
    return codec.encode(
        "VoteCast", event_id=box.identifier(), voter=box.identifier(), salt=box.identifier(),
        choice="agree", trust="trusted", origin="web", consultation=consultation, proposal="p",
        occurred_at=int(datetime.fromisoformat(occurred_at).timestamp() * 1_000))


@pytest.mark.parametrize(("zone", "expected"), [
    ("Europe/Paris", {date(2022, 3, 22): 1, date(2022, 3, 23): 1}),
    ("UTC", {date(2022, 3, 22): 2}),
])
def test_a_day_is_one_of_the_time_zone(
    clickhouse: ClickHouse, voted: Topics, zone: str, expected: dict[date, int]
) -> None:
    """A millisecond before midnight is the day before, in the zone that is asked for."""
    client = connect(clickhouse.url, voted.prefix)
    assert votes_by_day(client, voted.votes, CONSULTATION, zone) == expected


async def test_pages_are_told_what_the_archive_holds(
    clickhouse: ClickHouse, voted: Topics, tmp_path: Path
) -> None:
    """Once results are there the archive is asked, for each described consultation, in its zone."""
    settings = Settings(data_dir=tmp_path, clickhouse_url=clickhouse.url,
                        clickhouse_database=voted.prefix, topic_prefix=voted.prefix)
    days, state = Days(), campaign.flushes(20)
    state.catalogue.consultations[CONSULTATION] = state.catalogue.consultations[
        campaign.CONSULTATION]
    asking = asyncio.create_task(ask_archive(settings, state, days, Audience()))
    await until(lambda: days.of(CONSULTATION) is not None)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    told = days.of(CONSULTATION)
    assert told is not None
    assert told.days == {date(2022, 3, 22): 1, date(2022, 3, 23): 1}


@pytest.mark.parametrize(("took_seconds", "seen", "rest_seconds"), [
    (0.01, True, ASK_SECONDS), (0.01, False, UNSEEN_SECONDS),
    (UNSEEN_SECONDS, True, REST_FACTOR * UNSEEN_SECONDS),
    (UNSEEN_SECONDS, False, REST_FACTOR * UNSEEN_SECONDS),
])
def test_where_nobody_looks_the_archive_is_asked_seldom(
    took_seconds: float, rest_seconds: float, *, seen: bool
) -> None:
    """And never more than a part of the time, whoever looks."""
    assert ASK_SECONDS < UNSEEN_SECONDS
    assert rest_after(took_seconds, seen=seen) == rest_seconds
