"""The applications that strangers reach, whole, with every route they were made of.

Theory of operation: routes are noted where they are made, so a new one is known without a list.
What an application reads of a request is noted by the request itself: its header names are bytes
that note what they are compared with, the gateway's own headers a dictionary that notes what is
looked up, and a query likewise. So what is newly read is tried without a list, too.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from deploy.local.services import Broker
from producers.gateway import exchange
from schemas import visitors
from schemas.topics import Topics
from scrutin.gateway import composition
from scrutin.process import health
from scrutin.process.pulse import Pulse
from scrutin.settings import Settings
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.views import campaign
from tests.views.operations.control_room import TOKEN, ControlRoom
from tests.waiting import until


OTHERS = (Mount, Host, WebSocketRoute)
"""Kinds of routes that we have none of: the tests here would not look into one."""
PARTS = {"proposal": "p1", "qualification": "like_it", "name": "closed"}
"""What the parts of a path are in a request that means well; others are numbers."""
TEMPLATES = (Path(__file__).parents[2] / "views" / "pages" / "templates").glob("*.html")
FIELDS = tuple(sorted({
    name for template in TEMPLATES
    for name in re.findall(r'\bname="(\w+)"', template.read_text("utf-8"))}))
"""Names of the fields of every form that our pages have."""


@dataclass(frozen=True)
class Address:
    """One method of one route."""

    path: str
    method: str
    consultation: str = "town"

    def at(self, name: str = "", value: str = "") -> str:
        """Fill in the parts of the path, one of them with something else."""
        def part(found: re.Match[str]) -> str:
            good = {**PARTS, "consultation": self.consultation}
            return value if found[1] == name else good.get(found[1], "1")

        return re.sub(r"\{(\w+)(?::\w+)?\}", part, self.path)

    @property
    def parts(self) -> list[str]:
        return re.findall(r"\{(\w+)(?::\w+)?\}", self.path)


@dataclass
class Reached:
    """An application, its addresses, and what a visitor who means well sends along."""

    app: ASGIApp
    routes: list[Route]
    headers: dict[str, str] = field(default_factory=dict)
    consultation: str = "town"

    @property
    def addresses(self) -> list[Address]:
        """Every address, once: HEAD is answered as GET is."""
        return sorted({Address(route.path, method, self.consultation) for route in self.routes
                       for method in route.methods or ("GET", "POST") if method != "HEAD"}, key=str)


@contextlib.contextmanager
def noted_routes() -> Iterator[list[Route]]:
    """Note every route that is made meanwhile."""
    made: list[Route] = []
    initialise = Route.__init__

    def note(route: Route, *arguments: Any, **named: Any) -> None:
        initialise(route, *arguments, **named)
        made.append(route)

    def refuse(kind: type[Any], *_: Any, **__: Any) -> None:
        raise AssertionError(f"a {kind.__name__} is made: have tests/foreign look into it")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Route, "__init__", note)
        for kind in OTHERS:
            patched.setattr(kind, "__init__", partial(refuse, kind))
        yield made


@contextlib.asynccontextmanager
async def gateway_on(broker: Broker, prefix: str, folder: Path) -> AsyncIterator[Reached]:
    """Connect a gateway, open to everybody."""
    stack = Stack(broker.address, Topics(prefix, 2), folder)
    await booths.opened(stack)
    settings = Settings(
        kafka=broker.address, topic_prefix=prefix, partitions=2, data_dir=folder / "data",
        operations_token=TOKEN, public_url="https://vote.example.org", views_url="http://x",
        gateway_voter_rate=10**6, gateway_network_rate=10**6)
    with noted_routes() as routes:
        async with composition.connected(settings, broker.address, stack.topics) as (app, *_):
            await until(lambda: any(route.path == "/metrics" for route in routes))
            yield Reached(app, routes, {
                "host": "localhost", "sec-fetch-site": "same-origin",
                "authorization": f"Bearer {TOKEN}"})


def views_in(folder: Path) -> Reached:
    """Make views over a campaign, with the operators' page."""
    with noted_routes() as routes:
        app = ControlRoom(folder).app
    return Reached(app, routes, {
        "host": "localhost", "authorization": f"Bearer {TOKEN}"}, campaign.CONSULTATION)


def worker() -> Reached:
    """Make what a worker answers at its health port."""
    status = {"ready": True, "leads": True, "published": [41, -1], "set_aside": {"catalogue": 1},
              "unendorsed": 1}
    with noted_routes() as routes:
        app = health.application(Settings(), "ideas", lambda: status, Pulse())
    return Reached(app, routes, {"host": "localhost"})


class Name(bytes):
    """The name of a header, which notes what it is compared with."""

    looked_up: ClassVar[set[str]] = set()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes):
            self.looked_up.add(other.decode("latin-1"))
        return bytes.__eq__(self, other)

    __hash__ = bytes.__hash__


class Noting(dict[Any, Any]):
    """A dictionary that notes what is looked up."""

    looked_up: ClassVar[set[str]]

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def keys(self) -> Any:
        return _Keys(self)

    def _note(self, key: Any) -> None:
        self.looked_up.add(key.decode("latin-1") if isinstance(key, bytes) else key)


class _Keys(frozenset[Any]):
    """The names of a `Noting`; what they are intersected with is looked up."""

    def __and__(self, others: Any) -> Any:
        Name.looked_up.update(other.decode("latin-1") for other in others)
        return super().__and__(frozenset(others))


class Headers(Noting):
    """The gateway's own headers."""

    looked_up = Name.looked_up


class Fields(Noting):
    """The fields of a query."""

    looked_up: ClassVar[set[str]] = set()


COOKIES: set[str] = set()
"""Names of cookies that were looked for."""


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """Have what is read of every request noted."""
    initialise, cookie = exchange.Asked.__init__, visitors.cookie

    def note_cookie(header: str, name: str) -> str | None:
        COOKIES.add(name)
        return cookie(header, name)

    def note(asked: exchange.Asked, *arguments: Any) -> None:
        initialise(asked, *arguments)
        asked.headers = Headers(asked.headers)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exchange.Asked, "__init__", note)
        patched.setattr(visitors, "Query", Fields)
        patched.setattr(visitors, "cookie", note_cookie)
        yield
