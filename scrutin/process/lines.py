"""Lines as JSON, one object each, whoever speaks: we, libraries, Python itself.

Theory of operation: what is said to `structlog` and to Python's `logging` is rendered here. Who
writes to stdout or stderr all the same (a usage error, a library that prints) writes into `Lines`,
which makes an object of each line. Errors that nobody caught are said in one line with their trace.
Only what the interpreter writes when it crashes itself comes as it is.
"""

import atexit
import datetime as dt
import io
import json
import logging
import sys
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog


LINE_CHARACTERS_MOST = 16_000
"""No line is longer: container runtimes cut one of more than 16 KiB in two, which are no JSON."""
VALUE_CHARACTERS = (8_000, 2_000, 400, 80)
"""To so much a value of a line that is too long is cut, the first that suffices."""
KEPT_FIELDS = ("event", "level", "timestamp")
"""What is left of a line that has too many fields."""
_IN_EACH: dict[str, str] = {}


def say_in_each(**fields: str) -> None:
    """Have each line of this process bear fields, whoever says it: which of several it is."""
    _IN_EACH.update(fields)


def with_all(_logger: Any, _method: str, said: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Put what is in each line into one of structlog's."""
    return {**said, **_IN_EACH}


def cut(text: str, most: int) -> str:
    """Shorten a text to some `most` characters: its begin and its end say most."""
    if len(text) <= most:
        return text
    return f"{text[:most // 2]} ({len(text) - most} characters left out) {text[-(most // 2):]}"


def shortened(said: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Cut what is long in each value; what is no text is written as Python shows it then."""
    def short(value: Any) -> Any:
        text = value if isinstance(value, str) else repr(value)
        return value if len(text) <= most else cut(text, most)
    return {name: short(value) for name, value in said.items()}


def line_of(said: Mapping[str, Any]) -> str:
    """Write an object in one line of at most LINE_CHARACTERS_MOST, in ASCII."""
    said = {**said, **_IN_EACH}
    line = json.dumps(said, default=repr)
    for most in VALUE_CHARACTERS:
        if len(line) <= LINE_CHARACTERS_MOST:
            return line
        line = json.dumps(shortened(said, most), default=repr)
    if len(line) > LINE_CHARACTERS_MOST:
        kept = {name: said[name] for name in KEPT_FIELDS if name in said}
        return json.dumps({**shortened(kept, VALUE_CHARACTERS[-1]), "fields_left_out": True})
    return line


def render(_logger: Any, _method: str, said: Mapping[str, Any]) -> str:
    """Write what structlog gathered."""
    return line_of(said)


def _instant(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")


class OfLibraries(logging.Formatter):
    """Writes what is said to Python's `logging`, with the name of who says it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, with its error's trace where it has one."""
        said = {"event": record.getMessage(), "logger": record.name,
                "level": record.levelname.lower(), "timestamp": _instant(record.created)}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack"] = record.stack_info
        return line_of(said)


class Lines(io.TextIOBase):
    """A stream that makes an object of each line written to it."""

    def __init__(self, stream: TextIO, name: str, level: str) -> None:
        self.stream, self._name, self._level = stream, name, level
        self._begun = ""
        self._lock = threading.RLock()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute of the base
        return "utf-8"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.stream.fileno()

    def write(self, said: str, /) -> int:
        """Take text; what is no whole line waits for its end, within the bound of a line."""
        if not isinstance(said, str):
            raise TypeError(f"text is written here, not {type(said).__name__}")
        with self._lock:
            *whole, self._begun = (self._begun + said).split("\n")
            if len(self._begun) > LINE_CHARACTERS_MOST:
                whole, self._begun = [*whole, self._begun], ""
            for line in filter(str.strip, whole):
                self.stream.write(line_of({
                    "event": line, "logger": self._name, "level": self._level,
                    "timestamp": _instant(dt.datetime.now(dt.UTC).timestamp())}) + "\n")
        return len(said)

    def flush(self) -> None:
        """Give on whole lines."""
        self.stream.flush()

    def end(self) -> None:
        """Write what was begun as a line of its own."""
        if self._begun:
            self.write("\n")
        self.flush()


def take_over(own: TextIO) -> None:
    """Have everything that this process says come as lines of JSON on stderr, which `own` is."""
    sys.stdout = Lines(own, "stdout", "info")
    sys.stderr = Lines(own, "stderr", "error")
    for stream in (sys.stdout, sys.stderr):
        atexit.register(stream.end)
    logging.captureWarnings(capture=True)
    threading.excepthook = _ended_in_thread
    sys.unraisablehook = _unraisable
    hear_last_words()


def hear_last_words() -> None:
    """Say in one line what ends the process: to be called again where somebody took the hook."""
    sys.excepthook = _uncaught


def _uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    structlog.get_logger().critical("ended by an error", exc_info=(kind, error, trace))


def _ended_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        structlog.get_logger().error(
            "a thread ended by an error", thread=told.thread and told.thread.name,
            exc_info=(told.exc_type, told.exc_value, told.exc_traceback))


def _unraisable(told: Any) -> None:
    error = told.exc_value
    structlog.get_logger().error(
        "an error that nobody could be told of", where=repr(told.object),
        exc_info=error and (type(error), error, told.exc_traceback))
