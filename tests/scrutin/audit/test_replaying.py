"""A replay writes what the ledger and the ideas worker wrote, and can be killed and taken up."""

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
from scrutin.audit.replaying import IntoTaken, Replayed, replay
from tests.e2e.running import read
from tests.sinks.ballots import CONSULTATION, decide, random_box
from tests.sinks.published import Archived, archived
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
