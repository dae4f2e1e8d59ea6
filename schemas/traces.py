"""How long pieces of work took, told to whoever listens: what OpenTelemetry calls spans.

Theory of operation: nobody listens unless a setting names a collector (`scrutin.process.tracing`),
and then a piece of work costs a look at a name. What a span may say is what the two functions below
take, under the names in `ATTRIBUTES`: of a request its address as we write it, never as somebody
typed it; of a batch its topic and how many records it has, never which. No span of a batch names a
request, nor the other way: nobody shall learn from them whose vote lies where.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple


Work = Literal["produce", "decide", "fold", "publish", "archive"]
"""What is done with a batch."""
METHOD, ROUTE, STATUS = "http.request.method", "http.route", "http.response.status_code"
TOPIC = "messaging.destination.name"
PARTITION = "messaging.destination.partition.id"
RECORDS = "messaging.batch.message_count"
ATTRIBUTES = frozenset((METHOD, ROUTE, STATUS, TOPIC, PARTITION, RECORDS))
"""Every attribute that a span may have; the names are OpenTelemetry's."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
"""Methods told as they came; another word is somebody's text."""
_PARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


class Parent(NamedTuple):
    """The span of somebody else that a request belongs to (W3C Trace Context)."""

    trace: int
    span: int
    sampled: bool


class Span(NamedTuple):
    """One piece of work, done."""

    name: str
    began: int
    """Nanoseconds since 1970, as is..."""
    ended: int
    attributes: Mapping[str, str | int]
    failed: bool = False
    parent: Parent | None = None
    is_request: bool = False


_listeners: list[Callable[[Span], None]] = []
"""One at most: who starts a process makes it listen."""


def listen(listener: Callable[[Span], None] | None) -> None:
    """Tell a listener from now on, or nobody; it is called where the work is done."""
    _listeners[:] = [] if listener is None else [listener]


def listening() -> bool:
    """Whether anybody listens."""
    return bool(_listeners)


def begin() -> int:
    """Return when a piece of work begins, in nanoseconds since 1970; 0 where nobody listens."""
    return time.time_ns() if _listeners else 0


def batch(
    work: Work, began: int, topic: str, partition: int, records: int, *, failed: bool = False
) -> None:
    """Tell that a batch of a topic partition is done, as `begin` dated it."""
    if began:
        _tell(Span(f"{work} {topic}", began, time.time_ns(), {
            TOPIC: topic, PARTITION: str(partition), RECORDS: records}, failed=failed))


def request(
    route: str, method: str, status: int, began: int, parent: Parent | None
) -> None:
    """Tell that a request is answered; `route` is one of ours, status 0: nobody was answered."""
    if began:
        known = method if method in METHODS else "_OTHER"
        answered = {STATUS: status} if status else {}
        _tell(Span(f"{known} {route}", began, time.time_ns(), {
            METHOD: known, ROUTE: route, **answered},
            failed=status >= 500, parent=parent, is_request=True))


def _tell(span: Span) -> None:
    for listener in _listeners:
        listener(span)


def parent_in(headers: list[tuple[bytes, bytes]]) -> Parent | None:
    """Read `traceparent` of a request; None where there is none, two, or none that is well formed.

    `tracestate` and `baggage`, which may hold any text, are not read.
    """
    given = [value for name, value in headers if name == b"traceparent"]
    found = _PARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None:
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    return Parent(trace, span, bool(flags & _SAMPLED)) if trace and span else None
