"""What-if recounts give what the ledger makes of the supposed log, and name the changes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from schemas import codec
from schemas.codec import Undecodable
from sinks.recount.faults import ArchiveLacks, OtherVotesDecided
from sinks.recount.supposing import BadSupposition, Supposition
from sinks.recount.what_if import WhatIf, what_if
from sinks.recount.what_if_report import as_json, lines
from tests.sinks.ballots import CONSULTATION, Box, Log, decide, random_box
from tests.sinks.published import Archived, archived, catalogue_log, published
from tests.sinks.stocking import log_of, open_store, stock


def quiet(_progress: str) -> None:
    """Say nothing."""


def supposing(consultation: Archived, supposed: Supposition) -> WhatIf:
    """Recount under a supposition."""
    return what_if(CONSULTATION, consultation.document, supposed, consultation.reading(),
                   say=quiet, wait_seconds=0)


def document_of(logs: list[Log], catalogue: Log) -> dict[str, Any]:
    """Publish what the ledger makes of these logs."""
    box = Box(len(logs), random_box(0, 0).randomness)
    box.logs = logs
    return published(decide(box)[0], catalogue)


@pytest.fixture
def box() -> Box:
    """Fill a ballot box."""
    return random_box(31, 200)


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str, box: Box) -> Archived:
    """Archive it."""
    return archived(clickhouse.url, topic_prefix, box)


def test_a_vector_gives_the_document_of_the_shorter_logs(
    consultation: Archived, box: Box
) -> None:
    """`--as-of 0:40` is what was published then, in every number; the other partition stays."""
    found = supposing(consultation, Supposition(offsets=((0, 40),)))
    assert found.document == document_of([box.logs[0][:41], box.logs[1]], catalogue_log(box))
    assert found.exit_code == 1
    assert [place["offset"] for place in found.positions] == [40, len(box.logs[1]) - 1]


def test_an_instant_ends_each_partition_before_the_first_later_record(
    consultation: Archived, box: Box
) -> None:
    """The prefix ends there though earlier timestamps follow; in the consultation's time zone.

    Rules that were adopted later than that, before the first ballot, do not end it.
    """
    consultation.client.command(
        "ALTER TABLE votes_log UPDATE timestamp = toDateTime64("
        "if(offset IN (0, 50), 9000, offset), 3, 'UTC') WHERE 1 SETTINGS mutations_sync = 2")
    for instant in (datetime(1970, 1, 1, 0, 20, tzinfo=UTC), datetime(1970, 1, 1, 0, 20)):  # noqa: DTZ001 -- what a person types
        found = supposing(consultation, Supposition(until=instant))
        assert [place["offset"] for place in found.positions] == [49, 49]
    assert found.document == document_of([log[:50] for log in box.logs], catalogue_log(box))
    none = supposing(consultation, Supposition(until=datetime(1970, 1, 1, tzinfo=UTC)))
    assert [place["offset"] for place in none.positions] == [0, 0]
    assert any("No vote of it was received up to there" in line for line in lines(none))


def test_without_unproven_every_vote_reads_as_trusted(consultation: Archived, box: Box) -> None:
    """The numbers are those of the same events, each written again as trusted."""
    found = supposing(consultation, Supposition(without_rules=("unproven",)))
    assert found.document == document_of(
        [[_trusted(value) for value in log] for log in box.logs], catalogue_log(box))
    assert found.document["totals"]["set_aside"]["unproven"] == 0


def test_without_suspended_nobody_is_suspended(consultation: Archived) -> None:
    """No vote is set aside as suspended, none is lost, and every live vote is still shown."""
    found = supposing(consultation, Supposition(without_rules=("suspended",)))
    before, after = consultation.document["totals"], found.document["totals"]
    assert before["set_aside"]["suspended"] > after["set_aside"]["suspended"] == 0
    assert _live(before) == _live(after)
    assert after["suspended_voters"] == 0


def test_an_earlier_mapping_moves_ideas_and_no_vote(consultation: Archived) -> None:
    """Grouped as of catalogue offset 4, the idea has the counts of its one proposal."""
    found = supposing(consultation, Supposition(mapping_as_of=4))
    [idea] = found.document["ideas"]
    [proposal] = [entry for entry in found.document["proposals"] if entry["id"] == "p-0"]
    assert idea["counted"] == proposal["counted"]
    assert found.document["totals"] == consultation.document["totals"]
    assert {change.of for change in found.changes} == {"idea", "proposal"}


def test_nothing_supposed_changes_nothing(consultation: Archived) -> None:
    """The known scores and the published positions give the published document: exit code 0."""
    found = supposing(consultation, Supposition(scores="make-org/2022"))
    assert (found.changes, found.exit_code) == ([], 0)
    assert list(lines(found))[-1].startswith("EQUAL")


def test_scores_of_other_rules_are_refused(consultation: Archived) -> None:
    """Each version of the scores goes with its rules; nothing is computed that is not meant."""
    with pytest.raises(BadSupposition, match=r"which have make-org/2022\."):
        supposing(consultation, Supposition(scores="make-org/2022/2"))


@pytest.mark.parametrize("supposed", [
    Supposition(offsets=((1, 100_000),)), Supposition(mapping_as_of=6)])
def test_positions_the_archive_lacks_are_named(
    consultation: Archived, supposed: Supposition
) -> None:
    """Beyond the archive: exit code 3, and the first missing place."""
    with pytest.raises(ArchiveLacks, match=r"lacks \d+ of \d+ records, the first at offset"):
        supposing(consultation, supposed)


def test_a_grouping_that_is_archived_soon_is_waited_for(
    consultation: Archived, box: Box, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """`scrutin group` has said its offset a moment ago; the archive stores it half a minute later.
    """
    size, said = len(catalogue_log(box)), list[str]()
    late = catalogue_log(box, [("ProposalGrouped", {"proposal": "p-1", "idea": "autre"})])[6:7]

    def catch_up(line: str) -> None:
        if not said:
            stock(open_store(clickhouse.url, topic_prefix, topic_prefix),
                  log_of(consultation.topics, consultation.topics.catalogue), 0, late, first=size)
        said.append(line)

    found = what_if(CONSULTATION, consultation.document, Supposition(mapping_as_of=size),
                    consultation.reading(), say=catch_up)

    assert found.catalogue["mapping_offset"] == size
    assert said[0].startswith("waiting for the archive: ")


def test_a_changed_vote_ends_a_what_if(consultation: Archived) -> None:
    """Nothing is supposed of votes that are not those decided: exit code 4."""
    consultation.client.command(
        "ALTER TABLE votes_log UPDATE value = (SELECT any(value) FROM votes_log WHERE offset = 5)"
        " WHERE offset = 30 AND partition = 0 SETTINGS mutations_sync = 2")
    with pytest.raises(OtherVotesDecided, match="partition 0: the decision of offset"):
        supposing(consultation, Supposition(without_rules=("unproven",)))


def test_the_report_has_every_change_with_positions_and_hashes(consultation: Archived) -> None:
    """JSON holds both hashes, the chains and each change; text names the ideas that move."""
    found = supposing(consultation, Supposition(without_rules=("unproven", "suspended")))
    report = json.loads(json.dumps(as_json(found)))
    assert len(report["published"]["sha256"]) == len(report["recomputed"]["sha256"]) == 64
    assert report["published"]["sha256"] != report["recomputed"]["sha256"]
    assert [len(place["chain"]) for place in report["votes"]] == [32, 32]
    assert len(report["changes"]) == len(found.changes)
    text = "\n".join(lines(found))
    assert "idée" in text
    assert "no vote is set aside as unproven" in text


def _trusted(value: bytes | None) -> bytes | None:
    try:
        event, fields = codec.decode(value)
    except Undecodable:
        return value
    if value is None or len(value) > 4096 or "trust" not in fields:
        return value
    return codec.encode(event, **fields | {"trust": "trusted"})


def _live(totals: dict[str, Any]) -> int:
    live: int = totals["counted"]["votes"] + sum(totals["set_aside"].values())
    return live
