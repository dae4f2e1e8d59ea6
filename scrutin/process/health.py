"""What every process says of itself: /livez, /readyz, /status and /metrics.

/livez asks nothing of anybody: it fails when the loop that does the work has stood still for
LIVE_SECONDS, which a restart mends; a little later the process ends itself (`pulse`). /readyz fails
while the process cannot do its work, and says why. Workers answer on a port of their own, from a
thread: their loop may be busy for a whole batch.

They answer programs: a web page of another site, or under a name that is not of this machine where
only this machine is listened to, is refused (`deploy.machine.doors` has the attack). On another
address names are those of the operator's network, which nobody here can know.
"""

import functools
import socket
import threading
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.machine import doors
from schemas.figures import INFO, MEDIA_TYPE, READY, Sample, exposition
from scrutin.process import figures, surroundings
from scrutin.process.pulse import Pulse
from scrutin.serving.joined_writes import JoinedWrites
from scrutin.settings import Settings
from views import hosts
from views.seldom_waking import SeldomWaking


LIVE_SECONDS = 30.0
"""A loop that has not come round for so long hangs: batches take a tenth of a second. Less than
`pulse` waits: who watches from outside sees it first."""

Status = Callable[[], dict[str, Any]]


class HealthPortTaken(Exception):
    """Somebody else has the health port; the message says what to set."""


def common(settings: Settings, kind: str, *, ready: bool) -> list[Sample]:
    """Return the samples that every process has."""
    about = (kind, settings.instance, _version())
    return [Sample(INFO, 1, about), Sample(READY, ready), *surroundings.samples(settings)]


@functools.cache
def _version() -> str:
    """Read the version once: it is searched for in every folder of packages."""
    return metadata.version("scrutin")


def application(settings: Settings, kind: str, status: Status, pulse: Pulse) -> Starlette:
    """Make the endpoints of a worker from what it says of itself."""

    def livez(_request: Request) -> Response:
        silent = pulse.silent_seconds
        if silent > LIVE_SECONDS:
            return PlainTextResponse(f"the loop has stood still for {silent:.0f} s\n", 503)
        return PlainTextResponse("ok\n")

    def readyz(_request: Request) -> Response:
        found = status()
        if found["ready"]:
            return PlainTextResponse(f"{figures.role(found)}\n")
        return PlainTextResponse(f"not ready: {figures.waiting_for(kind, found)}\n", 503)

    def state(_request: Request) -> Response:
        return JSONResponse(status())

    def metrics(_request: Request) -> Response:
        found = status()
        samples: Iterable[Sample] = [
            *common(settings, kind, ready=found["ready"]), *figures.samples(kind, found)]
        return Response(exposition(samples), media_type=MEDIA_TYPE)

    here = hosts.is_loopback(settings.health_host)
    return Starlette(middleware=[Middleware(Door, only_this_machine=here)], routes=[
        Route("/livez", livez), Route("/readyz", readyz), Route("/status", state),
        Route("/metrics", metrics)])


class Door:
    """Refuses web pages of other sites, and other names where only this machine may ask."""

    def __init__(self, answering: ASGIApp, *, only_this_machine: bool) -> None:
        self._answering = answering
        self._only_this_machine = only_this_machine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the headers and nothing else."""
        refused = self._refused(scope["headers"]) if scope["type"] == "http" else None
        await (refused or self._answering)(scope, receive, send)

    def _refused(self, headers: doors.Headers) -> Response | None:
        if doors.from_a_page(headers):
            return PlainTextResponse("only programs are answered, not web pages\n", 403)
        named = [hosts.name_in(each.encode("latin-1")) for each in doors.values(headers, b"host")]
        if self._only_this_machine and not (
                len(named) == 1 and hosts.is_loopback(named[0] or "")):
            return PlainTextResponse(
                "this port answers to 127.0.0.1 and localhost only: SCRUTIN_HEALTH_HOST has it "
                "listen elsewhere\n", 421)
        return None


def serve(settings: Settings, kind: str, status: Status) -> Pulse:
    """Serve the endpoints from a thread; health port 0 serves nothing.

    Returns the pulse, whose `beat` the worker's loop is to run. A thread also because uvicorn must
    not take the worker's signals.
    """
    pulse = Pulse()
    if settings.health_port:
        opened = _opened(settings.health_host, settings.health_port)
        config = uvicorn.Config(
            application(settings, kind, status, pulse), http=JoinedWrites, ws="none",
            # A thread that uvloop wakes when Python has ended already takes the process with it.
            loop="asyncio", log_level="error", access_log=False, log_config=None)
        threading.Thread(target=SeldomWaking(config).run, kwargs={"sockets": [opened]},
                         name="health", daemon=True).start()
    return pulse


def _opened(host: str, port: int) -> socket.socket:
    """Open the port here, where it can be said: a thread would end unheard."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise HealthPortTaken(
            f"cannot listen on {host}:{port} for /readyz ({error.strerror}): choose another "
            "SCRUTIN_HEALTH_PORT (0: none) or SCRUTIN_HEALTH_HOST") from error
