"""Whether anybody listens to what a process works on: the collector that a setting names."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas import traces
from scrutin.settings import Settings


@contextmanager
def told(settings: Settings, kind: str) -> Iterator[None]:
    """While inside, a collector is told; without one named, nothing of OpenTelemetry is imported.
    """
    if not settings.traces_url:
        yield
        return
    from scrutin.process.spans import Spans  # noqa: PLC0415 -- OpenTelemetry is an extra
    spans = Spans(settings.traces_url, settings.traces_share, kind, settings.instance)
    traces.listen(spans.take)
    try:
        yield
    finally:
        traces.listen(None)
        spans.close()
