"""Every line of a process that is to speak JSON is one object, whoever speaks."""

import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrutin.main import PROCESSES
from scrutin.process.lines import LINE_CHARACTERS_MOST, Lines, line_of
from tests.e2e.running import COMMAND_SECONDS


VALUES = st.one_of(
    st.text(), st.integers(), st.none(), st.binary(), st.lists(st.text()),
    st.builds(str.__mul__, st.text(min_size=1), st.integers(1, 9_000)))

EVERYBODY_SPEAKS = """
import asyncio, logging, sys, threading, traceback, warnings
from scrutin.process import log

class Clumsy:
    def __del__(self):
        raise ValueError("said by an end")

async def unheard():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)

with log.taken_over():
    import structlog
    structlog.get_logger().error("said by us", much="x" * 50_000)
    print("said to stdout")
    print("said in", end=" ", file=sys.stderr)
    print("two parts", file=sys.stderr)
    logging.getLogger("aiokafka").error("said by %s", "aiokafka")
    logging.getLogger("uvicorn.error").warning("said by uvicorn\\nin two lines")
    logging.getLogger("mode").error("said with %d arguments", "wrong")
    warnings.warn("said by a warning", DeprecationWarning, stacklevel=1)
    try:
        raise OSError("said by a trace")
    except OSError:
        traceback.print_exc()
    thread = threading.Thread(target=lambda: 1 / 0, name="apart")
    thread.start()
    thread.join()
    Clumsy()
    asyncio.run(unheard())
    sys.stderr.write("said without an end")
    sys.stderr.flush()
    raise RuntimeError("said at last")
"""


def spoken(*arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Run Python and read each line it writes, to stdout and stderr alike, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "always", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "SCRUTIN_LOG_FORMAT": "json", **environment}, timeout=COMMAND_SECONDS)
    assert done.returncode
    assert done.stdout == "", "two streams of one process would not stay in order"
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(each.keys() >= {"event", "level", "timestamp"} for each in found)
    return found


def test_whoever_speaks_speaks_json() -> None:
    """Libraries, warnings, traces, threads, the loop, an object's end, the last error of all."""
    found = spoken("-c", EVERYBODY_SPEAKS)
    said = [each["event"] for each in found]

    for sentence in ("said by us", "said to stdout", "said in two parts", "said by aiokafka",
                     "said by uvicorn\nin two lines", "OSError: said by a trace",
                     "a thread ended by an error", "an error that nobody could be told of",
                     "said without an end", "ended by an error"):
        assert sentence in said
    assert any("DeprecationWarning: said by a warning" in event for event in said)
    errors = [each.get("exception", "") for each in found]
    for error in ("ZeroDivisionError", "said by an end", "RuntimeError: said at last"):
        assert any(error in text for text in errors)


@pytest.mark.parametrize(("arguments", "settings", "sentence"), [
    (["--nothing"], {}, "No such option: --nothing"),
    ([], {"SCRUTIN_PARTITIONS": "0"}, "SCRUTIN_PARTITIONS='0': Input should be"),
])
def test_who_cannot_even_begin_says_so_in_json(
    arguments: list[str], settings: dict[str, str], sentence: str
) -> None:
    """Neither a wrong argument nor a wrong setting is said in plain words."""
    found = spoken("-m", "scrutin", "ledger", *arguments, **settings)

    assert any(sentence in each["event"] for each in found)


def test_the_processes_are_those_of_the_command_line() -> None:
    """Each has its command; people's commands speak to people whatever the setting."""
    assert len(PROCESSES) == 8
    assert "results" not in PROCESSES


@given(said=st.dictionaries(st.text(max_size=20), VALUES, max_size=40), event=st.text())
def test_no_line_is_longer_than_a_container_takes(said: dict[str, Any], event: str) -> None:
    """However much is said: one line, within the bound, that can be read back."""
    line = line_of({**said, "event": event, "level": "error"})

    assert len(line) <= LINE_CHARACTERS_MOST
    assert "\n" not in line
    found = json.loads(line)
    assert found["level"] == "error"
    assert found["event"][:20] == event[:20]


@given(st.lists(st.text(alphabet=st.sampled_from('ab \n"é\ud800'), max_size=30), max_size=20))
def test_what_is_written_in_pieces_comes_in_lines(pieces: list[str]) -> None:
    """Wherever a library cuts what it writes, each of its lines is an object of its own."""
    heard = io.StringIO()
    lines = Lines(heard, "stderr", "error")
    for piece in pieces:
        lines.write(piece)
    lines.end()

    assert [json.loads(line)["event"] for line in heard.getvalue().splitlines()] == [
        line for line in "".join(pieces).split("\n") if line.strip()]


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    """What is written without an end comes in pieces as long as a line may be."""
    heard = io.StringIO()
    lines = Lines(heard, "stderr", "error")
    for _ in range(100):
        lines.write("x" * LINE_CHARACTERS_MOST)

    assert len(heard.getvalue().splitlines()) == 50
    assert all(len(line) <= LINE_CHARACTERS_MOST for line in heard.getvalue().splitlines())
