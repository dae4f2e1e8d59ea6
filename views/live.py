"""The live stream: absolute snapshots of a consultation, as server-sent events.

Theory of operation: nothing is queued. A client holds one mark, "something is newer"; what it is
sent is made at the moment of sending from the state of that moment, so the latest wins whatever was
missed, and a slow client costs one mark. One task for the whole process sets the marks: at once for
the first change after a pause, then no more often than SNAPSHOTS_PER_SECOND. Clients that ask for
the same share the bytes. A snapshot is whole, its id names the positions of the logs it holds, and
which log it is: who comes back with the id of the present state waits for the next change, who
comes from another process with that of a later state waits until this one has come as far,
everybody else, as who followed a log that was begun anew since, gets one snapshot first, and there
is no history to keep.

What stands between may hold an answer back until it ends. Who hears nothing of a stream asks for
one that ends with each snapshot, or a silence, and comes again: that arrives.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from views.documents import Documents
from views.embargo import by_choice, concealed_entry
from views.encoding import encode_json
from views.flushes import Figure, Flushes
from views.shelf import Shelf
from views.tags import LOG_DIGITS


SNAPSHOTS_PER_SECOND = 20
"""At most so many snapshots a second to a client: more than eyes or networks can use."""

CROWD_CLIENTS = 200
"""Above so many clients the pace falls to CROWD_SNAPSHOTS_PER_SECOND: the processor is shared."""

CROWD_SNAPSHOTS_PER_SECOND = 2
"""Pace for a crowd: 2,000 clients then get 4,000 snapshots a second."""

CLIENTS_MAX = 2_500
"""Streams of one process; the next one is told to come back later. Each holds a socket."""

PROPOSALS_MAX = 16
"""Proposals a stream may name: with the longest identifiers a snapshot stays within 8 KB."""

NAME_CHARACTERS = 63
"""Longest identifier of the schemas, in bytes, and so at most in characters."""

NAMES_BYTES = PROPOSALS_MAX * 128
"""What the names that a stream follows take, at most."""

MADE_BYTES = 4 << 20
"""Of the snapshots of one state that are kept to be sent again: four hundred of the longest. What
is asked for beyond is made for each who asks."""

HEARTBEAT_SECONDS = 15.0
"""A comment after so long a silence: proxies cut silent connections, often after 30 s."""

SEND_SECONDS = 30.0
"""A client that takes nothing for so long is let go; its browser connects anew."""

RECONNECT_MILLISECONDS = 2_000
"""How long a browser waits before it connects anew after a cut."""

ONCE_MILLISECONDS = 5_000
"""The same where a stream ends with each snapshot: each is a request."""

COME_AGAIN_MILLISECONDS = 5_000
"""Within so long the streams of a process that ends come again, not all in one moment: its 2,500
would else be 2,500 snapshots at once for another."""

_PLACE = re.compile(r"(?:^|(?<=\d)-)(-?\d+)", re.ASCII)
_PLACES = re.compile(
    rf"(?P<places>(?:(?:^|-)-?\d{{1,20}}){{1,10000}})(?:\.(?P<log>[0-9a-f]{{{LOG_DIGITS}}}))?",
    re.ASCII)

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No cache and no proxy may hold a stream back."""


class Live:
    """The streams of one process, and the task that marks them."""

    def __init__(
        self, flushes: Flushes, documents: Documents, *,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._flushes = flushes
        self._documents = documents
        self._rest = rest
        self._clients: set[asyncio.Event] = set()
        self._changed = asyncio.Event()
        self._pacing: asyncio.Task[None] | None = None
        self._made: Shelf[tuple[str, tuple[str, ...]], tuple[str, bytes]] = Shelf(MADE_BYTES)
        self._made_of = -1
        self.closed = False
        flushes.watch(self._changed.set)

    @property
    def clients(self) -> int:
        """Streams that are open."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        return len(self._clients) >= CLIENTS_MAX

    def enter(self) -> asyncio.Event:
        """Take a place; the event is the client's mark."""
        mark = asyncio.Event()
        self._clients.add(mark)
        if self._pacing is None or self._pacing.done():
            self._changed.clear()
            self._pacing = asyncio.create_task(self._pace())
        return mark

    def leave(self, mark: asyncio.Event) -> None:
        """Give the place back; the last one out stops the task."""
        self._clients.discard(mark)
        if not self._clients and self._pacing:
            self._pacing.cancel()
            self._pacing = None

    def close(self) -> None:
        """End every stream: a process that stops must not wait for its readers."""
        self.closed = True
        self._mark_all()

    def snapshot(self, consultation: str, proposals: tuple[str, ...]) -> tuple[str, bytes]:
        """Return the identifier and the bytes of the present state."""
        if self._made_of != self._flushes.version:
            self._made.clear()
            self._made_of = self._flushes.version
        # What is unknown takes no place: whoever asks for it, too, shares what others ask for.
        known = self._flushes.figures(consultation)
        asked = (consultation, tuple(
            name for name in proposals if Figure("proposal", name) in known))
        made = self._made.get(asked)
        if made is None:
            made = self._identifier(), self._make(*asked)
            self._made.put(asked, made, len(made[1]) + NAMES_BYTES)
        return made

    async def _pace(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._mark_all()
            crowd = len(self._clients) > CROWD_CLIENTS
            await self._rest(1 / (CROWD_SNAPSHOTS_PER_SECOND if crowd
                                  else SNAPSHOTS_PER_SECOND))

    def _mark_all(self) -> None:
        for mark in self._clients:
            mark.set()

    def _identifier(self) -> str:
        as_of, log = self._documents.as_of(), self._flushes.log[:LOG_DIGITS]
        places = "-".join(map(str, (*as_of.votes, as_of.catalogue, as_of.participants)))
        return f"{places}.{log}" if log else places

    def _make(self, consultation: str, proposals: tuple[str, ...]) -> bytes:
        hidden = self._documents.embargoed(consultation)
        totals = self._documents.figure(consultation, Figure("totals", ""))
        found = {
            name: self._documents.figure(consultation, Figure("proposal", name))
            for name in proposals
        }
        return encode_json({
            "state": self._documents.state(consultation),
            "totals": totals and {
                "participants": totals["participants"],
                "participants_received": totals["participants_received"],
                **_counts(totals["counts"], hidden=hidden),
            },
            "proposals": {
                name: _counts(entry, hidden=hidden) for name, entry in found.items() if entry
            },
        })


def is_before(identifier: str, other: str) -> bool:
    """Whether a snapshot holds less of any topic than another one of its log, by their ids.

    An id of an earlier release names no log.
    """
    (ours, log), (theirs, other_log) = _read(identifier), _read(other)
    return (len(ours) == len(theirs) and (not log or not other_log or log == other_log)
            and any(map(int.__lt__, ours, theirs)))


def _read(identifier: str) -> tuple[list[int], str]:
    """Read positions and log of an id: 5--1-7.0a1b2c3d is 5, -1 and 7; none where it is not ours.
    """
    found = _PLACES.fullmatch(identifier)
    if found is None:
        return [], ""
    return [*map(int, _PLACE.findall(found["places"]))], found["log"] or ""


def named(text: str) -> tuple[str, ...]:
    """Return the proposals that a stream is to follow, each once, in one order.

    What is too long for an identifier names nothing, now or later, and would only be held.
    """
    return tuple(sorted({name for name in text.split(",") if 0 < len(name) <= NAME_CHARACTERS}))


def _counts(entry: Mapping[str, Any], *, hidden: bool) -> dict[str, Any]:
    counted = (concealed_entry(entry) if hidden else entry)["counted"]
    return {
        "received": entry["received"],
        "set_aside": sum(entry["set_aside"].values()),
        "counted": {
            "votes": counted["votes"], **by_choice(counted),
            **{name: counted[name] for name in ("qualifications",) if name in counted}},
    }


class Streams(Protocol):
    """What a stream follows: `Live`, or another giver of snapshots."""

    closed: bool

    def enter(self) -> asyncio.Event: ...

    def leave(self, mark: asyncio.Event) -> None: ...

    def snapshot(self, consultation: str, proposals: tuple[str, ...], /) -> tuple[str, bytes]: ...


class LiveStream(Response):
    """One client's stream, until the client or the process leaves."""

    media_type = "text/event-stream"

    def __init__(
        self, live: Streams, consultation: str, proposals: tuple[str, ...], last_id: str | None, *,
        once: bool = False,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._once = once
        self._live = live
        self._asked = (consultation, proposals)
        self._last_id = last_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side leaves; the place is given back in any case."""
        del scope
        mark = self._live.enter()
        tasks = [asyncio.create_task(self._send_all(send, mark)),
                 asyncio.create_task(_wait_until_gone(receive))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live.leave(mark)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            error = task.exception()
            # A client that is too slow or gone is no fault of ours.
            if error and not isinstance(error, OSError | TimeoutError):
                raise error

    async def _send_all(self, send: Send, mark: asyncio.Event) -> None:
        await send({"type": "http.response.start", "status": self.status_code,
                    "headers": self.raw_headers})
        comes = ONCE_MILLISECONDS if self._once else RECONNECT_MILLISECONDS
        await _send_body(send, b"retry: %d\n\n" % comes)
        sent = self._present_content() if self._is_present() else None
        mark.set()
        while not self._live.closed:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await mark.wait()
            except TimeoutError:
                await _send_body(send, b": still here\n\n", more=not self._once)
                if self._once:
                    return
                continue
            mark.clear()
            identifier, content = self._live.snapshot(*self._asked)
            if self._last_id and is_before(identifier, self._last_id):
                continue
            if content != sent:
                await _send_body(send, b"id: %s\ndata: %s\n\n" % (identifier.encode(), content),
                                 more=not self._once)
                if self._once:
                    return
                sent = content
        comes = RECONNECT_MILLISECONDS + secrets.randbelow(
            COME_AGAIN_MILLISECONDS - RECONNECT_MILLISECONDS)
        await _send_body(send, b"retry: %d\n\n" % comes, more=False)

    def _is_present(self) -> bool:
        return self._last_id == self._live.snapshot(*self._asked)[0]

    def _present_content(self) -> bytes:
        return self._live.snapshot(*self._asked)[1]


async def _send_body(send: Send, body: bytes, *, more: bool = True) -> None:
    # Not wait_for: before Python 3.12 it lost a cancellation, and with it the end of a stream.
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
