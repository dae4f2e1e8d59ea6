"""A log at an address, or in a folder, for whoever looks at it from outside."""

import http
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol

from sinks.transparency.folder import LogFolder, cut
from sinks.transparency.tiles import ENTRY_BYTES_MAX, WIDTH, Tile


ANSWER_SECONDS = 30
"""Longest wait for one file."""


ANSWER_BYTES_MAX = WIDTH * (2 + ENTRY_BYTES_MAX)
"""The largest bundle of entries: 256, each behind its size. Nothing of a log is larger."""


class LogAway(Exception):
    """The log cannot be reached; says where it was looked for."""


class Source(Protocol):
    """Where a log is read."""

    def checkpoint(self) -> str | None: ...

    def read(self, tile: Tile) -> bytes | None: ...


class RemoteLog:
    """A log served over HTTP, by its prefix."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def checkpoint(self) -> str | None:
        """Read the newest checkpoint; None where there is none."""
        found = self._get("checkpoint")
        return None if found is None else found.decode()

    def read(self, tile: Tile) -> bytes | None:
        """Read a tile or bundle; a full one serves for a partial one that is gone."""
        found = self._get(tile.path)
        if found is None and tile != tile.full:
            found = self._get(tile.full.path)
        return None if found is None else cut(tile, found)

    def _get(self, path: str) -> bytes | None:
        address = f"{self._url}/{path}"
        try:
            with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- source() lets http and https through
                found: bytes = answer.read(ANSWER_BYTES_MAX + 1)
                lacking = answer.length
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                return None
            raise LogAway(f"{address} answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LogAway(f"{address} cannot be reached ({error!r})") from error
        if len(found) > ANSWER_BYTES_MAX:
            raise LogAway(f"{address} answers more than {ANSWER_BYTES_MAX:,} bytes: no file of a "
                          "log is so large")
        if lacking:
            raise LogAway(f"{address} was cut short: {lacking:,} bytes lack")
        return found


def source(where: str) -> Source:
    """Give the log at an address of http or https, or else in a folder."""
    if where.startswith(("http://", "https://")):
        return RemoteLog(where)
    return LogFolder(Path(where))
