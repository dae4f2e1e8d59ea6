"""A log at an address, or in a folder, for whoever looks at it from outside."""

import http
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol

from sinks.transparency.folder import LogFolder, cut
from sinks.transparency.tiles import Tile


ANSWER_SECONDS = 30
"""Longest wait for one file."""


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
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                return None
            raise LogAway(f"{address} answers {error.code} {error.reason}") from error
        except OSError as error:
            raise LogAway(f"{address} cannot be reached ({error})") from error


def source(where: str) -> Source:
    """Give the log at an address of http or https, or else in a folder."""
    if where.startswith(("http://", "https://")):
        return RemoteLog(where)
    return LogFolder(Path(where))
