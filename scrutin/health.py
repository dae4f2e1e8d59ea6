"""/livez, /readyz and /status of a worker, on a port of its own."""

import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


Status = Callable[[], dict[str, Any]]


def application(status: Status) -> Starlette:
    """Make the health endpoints; `status()["ready"]` decides what /readyz answers."""

    def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(_request: Request) -> Response:
        ready = bool(status().get("ready"))
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    def state(_request: Request) -> Response:
        return JSONResponse(status())

    return Starlette(routes=[
        Route("/livez", livez), Route("/readyz", readyz), Route("/status", state)])


def serve(port: int, status: Status) -> None:
    """Serve the endpoints from a thread of their own; port 0 serves nothing.

    A thread, because a worker's loop may be busy for a whole batch, and because uvicorn must not
    take the worker's signals.
    """
    if not port:
        return
    config = uvicorn.Config(
        application(status), host="127.0.0.1", port=port, log_level="error", access_log=False)
    threading.Thread(target=uvicorn.Server(config).run, name="health", daemon=True).start()
