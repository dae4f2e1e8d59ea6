"""A batch of recounts is what each what-if gives; hours and delays are those of the archive."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from schemas import codec
from schemas.codec import Undecodable
from sinks.recount.noticed import noticed
from sinks.recount.supposing import suppose
from sinks.recount.what_if import what_if
from sinks.recount.without_rules import EVERYTHING, batch, compared
from tests.sinks.ballots import CONSULTATION, Box, random_box
from tests.sinks.published import Archived, archived
from tests.sinks.stocking import log_of, open_store, stock
from tests.views import guarding


DAY_MS = 86_400_000


@pytest.fixture
def box() -> Box:
    """Fill a log that rose to rules 2, with suspensions by rules."""
    return random_box(81, 300, rises_at=60)


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str, box: Box) -> Archived:
    """Archive it."""
    return archived(clickhouse.url, topic_prefix, box)


def decoded(box: Box) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read all events that can be read."""
    for value in itertools.chain(*box.logs):
        with suppress(Undecodable):
            yield codec.decode(value)


def quiet(_progress: str) -> None:
    """Say nothing."""


def test_a_batch_has_what_each_what_if_gives(consultation: Archived) -> None:
    """Everything, and each rule that sets votes aside; nothing where a rule set none aside."""
    document = consultation.document
    found = batch(CONSULTATION, document, consultation.reading(), say=quiet, wait_seconds=0)
    rules = {name: cause for name, cause in {"crowd": "1", "spread": "2", "ring": "3"}.items()
             if document["totals"]["set_aside_by_rule"].get(cause)}

    assert rules
    for name, without in {EVERYTHING: ("unproven", "suspended"),
                          **{name: (cause,) for name, cause in rules.items()}}.items():
        supposed = suppose(as_of=None, without_rules=without, mapping_as_of=None, scores=None,
                           partitions=len(document["as_of"]["votes"]))
        assert supposed is not None
        made = what_if(CONSULTATION, document, supposed, consultation.reading(), say=quiet,
                       wait_seconds=0).document
        [told] = [each for each in found["suppositions"] if each["without"] == name]
        assert told == {"without": name, **compared(document, made)}
        assert told["totals"]["votes"] == made["totals"]["counted"]["votes"]
    assert found["suppositions"][0]["totals"]["votes"] > found["counted"]["votes"]


def test_hours_and_delays_are_those_of_the_archive(
    clickhouse: ClickHouse, topic_prefix: str, consultation: Archived, box: Box
) -> None:
    """Of the votes of who is named, on the finding's day; what no patrol wrote tells nothing."""
    cast = [fields for event, fields in decoded(box)
            if event == "VoteCast" and fields["consultation"] == CONSULTATION]
    day = cast[0]["occurred_at"] // DAY_MS
    names = sorted({fields["voter"] for fields in cast})
    own = [fields["occurred_at"] for fields in cast if fields["occurred_at"] // DAY_MS == day]
    found = guarding.finding(CONSULTATION, marks=[1], named=names, day=day)
    forged = guarding.finding(CONSULTATION, marks=[1], named=names[:1], day=day, ordinal=1)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    stock(store, log_of(consultation.topics, consultation.topics.patrol), 0, [
        guarding.judgement(7, forged), b"garbage",
        guarding.judgement(1, found, judged_at=min(own) + 90_000)])
    told = noticed(CONSULTATION, consultation.reading())
    counts = [sum(at % DAY_MS // 3_600_000 == hour for at in own) for hour in range(24)]

    assert told["judgement"] == 1
    assert told["hours"] == {found["finding"].hex(): [
        None if 0 < count < 10 else count for count in counts]}
    assert told["median_seconds_to_find"] == {"crowd": 90}
