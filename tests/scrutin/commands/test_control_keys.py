"""The commands by which people make, name, use and list the keys that sign controls."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import Broker
from producers import operations
from producers.consultation_file import ConsultationFile
from producers.errors import InvalidInput
from producers.signing import own_keys
from schemas.topics import Topics
from tests.producers.test_key_adoption import DESCRIPTION, VOTER


NOW = 1_650_000_000_000


class Operator:
    """Somebody at a terminal, with a folder of their own."""

    def __init__(self, broker: Broker, prefix: str, folder: Path) -> None:
        self.folder, self.broker = folder, broker
        self.topics = Topics(prefix, 2)
        self._environment = {
            **os.environ, "SCRUTIN_KAFKA": broker.address, "SCRUTIN_TOPIC_PREFIX": prefix,
            "SCRUTIN_PARTITIONS": "2", "SCRUTIN_DATA_DIR": str(folder), "COLUMNS": "200"}

    async def runs(self, *words: str) -> tuple[int, Any, str]:
        """Run a command; its status, what it printed as JSON, and what it said."""
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "scrutin", *words], env=self._environment,
            capture_output=True, text=True, timeout=120, check=False)
        printed = json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout
        return done.returncode, printed, done.stderr


async def test_a_key_is_made_for_its_owner_alone_and_never_replaced(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Another needs a name of its own; what is no name or no role is refused."""
    operator = Operator(broker, topic_prefix, tmp_path)
    _, made, _ = await operator.runs("keys", "make", "operator")
    again, _, said = await operator.runs("keys", "make", "operator")
    statuses = [(await operator.runs("keys", "make", *words))[0] for words in (
        ("operator", "--name", "ada"), ("operator", "--name", "../x"), ("king",))]

    assert stat.S_IMODE(os.stat(made["file"]).st_mode) == 0o600  # noqa: PTH116 -- blocks nobody
    assert made["key"] == f"operator:{made['public']}"
    assert (again, "not replaced" in said) == (2, True)
    assert statuses == [0, 2, 2]


async def test_a_new_log_begins_with_the_keys_that_lie_here_and_whoever_has_none_signs_nothing(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Made, named at the begin, listed, used; from another folder the answer names who may."""
    here, elsewhere = (Operator(broker, topic_prefix, tmp_path / name) for name in ("a", "b"))
    status, _, _ = await here.runs("provision", "--make-keys")
    log = operations.Log(broker.address, here.topics)
    await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    listed, seen = [(await each.runs("keys", "in-force", "--json"))[1] for each in (
        here, elsewhere)]
    done, suspended, _ = await here.runs("suspend", VOTER, "--reason", "why")
    refused, _, said = await elsewhere.runs("suspend", VOTER[:-1] + "b", "--reason", "why")

    assert (status, done, refused) == (0, 0, 2)
    assert [key["role"] for key in listed["keys"]] == ["operator", "guard", "clerk"]
    assert all(key["file"] for key in listed["keys"])
    assert not any(key["file"] for key in seen["keys"])
    assert suspended["findings"][0].startswith("0:")
    assert listed["keys"][0]["id"] in said


async def test_keys_that_cannot_be_adopted_are_refused_with_the_reason(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Nothing is written: no role, no key, nobody who could change them, one anybody has."""
    operator = Operator(broker, topic_prefix, tmp_path)
    status, _, warned = await operator.runs("provision")
    unsigned, _, _ = await operator.runs("keys", "in-force")
    wrong = {
        f"king:{'ab' * 32}": "begins with no role", "operator:12": "64 hexadecimal digits",
        f"clerk:{'ab' * 32}": "no operator's key", f"operator:01{'00' * 31}": "anybody can sign"}
    answers = {key: await operator.runs("keys", "adopt", key) for key in wrong}

    assert (status, unsigned) == (0, 1)
    assert "not signed" in warned
    for key, reason in wrong.items():
        assert answers[key][0] == 2
        assert reason in answers[key][2]


async def test_keys_that_endorse_are_named_once_and_by_an_operator_alone(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """From then on who has none of them describes nothing, and is told which may."""
    here, elsewhere = (Operator(broker, topic_prefix, tmp_path / name) for name in ("a", "b"))
    await here.runs("provision", "--make-keys")
    _, made, _ = await elsewhere.runs("keys", "make", "clerk")
    refused, _, _ = await elsewhere.runs("keys", "endorse", made["key"])
    before = (await here.runs("keys", "in-force", "--json"))[1]["endorsing"]
    named = [await here.runs("keys", "endorse", *keys) for keys in (
        ["king:12"], [], [made["key"]], [made["key"]])]
    log = operations.Log(broker.address, here.topics)
    with pytest.raises(InvalidInput, match="takes ConsultationDescribed only with an endorsement"):
        await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    moderator = operations.Log(
        broker.address, here.topics, own_keys=own_keys(Path(made["file"]).parent))
    written = [await operations.apply(moderator, ConsultationFile.model_validate(
        DESCRIPTION), now=NOW) for _ in range(2)]

    assert (refused, before) == (2, None)
    assert [(status, answer and answer["named"]) for status, answer, _ in named] == [
        (2, ""), (0, 1), (0, 2), (0, 0)]
    assert (await here.runs("keys", "in-force", "--json"))[1]["endorsing"] == [made["public"]]
    assert [bool(each) for each in written] == [True, False], "what was written counts"
