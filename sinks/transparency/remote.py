"""A log at an address, or in a folder, for whoever looks at it from outside."""

import http
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol

from sinks.transparency.folder import WITNESSED, LogFolder, cut
from sinks.transparency.notes import NOTE_BYTES_MAX
from sinks.transparency.tiles import BUNDLE_BYTES_MAX, Tile


ANSWER_SECONDS = 30
"""Longest wait for a server that is silent."""
FILE_SECONDS = 300
"""Longest wait for one file: 16 MB over a slow line. A server that sends a byte now and then is
never silent."""
PIECE_BYTES = 1 << 16
"""Read at once, before the clock is looked at."""
ANSWER_BYTES_MAX = BUNDLE_BYTES_MAX
"""Nothing of a log is larger."""


class LogAway(Exception):
    """The log cannot be reached; says where it was looked for."""


class Source(Protocol):
    """Where a log is read."""

    def checkpoint(self) -> str | None: ...

    @property
    def witnessed(self) -> "Source":
        """Where its countersigned checkpoints are read."""

    def read(self, tile: Tile) -> bytes | None: ...


class RemoteLog:
    """A log served over HTTP, by its prefix."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    @property
    def witnessed(self) -> "RemoteLog":
        """The log's countersigned checkpoints, without tiles."""
        return RemoteLog(f"{self._url}/{WITNESSED}")

    def checkpoint(self) -> str | None:
        """Read the newest checkpoint; None where there is none."""
        found = self._get("checkpoint", NOTE_BYTES_MAX)
        return None if found is None else found.decode()

    def read(self, tile: Tile) -> bytes | None:
        """Read a tile or bundle; a full one serves for a partial one that is gone."""
        found = self._get(tile.path)
        if found is None and tile != tile.full:
            found = self._get(tile.full.path)
        return None if found is None else cut(tile, found)

    def _get(self, path: str, bytes_max: int = ANSWER_BYTES_MAX) -> bytes | None:
        address = f"{self._url}/{path}"
        try:
            with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- source() lets http and https through
                found = _read(answer, bytes_max, address)
                lacking = answer.length
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                return None
            raise LogAway(f"{address} answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LogAway(f"{address} cannot be reached ({error!r})") from error
        if len(found) > bytes_max:
            raise LogAway(f"{address} answers more than {bytes_max:,} bytes: no file of a "
                          "log is so large")
        if lacking:
            raise LogAway(f"{address} was cut short: {lacking:,} bytes lack")
        return found


def _read(answer: http.client.HTTPResponse, bytes_max: int, address: str) -> bytes:
    """Read an answer, one byte more than the bound at most; raise LogAway where it never ends."""
    pieces, size, until = [], 0, time.monotonic() + FILE_SECONDS
    while size <= bytes_max and (
            piece := answer.read1(min(PIECE_BYTES, bytes_max + 1 - size))):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > until:
            raise LogAway(f"{address} takes more than {FILE_SECONDS} s for one file")
    return b"".join(pieces)


def source(where: str) -> Source:
    """Return the log at an address of http or https, or else in a folder."""
    if where.startswith(("http://", "https://")):
        return RemoteLog(where)
    return LogFolder(Path(where))
