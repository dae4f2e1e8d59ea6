"""An application served at an address of its own, while a test lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from views.ports import listen


END_SECONDS = 1
"""So long the end waits for streams that a browser follows."""


@contextmanager
def served(application: ASGIApp) -> Iterator[str]:
    """Serve an application in a thread; yield its address."""
    with listen("127.0.0.1", 0) as opened:
        server = uvicorn.Server(uvicorn.Config(
            application, log_level="critical", lifespan="off",
            timeout_graceful_shutdown=END_SECONDS))
        running = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        running.start()
        try:
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            server.should_exit = True
            running.join()
