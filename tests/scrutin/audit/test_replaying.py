"""A replay writes what the ledger and the ideas worker wrote, and can be killed and taken up."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.services import Broker, ClickHouse
from processors.workers import provisioning
from schemas.topics import Topics
from scrutin.audit.beginning import Missing
from scrutin.audit.replaying import IntoTaken, Replayed, replay
from sinks.recount.checks import EXIT_CODES
from sinks.recount.people import PEOPLE
from tests.e2e.running import read
from tests.sinks.ballots import CONSULTATION, Log, decide, random_box
from tests.sinks.people import participants_log
from tests.sinks.published import Archived, archived, folded
from tests.sinks.topics import append


SECONDS = 60
EVENTS = 400


@dataclass
class Stage:
    """An archived consultation and a broker to replay it on."""

    consultation: Archived
    decisions: list[list[bytes]]
    kafka: str
    environment: dict[str, str]

    async def replay(self, into: str) -> Replayed:
        """Replay it."""
        return await replay(
            CONSULTATION, self.consultation.document, self.consultation.reading(), self.kafka,
            self.into(into), replication=1, say=lambda _progress: None)

    def into(self, prefix: str) -> Topics:
        """Name the topics of a replay."""
        return Topics(prefix, self.consultation.topics.partitions)

    async def create(self, prefix: str) -> Topics:
        """Create the topics of a replay that was ended before it wrote."""
        into = self.into(prefix)
        names = (into.decisions, into.tallies, into.results, into.catalogue)
        await provisioning.create(
            self.kafka, [one for one in into.specifications() if one.name in names],
            replication=1)
        return into


@pytest.fixture
def stage(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> Stage:
    """Archive a consultation."""
    box = random_box(41, EVENTS)
    consultation = archived(clickhouse.url, topic_prefix, box)
    (tmp_path / "document.json").write_text(json.dumps(consultation.document), "utf-8")
    return Stage(consultation, decide(box)[1], broker.address, {
        **os.environ, "SCRUTIN_KAFKA": broker.address, "SCRUTIN_CLICKHOUSE_URL": clickhouse.url,
        "SCRUTIN_CLICKHOUSE_DATABASE": topic_prefix, "SCRUTIN_TOPIC_PREFIX": topic_prefix,
        "SCRUTIN_PARTITIONS": "2", "SCRUTIN_DATA_DIR": str(tmp_path)})


async def test_a_replay_is_what_was_published_and_is_not_repeated(
    stage: Stage, topic_prefix: str
) -> None:
    """Decisions byte for byte, results to the unit; a second one into the same topics refuses."""
    found = await stage.replay(f"{topic_prefix}-again")
    assert [one for one in found.checks if one.status != "equal"] == []
    assert await read(stage.kafka, found.into.decisions, 2) == stage.decisions
    with pytest.raises(IntoTaken, match="finished replay"):
        await stage.replay(f"{topic_prefix}-again")


async def test_a_replay_goes_on_behind_what_an_ended_one_left(
    stage: Stage, topic_prefix: str
) -> None:
    """Whatever prefix of the decisions lies there is kept, and nothing is written twice."""
    into = await stage.create(f"{topic_prefix}-part")
    await append(stage.kafka, into.decisions, [list(stage.decisions[0]), []])
    found = await stage.replay(into.prefix)
    assert found.verdict == "equal"
    assert found.resumed == [len(stage.decisions[0]), 0]
    assert await read(stage.kafka, into.decisions, 2) == stage.decisions


async def test_other_records_are_found_and_other_generations_refused(
    stage: Stage, topic_prefix: str
) -> None:
    """A prefix that is not this replay's makes it differ; a generation with votes is no place."""
    into = await stage.create(f"{topic_prefix}-other")
    await append(stage.kafka, into.decisions, [[stage.decisions[1][0]], []])
    found = await stage.replay(into.prefix)
    assert {one.id for one in found.checks if one.status != "equal"} == {"decisions.topic"}
    generation = Topics(f"{topic_prefix}-live", 2)
    await provisioning.create(stage.kafka, generation.specifications(), replication=1)
    with pytest.raises(IntoTaken, match="generation of its own"):
        await stage.replay(generation.prefix)


async def people_told(stage: Stage, log: Log, *, later: Log) -> None:
    """Publish a participants' log, which has gone on since."""
    topics, document = stage.consultation.topics, stage.consultation.document
    told = folded(log).published(closed=document["state"] != "open").fields()
    document["as_of"]["participants"] = len(log) - 1
    document["participation"] |= told
    document["participation"]["not_stated"] = max(
        document["participation"]["base"] - told["descriptions"], 0)
    await provisioning.create(stage.kafka, [
        one for one in topics.specifications() if one.name == topics.participants], replication=1)
    await append(stage.kafka, topics.participants, [[*log, *later]])


async def test_a_replay_folds_the_participants_log(stage: Stage, topic_prefix: str) -> None:
    """Descriptions are rebuilt up to the published record; a woman more is exit code 1."""
    await people_told(stage, participants_log(7, 95), later=participants_log(8, 60))
    honest = await stage.replay(f"{topic_prefix}-honest")
    stage.consultation.document["participation"]["gender"][0]["count"] += 1
    forged = await stage.replay(f"{topic_prefix}-forged")

    assert [one for one in honest.checks if one.status != "equal"] == []
    assert PEOPLE in {one.id for one in honest.checks}
    assert {one.id for one in forged.checks if one.status == "different"} == {
        PEOPLE, "results.document"}
    assert EXIT_CODES[forged.verdict] == 1


async def test_a_participants_log_that_is_away_is_said_and_one_that_is_cut_refused(
    stage: Stage, topic_prefix: str
) -> None:
    """No topic: taken over, in words. One that ends before what was published: exit code 3."""
    stage.consultation.document["as_of"]["participants"] = 4
    found = await stage.replay(f"{topic_prefix}-away")
    [said] = [one for one in found.checks if one.status != "equal"]
    await people_told(stage, participants_log(7, 95), later=[])
    stage.consultation.document["as_of"]["participants"] += 1

    assert (said.id, said.status, found.verdict) == (PEOPLE, "not compared", "equal")
    assert "taken over from the published document" in said.actual
    assert "no such topic" in said.actual
    with pytest.raises(Missing, match="holds the participants' log up to offset"):
        await stage.replay(f"{topic_prefix}-cut")


def test_a_recount_by_command_finds_a_woman_too_many(stage: Stage, tmp_path: Path) -> None:
    """It reads the participants' log itself: status 1, and the cell is named."""
    asyncio.run(people_told(stage, participants_log(7, 95), later=participants_log(8, 60)))
    stage.consultation.document["participation"]["gender"][0]["count"] += 1
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(stage.consultation.document), "utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "scrutin", "audit", "recount", CONSULTATION, "--document",
         str(forged)], env=stage.environment, capture_output=True, text=True, timeout=SECONDS,
        check=False)

    assert found.returncode == 1, found.stdout + found.stderr
    assert "gender[0].count" in found.stdout


def test_a_killed_replay_is_finished_by_the_next(stage: Stage, tmp_path: Path) -> None:
    """SIGKILL after a partition was decided; the same command then ends with status 0."""
    into = f"{stage.consultation.topics.prefix}-killed"
    command = [sys.executable, "-m", "scrutin", "replay", CONSULTATION, "--into", into, "--json",
               "--document", str(tmp_path / "document.json")]
    with subprocess.Popen(
        command, env=stage.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    ) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if line.startswith("pure: partition 0"):
                break
        first.send_signal(signal.SIGKILL)
    assert first.returncode == -signal.SIGKILL
    second = subprocess.run(
        command, env=stage.environment, capture_output=True, text=True, timeout=SECONDS,
        check=False)
    assert second.returncode == 0, second.stdout + second.stderr
    report = json.loads(second.stdout)
    assert report["verdict"] == "equal"
    assert report["resumed"][0] == len(stage.decisions[0])
