"""What goes into the log of what libraries say."""

import ast
import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import uvicorn
from starlette.responses import PlainTextResponse

from scrutin.gateway.composition import http_options
from scrutin.process.log import MESSAGES_REMEMBERED, REPEAT_SECONDS, Repeats, configure
from scrutin.settings import Settings
from tests.waiting import WAIT_SECONDS, until


ROOT = Path(__file__).parents[3]


class Ear(logging.Handler):
    """Hears what a filter lets through, on a clock of the test's."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.now = 0.0
        self.addFilter(Repeats(lambda: self.now))

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())

    def say(self, message: str, *arguments: object) -> None:
        self.handle(logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, arguments, None))


def test_what_is_repeated_comes_once_in_a_while_with_how_often() -> None:
    """Ten thousand lines of an outage are two, whatever node or error each of them names."""
    ear = Ear()
    for number in range(10_000):
        ear.say("Unable connect to node %s: %s", number, "100 % refused")
    ear.say("Topic %s not found", "votes")
    ear.now = REPEAT_SECONDS
    ear.say("Unable connect to node %s: %s", 0, "refused")

    assert ear.heard == [
        "Unable connect to node 0: 100 % refused", "Topic votes not found",
        "Unable connect to node 0: refused (and 9999 like it since the last line of this kind)"]


def test_messages_that_are_never_the_same_are_not_kept_for_ever() -> None:
    """A message that holds an address is another each time: the memory for them is bounded."""
    ear = Ear()
    for number in range(2 * MESSAGES_REMEMBERED):
        ear.say(f"Task {number} was destroyed")
    ear.say("Task 0 was destroyed")

    assert len(ear.heard) == 2 * MESSAGES_REMEMBERED + 1


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Take back what a test sets up for all: the captured stream is closed after it."""
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs_as_before")
async def test_requests_that_are_none_do_not_fill_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A crowd that sends noise has one line, as any library's outage has."""
    for name in ("", "uvicorn", "uvicorn.error"):
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    configure(Settings(data_dir=tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(PlainTextResponse("ok"), **http_options()))
        task = asyncio.create_task(server.serve(sockets=[opened]))
        await until(lambda: server.started)
        for _ in range(20):
            reader, writer = await asyncio.open_connection(*opened.getsockname())
            writer.write(b"\x16\x03\x01\r\n\r\n")
            async with asyncio.timeout(WAIT_SECONDS):
                assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.close()
        server.should_exit = True
        await task

    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("logs_as_before")
def test_nobody_fails_for_want_of_room_for_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a full disk what is said is lost, and whoever said it goes on."""
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 -- its end fails, too
    try:
        monkeypatch.setattr(sys, "stderr", full)
        configure(Settings(data_dir=tmp_path))
        with pytest.raises(OSError, match="No space left"):
            print("there is no room", file=full, flush=True)

        for _ in range(3):
            structlog.get_logger("gateway").error("the broker is away")
    finally:
        with contextlib.suppress(OSError):
            full.close()


def test_no_server_has_a_log_of_its_own() -> None:
    """Each leaves what it says to the log of libraries, or takes the options that do."""
    made = [call for room in ("scrutin", "views") for path in (ROOT / room).rglob("*.py")
            for call in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "uvicorn.Config"]
    given = [[ast.unparse(each) for each in call.keywords] for call in made]

    assert all({"log_config=None", "**http_options()"} & set(each) for each in given)
    assert len(given) >= 3  # gateway, views, health
