"""What processes say of themselves: alive, ready, figures."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from deploy.local.ports import find_free
from schemas.figures import (
    ARCHIVE_MISSING,
    LEADS,
    LEDGER_NEXT,
    READY,
    RESULTS_NEXT,
    RESULTS_SET_ASIDE,
    read,
)
from scrutin.process.health import LIVE_SECONDS, HealthPortTaken, application, serve
from scrutin.process.pulse import Pulse
from scrutin.settings import Settings
from tests.harness import ROOT
from tests.waiting import WAIT_SECONDS


RECOVERED = {"durable": 41, "live_votes": 7, "recovered": True}
LEDGER = {"ready": False, "snapshots_failed": 2, "partitions": {
    "0": RECOVERED,
    "3": {"durable": -1, "live_votes": 0, "recovered": False}}}
IDEAS = {"ready": True, "leads": True, "published": [41, -1], "set_aside": {"catalogue": 2},
         "unendorsed": 3}
ARCHIVE = {"ready": False, "leads": True, "stopped": [], "duplicate_rows": 0, "missing_records": 2,
           "measured_at": 12.5, "positions": [
               {"topic": "t.votes", "partition": 0, "next_offset": 9, "rows": 7, "offsets": 7,
                "missing_records": 2}]}


def client(kind: str, status: dict[str, Any], pulse: Pulse | None = None) -> TestClient:
    answering = application(Settings(), kind, lambda: status, pulse or Pulse())
    return TestClient(answering, base_url="http://127.0.0.1:8080")


def test_a_taken_port_is_said_and_not_passed_over() -> None:
    """A worker that nobody could ask for its health does not run: the message says what to set."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(HealthPortTaken, match=f"127.0.0.1:{port}.*SCRUTIN_HEALTH_PORT"):
            serve(Settings(health_port=port), "ledger", dict)


async def test_a_loop_that_stands_still_is_not_alive() -> None:
    """/livez fails once the loop has not come round for LIVE_SECONDS, not before its first beat."""
    now = 0.0
    pulse = Pulse(lambda: now)
    asked = client("ideas", IDEAS, pulse)
    now = 10 * LIVE_SECONDS
    assert asked.get("/livez").status_code == 200
    beating = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0)
    now += LIVE_SECONDS
    assert asked.get("/livez").status_code == 200
    now += 1
    answer = asked.get("/livez")
    beating.cancel()

    assert answer.status_code == 503
    assert "stood still for 31 s" in answer.text


@pytest.mark.parametrize(("kind", "status", "why"), [
    ("ledger", LEDGER, "recovering partitions 3"),
    ("ledger", {**LEDGER, "partitions": {}}, "no partition was assigned yet"),
    ("ledger", {**LEDGER, "partitions": {"0": RECOVERED}}, "to write"),
    ("archive", ARCHIVE, "2 archived records are gone"),
    ("ideas", {**IDEAS, "ready": False}, "reading tallies"),
    ("notary", {"ready": False, "leads": True, "stopped": ["why"], "logs": [],
                "overdue": []}, "why"),
    ("ideas", {**IDEAS, "ready": False, "joined": False}, "asking who holds the lease"),
])
def test_who_is_not_ready_says_why(kind: str, status: dict[str, Any], why: str) -> None:
    """/readyz answers 503 with the reason, and the figure says the same."""
    asked = client(kind, status)
    answer = asked.get("/readyz")

    assert answer.status_code == 503
    assert why in answer.text
    assert read(asked.get("/metrics").text).one(READY.name) == 0


@pytest.mark.parametrize(("leads", "said"), [(True, "leading"), (False, "standing by")])
def test_who_is_one_of_several_says_whether_it_leads(leads: bool, said: str) -> None:  # noqa: FBT001 -- a column of the table
    """And tells no positions while it stands by: they would be told of the one that leads."""
    asked = client("archive", {**ARCHIVE, "ready": True, "leads": leads, "joined": True})
    figures = read(asked.get("/metrics").text)

    assert asked.get("/readyz").text == f"ready: {said}\n"
    assert figures.one(LEADS.name) == leads
    assert bool(figures.labelled(ARCHIVE_MISSING)) == leads


def test_figures_say_what_the_status_says() -> None:
    """Positions are next offsets, by partition."""
    assert read(client("ledger", LEDGER).get("/metrics").text).labelled(LEDGER_NEXT) == {
        ("0",): 42, ("3",): 0}
    assert read(client("ideas", IDEAS).get("/metrics").text).labelled(RESULTS_NEXT) == {
        ("0",): 42, ("1",): 0}
    assert read(client("ideas", IDEAS).get("/metrics").text).labelled(RESULTS_SET_ASIDE) == {
        ("catalogue",): 2}
    assert read(client("archive", ARCHIVE).get("/metrics").text).labelled(ARCHIVE_MISSING) == {
        ("t.votes", "0"): 2}


PATHS = ("/livez", "/readyz", "/status", "/metrics", "/elsewhere")


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:8080"}, {"Host": ""},
    {"Host": "localhost@evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
])
def test_a_web_page_is_told_nothing(headers: dict[str, str]) -> None:
    """Nor under its own name, where that leads to this machine: nothing of the state is said."""
    asked = client("archive", ARCHIVE)
    for path in PATHS:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            answer = asked.request(method, path, headers=headers)

            assert answer.status_code == (421 if "Host" in headers else 403)
            assert "missing" not in answer.text


def test_a_port_that_others_may_ask_answers_to_their_names() -> None:
    """Prometheus asks for the name of a container; a browser's page is refused there too."""
    settings = Settings(health_host="0.0.0.0")
    asked = TestClient(application(settings, "ideas", lambda: IDEAS, Pulse()),
                       base_url="http://ideas:8080")

    assert {asked.get(path).status_code for path in PATHS[:-1]} == {200}
    assert asked.get("/metrics", headers={"Origin": "http://ideas:8080"}).status_code == 403


SERVING = """
import sys, urllib.request
from scrutin.process import health
from scrutin.settings import Settings
health.serve(Settings(health_port=int(sys.argv[1])), "notary", lambda: {"ready": True})
with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=float(sys.argv[2])):
    print("uvloop" in sys.modules)
"""


def test_the_thread_that_answers_runs_on_python_s_own_loop(tmp_path: Path) -> None:
    """One of uvloop's that is woken when Python has ended ends the process by a signal."""
    done = subprocess.run(
        [sys.executable, "-c", SERVING, str(find_free(1)[0]), str(WAIT_SECONDS)], cwd=ROOT,
        env={**os.environ, "SCRUTIN_DATA_DIR": str(tmp_path)}, check=True, capture_output=True,
        text=True)

    assert done.stdout == "False\n"
