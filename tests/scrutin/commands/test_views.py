"""`scrutin views`: the process, from its start to an orderly end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from deploy.local.services import Broker
from tests.views import campaign


SIZE = 60


@contextmanager
def running(
    broker: Broker, prefix: str, port: int = 0, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """Run the process; it is killed at the end if it still runs."""
    environment = {
        **os.environ, "SCRUTIN_KAFKA": broker.address, "SCRUTIN_TOPIC_PREFIX": prefix,
        "SCRUTIN_VIEWS_PORT": str(port), "SCRUTIN_LOG_FORMAT": "json", **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "scrutin", "views"], env=environment, text=True,
        stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, str]]:
    """Return the log lines as they come."""
    assert process.stderr is not None
    return (json.loads(line) for line in process.stderr if line.startswith("{"))


def test_it_serves_what_was_published_and_ends_in_order(
    broker: Broker, topic_prefix: str
) -> None:
    """From the topics to a page on a free port; by SIGTERM it is not ready, and answers on.

    A second one ends it with status 0, and who follows the figures is told to come again.
    """
    asyncio.run(campaign.publish(broker.address, topic_prefix, SIZE))
    with running(broker, topic_prefix, SCRUTIN_DRAIN_SECONDS="300") as process:
        said = lines(process)
        url = next(line for line in said if line["event"] == "views ready")["url"]
        address = f"{url}/v1/consultations/{campaign.CONSULTATION}"
        with urllib.request.urlopen(f"{address}/live", timeout=30) as stream:
            began = stream.readline()
            process.send_signal(signal.SIGTERM)
            assert any("not ready any more" in line["event"] for line in said)
            with pytest.raises(urllib.error.HTTPError, match="503"):
                urllib.request.urlopen(f"{url}/readyz", timeout=30)
            # urllib would close its connection, as proxies do, and be refused as one.
            assert "\nscrutin_ready 0" in httpx2.get(f"{url}/metrics", timeout=30).text
            with urllib.request.urlopen(f"{address}/results", timeout=30) as answer:
                assert json.load(answer) == campaign.document(SIZE)
            process.send_signal(signal.SIGTERM)
            assert [line[:7] for line in (began, *stream) if b"retry" in line] == [b"retry: "] * 2
        assert process.wait(30) == 0


def test_a_port_that_is_taken_is_named(broker: Broker, topic_prefix: str) -> None:
    """A taken port ends the process with status 3 and the setting to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with running(broker, topic_prefix, taken.getsockname()[1]) as process:
            reasons = [line["reason"] for line in lines(process) if line["event"] == "views ended"]
            assert process.wait(30) == 3
    assert len(reasons) == 1
    assert "SCRUTIN_VIEWS_PORT" in reasons[0]


def test_missing_topics_end_it(broker: Broker, topic_prefix: str) -> None:
    """Without its topics the process ends with status 3 and says which are missing."""
    with running(broker, topic_prefix) as process:
        reasons = [line["reason"] for line in lines(process) if line["event"] == "views ended"]
        assert process.wait(30) == 3
    assert f"{topic_prefix}.results" in reasons[0]
