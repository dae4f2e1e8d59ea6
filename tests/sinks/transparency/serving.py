"""Transparency logs served by the routes of the views, at an address of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from schemas.topics import Topics
from sinks.transparency.serving import ServedLogs
from views.server import listen
from views.transparency import routes


@contextmanager
def served(folder: Path, topics: Topics) -> Iterator[str]:
    """Give the address below which the logs of a folder are served."""
    application = Starlette(routes=routes(ServedLogs(folder, topics)))
    with listen("127.0.0.1", 0) as opened:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        running.start()
        try:
            yield f"http://127.0.0.1:{opened.getsockname()[1]}/log"
        finally:
            server.should_exit = True
            running.join()
