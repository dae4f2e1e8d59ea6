"""What keeps the published state, as those who show it see it."""

from typing import Protocol

from views.flushes import Flushes


class Readiness(Protocol):
    """Says whether the topics have been read to the end they had at the start."""

    def is_set(self) -> bool: ...


class Source(Protocol):
    """Whatever keeps the published state: `views.reader.ResultsReader`."""

    @property
    def flushes(self) -> Flushes: ...

    @property
    def ready(self) -> Readiness: ...
