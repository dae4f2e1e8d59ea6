"""Transparency logs served by the routes of the views, at an address of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette

from schemas.topics import Topics
from sinks.transparency.serving import ServedLogs
from tests import serving
from views.transparency import routes


@contextmanager
def served(folder: Path, topics: Topics) -> Iterator[str]:
    """Yield the address below which the logs of a folder are served."""
    with serving.served(Starlette(routes=routes(ServedLogs(folder, topics), lambda _: ()))) as url:
        yield f"{url}/log"
