"""No process says a secret that it was told, whatever goes wrong."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest
from pydantic import ValidationError

from schemas.figures import INFO
from schemas.topics import Topics
from scrutin.main import PROCESSES
from scrutin.refused_settings import refusals
from scrutin.settings import Settings, is_shown, load
from tests.e2e.running import scrutin
from tests.harness import ROOT, Stack, Worker
from tests.waiting import until_found


NOWHERE = "127.0.0.1:1"
"""Nobody listens there."""
TOLD = {
    "clickhouse_url": f"http://archive:planted%2Dhouse@{NOWHERE}",
    "operations_token": "planted-token-of-operators", "kafka_password": "planted-kafka",
    "rates_url": f"redis://:planted-rates@{NOWHERE}/0",
}
"""Every setting that is not shown, each with a secret that begins alike."""
HIDDEN = ("planted", "planted%2D", unquote("planted%2D"))
UNREACHABLE = {
    "SCRUTIN_KAFKA": NOWHERE, "SCRUTIN_KAFKA_PROTOCOL": "SASL_PLAINTEXT",
    "SCRUTIN_KAFKA_USERNAME": "somebody", "SCRUTIN_GATEWAY_COUNT": "2",
    "SCRUTIN_LOG_LEVEL": "debug"}
REFUSED = {
    "clickhouse_url": "http://archive:planted#house@host", "operations_token": "planted token",
    "kafka_password": "planted\nkafka", "rates_url": "planted://rates"}
"""The same as settings that cannot be taken, or lead nowhere."""


def told(values: dict[str, str]) -> dict[str, str]:
    return {f"SCRUTIN_{name.upper()}": value for name, value in values.items()}


def test_every_secret_is_planted() -> None:
    """A new setting with a secret in it is walked here too."""
    hidden = {name for name in Settings.model_fields if not is_shown(name)}

    assert set(TOLD) == set(REFUSED) == hidden
    assert all("planted" in value for value in (*TOLD.values(), *REFUSED.values()))


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Stack]:
    """Name a stack whose broker and ClickHouse are away."""
    found = Stack(NOWHERE, Topics("lost", 2), tmp_path)
    yield found
    found.stop()


async def test_whoever_is_away_no_process_says_what_it_was_told(lost: Stack) -> None:
    """Neither its log, to the last debug line, nor /status and /metrics while it tries."""
    ports = {name: lost.ports.find() for name in PROCESSES}
    workers = {name: lost.started(name, **{
        **UNREACHABLE, **told(TOLD), f"SCRUTIN_{name.upper()}_PORT": str(port),
        "SCRUTIN_HEALTH_PORT": str(port)}) for name, port in ports.items()}
    await asyncio.gather(*(worker.says("onnect") for worker in workers.values()))
    await until_found(lambda: answers(ports["gateway"]))
    seen = await asyncio.gather(*(looked_at(port) for port in ports.values()))
    said = [ended(worker) for worker in workers.values()]

    assert [each for each in (*said, *seen) if any(word in each for word in HIDDEN)] == []
    assert any(INFO.name in each for each in seen), "somebody was asked"


async def looked_at(port: int) -> str:
    """Return what a process says of itself, where it answers by now."""
    found = []
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={
            "Authorization": f"Bearer {TOLD['operations_token']}"}) as client:
        for path in ("/status", "/metrics", "/readyz"):
            try:
                found.append((await client.get(path)).text)
            except httpx2.TransportError:
                continue
    return "\n".join(found)


async def answers(port: int) -> bool:
    return INFO.name in await looked_at(port)


def ended(worker: Worker) -> str:
    """End a process as a platform does, at once where that takes long; return all it said."""
    worker.send(signal.SIGTERM)
    try:
        worker.wait()
    except subprocess.TimeoutExpired:
        worker.kill()
    return worker.log()


@pytest.mark.parametrize("values", [TOLD, REFUSED])
def test_commands_and_the_doctor_say_none_either(values: dict[str, str], tmp_path: Path) -> None:
    """Away or refused: an answer in words, on both streams, without a secret."""
    environment = {**UNREACHABLE, **told(values), "SCRUTIN_DATA_DIR": str(tmp_path)}
    said = [scrutin(environment, "doctor", expected=1)]
    said += [running(environment, *words) for words in (
        ("acls", "--format", "clickhouse"), ("audit", "export", "town", "bundle.zip"),
        ("status",))]

    assert [each.args for each in said if any(
        word in each.stdout + each.stderr for word in HIDDEN)] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_secret_that_is_refused_is_not_quoted(name: str, tmp_path: Path) -> None:
    """Neither by the command line nor by the error that whoever loads settings gets."""
    done = running({**told({name: REFUSED[name]}), "SCRUTIN_DATA_DIR": str(tmp_path)}, "archive")
    printed = subprocess.run(
        [sys.executable, "-c", "from scrutin.settings import load; load()"], cwd=ROOT,
        env={**told({name: REFUSED[name]})}, capture_output=True, text=True, check=False)

    assert done.returncode
    assert "planted" not in done.stdout + done.stderr + printed.stderr


@pytest.mark.parametrize(("name", "value"), [
    ("snapshots", "s3://user:planted@bucket/prefix"), ("traces_url", "http://user:planted@host/"),
    ("traces_url", "http://host/v1/traces?token=planted"), ("public_url", "https://planted@a/?"),
    ("kafka_protocol", "user:planted@host:9092")])
def test_an_address_that_is_refused_for_its_secret_is_not_quoted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused because it is shown: the refusal would be the first to show it."""
    monkeypatch.setenv(f"SCRUTIN_{name.upper()}", value)
    with pytest.raises(ValidationError) as refused:
        load()

    [(variable, quoted, said)] = refusals(refused.value)
    assert (variable, quoted) == (f"SCRUTIN_{name.upper()}", "")
    assert "planted" not in said


def test_a_setting_that_is_refused_is_quoted_and_says_what_it_is(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, where it has a pattern."""
    monkeypatch.setenv("SCRUTIN_TRACES_URL", "ftp://host")
    with pytest.raises(ValidationError) as refused:
        load()

    assert [*refusals(refused.value)] == [(
        "SCRUTIN_TRACES_URL", "'ftp://host'",
        f"cannot be taken. It says: {Settings.model_fields['traces_url'].description}")]


def running(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, however that is."""
    return subprocess.run(
        [sys.executable, "-m", "scrutin", *arguments], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=120, check=False)
