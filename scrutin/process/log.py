"""Log lines: for people on a console, as JSON in production (`lines`); always on stderr.

Ours say each thing once. Those of libraries are warnings and errors, which a broker that is away
brings by the thousand: of each the first goes through, and later ones once in REPEAT_SECONDS.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO, cast

import structlog

from scrutin.process import lines
from scrutin.settings import Settings


REPEAT_SECONDS = 10.0
"""Pause between two lines of a library that say the same: an outage stays visible, and readable."""
MESSAGES_REMEMBERED = 1_000
"""Messages whose last line is remembered: libraries have fewer, but some hold an object's address;
the one that came first is forgotten first."""
MESSAGE_CHARACTERS = 200
"""So much of a message tells it from others: some hold what somebody sent."""


class Repeats(logging.Filter):
    """Leaves out what was said lately, whatever its arguments, and says how often it did."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int, str], tuple[float, int]] = {}
        """By message: when it went through last, and how many were left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the first line through, and one in REPEAT_SECONDS."""
        said = str(record.msg)[:MESSAGE_CHARACTERS]
        message, now = (record.name, record.levelno, said), self._clock()
        at, left_out = self._said.get(message, (now - REPEAT_SECONDS, 0))
        if now - at < REPEAT_SECONDS:
            self._said[message] = (at, left_out + 1)
            return False
        if left_out:
            record.msg = f"{record.msg} (and {left_out} like it since the last line of this kind)"
        self._said[message] = (now, 0)
        if len(self._said) > MESSAGES_REMEMBERED:
            del self._said[next(iter(self._said))]
        return True


class Lossy:
    """A stream to which a line may be lost: nobody ends because there is no room for what he says.

    On a full disk an error is said in the midst of something that must go on, or end in order.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, said: str) -> int:
        """Write what can be written; the next line is tried again."""
        with contextlib.suppress(OSError):
            self._stream.write(said)
        return len(said)

    def flush(self) -> None:
        """Give the stream what it holds, where there is room."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()


@contextlib.contextmanager
def taken_over() -> Iterator[None]:
    """Say everything as JSON from now on, before the settings are read and libraries imported.

    It stays so at the end: the error that ends the process is to be told.
    """
    own = _own_stream()
    _configure("info", own, as_json=True)
    lines.take_over(own)
    try:
        yield
    finally:
        lines.hear_last_words()  # Typer has taken the hook for itself.


def configure(settings: Settings) -> None:
    """Set structlog and the standard library's logging up, once per process."""
    _configure(settings.log_level, _own_stream(), as_json=settings.log_format == "json")


def _own_stream() -> TextIO:
    """Return the stream that our lines go to, whole: what is taken over would wrap them again."""
    if isinstance(sys.stderr, lines.Lines):
        return sys.stderr.stream
    return cast(TextIO, Lossy(sys.stderr))


def _short(_logger: Any, _method: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return lines.shortened(said, lines.VALUE_CHARACTERS[0])


def _configure(least: str, own: TextIO, *, as_json: bool) -> None:
    level = getattr(logging, least.upper())
    renderers: tuple[structlog.types.Processor, ...] = (lines.render,) if as_json else (
        lines.with_all, _short, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A line in one write: two threads would mix two writes each.
        logger_factory=structlog.WriteLoggerFactory(own),
    )
    root = logging.getLogger()
    logging.basicConfig(level=max(level, logging.WARNING), stream=own,
                        format="%(asctime)s %(levelname)s %(name)s %(message)s")
    root.setLevel(max(level, logging.WARNING))
    for handler in root.handlers:
        if as_json:
            handler.setFormatter(lines.OfLibraries())
        if not any(isinstance(each, Repeats) for each in handler.filters):
            handler.addFilter(Repeats())
