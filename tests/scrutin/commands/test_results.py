"""`scrutin results`: the document and the tables, read from the topics."""

import json
import os
import subprocess
import sys

import pytest

from deploy.local.services import Broker
from tests.views import campaign


SIZE = 60


def run(broker: Broker, prefix: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the topics of a prefix."""
    environment = {**os.environ, "SCRUTIN_KAFKA": broker.address, "SCRUTIN_TOPIC_PREFIX": prefix,
                   "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "scrutin", "results", *arguments], env=environment, timeout=120,
        capture_output=True, text=True, check=False)


@pytest.fixture
async def published(broker: Broker, topic_prefix: str) -> str:
    """Publish a small campaign; return the prefix of its topics."""
    await campaign.publish(broker.address, topic_prefix, SIZE)
    return topic_prefix


def test_the_document_is_printed_as_json(broker: Broker, published: str) -> None:
    """`--json` prints the one results document and nothing else on stdout."""
    ended = run(broker, published, campaign.CONSULTATION, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == campaign.document(SIZE)


def test_the_tables_show_shares_with_their_counts(broker: Broker, published: str) -> None:
    """For people: totals that add up, ideas, and the controversial proposals."""
    ended = run(broker, published, campaign.CONSULTATION)
    totals = campaign.document(SIZE)["totals"]
    assert ended.returncode == 0
    assert f"{totals['received']:,}" in ended.stdout
    assert "A universal wage from 18 to 25" in " ".join(ended.stdout.split())
    assert "40 % 986" in ended.stdout


def test_an_unknown_consultation_lists_the_known_ones(broker: Broker, published: str) -> None:
    """A mistyped identifier ends with status 3 and names what there is."""
    ended = run(broker, published, "nobody")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert campaign.CONSULTATION in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_topics_end_with_a_remedy(broker: Broker, topic_prefix: str) -> None:
    """Topics that are not there end with status 3 and the command that makes them."""
    ended = run(broker, topic_prefix, "nobody")
    assert ended.returncode == 3
    assert "scrutin provision" in ended.stderr
    assert "Traceback" not in ended.stderr
