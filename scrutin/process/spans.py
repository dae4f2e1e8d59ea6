"""Spans on their way to a collector of OpenTelemetry; imported only where one is named.

Theory of operation: spans wait in the SDK's queue, of which the oldest are dropped once it is full,
for its thread, which sends them as protobuf (OTLP by HTTP). What the collector does not take is
lost, once: a collector that is away, or silent, holds up nobody, and ends nobody. The way there is
our own, for the SDK's reads addresses, headers, certificates and proxies out of the environment.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from schemas import traces


QUEUE_SPANS = 2_048
"""Spans that may wait: some MB, and at a thousand spans a second two seconds of them."""
BATCH_SPANS = 512
"""Spans of one message, at most."""
PAUSE_SECONDS = 5.0
"""What waits is sent so often, or once it fills a message."""
ANSWER_SECONDS = 5.0
"""Longest wait for one answer of the collector."""
CLOSE_SECONDS = 1.0
"""So long a process that ends lets its last spans be sent; then they are lost."""

log = structlog.get_logger("process")


class Spans:
    """What a process tells its collector."""

    def __init__(self, url: str, share: float, kind: str, instance: str) -> None:
        sampled = TraceIdRatioBased(share)
        # Who calls may leave a request out, and make none of it a span beyond the share.
        self._provider = TracerProvider(
            sampler=ParentBased(sampled, remote_parent_sampled=sampled,
                                remote_parent_not_sampled=ALWAYS_OFF),
            resource=Resource({
                "service.namespace": "scrutin", "service.name": f"scrutin-{kind}",
                "service.version": version("scrutin"), "service.instance.id": instance}),
            shutdown_on_exit=False, span_limits=SpanLimits(
                max_attributes=len(traces.ATTRIBUTES), max_events=0, max_links=0))
        self._provider.add_span_processor(BatchSpanProcessor(
            Sending(url), max_queue_size=QUEUE_SPANS, max_export_batch_size=BATCH_SPANS,
            schedule_delay_millis=PAUSE_SECONDS * 1_000))
        self._tracer = self._provider.get_tracer("scrutin")

    def take(self, span: traces.Span) -> None:
        """Put a span into the queue; it never waits."""
        parent = span.parent
        context = None if parent is None else set_span_in_context(NonRecordingSpan(SpanContext(
            parent.trace, parent.span, is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if parent.sampled else 0))))
        made = self._tracer.start_span(
            span.name, context, SpanKind.SERVER if span.is_request else SpanKind.INTERNAL,
            span.attributes, start_time=span.began)
        if span.failed:
            made.set_status(Status(StatusCode.ERROR))
        made.end(span.ended)

    def close(self) -> None:
        """Send what waits, for CLOSE_SECONDS at most."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


class Sending(SpanExporter):
    """One POST for each message, by no proxy, whatever comes of it."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._away = ""
        """Why the collector took nothing last; empty: it took all."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans once; say it where that begins to fail, or is over."""
        try:
            status = self._sent(encode_spans(spans).SerializeToString())
            away = "" if 200 <= status < 300 else f"it answered {status}"
        except (OSError, http.client.HTTPException) as error:
            away = f"{type(error).__name__}: {error}"
        if away and not self._away:
            log.warning("spans are lost: the collector takes none", url=self._url.geturl(),
                        reason=away)
        elif self._away and not away:
            log.info("the collector takes spans again", url=self._url.geturl())
        self._away = away
        return SpanExportResult.FAILURE if away else SpanExportResult.SUCCESS

    def _sent(self, body: bytes) -> int:
        host, port = self._url.hostname or "", self._url.port
        # A connection for each message: one in seconds, and none that may have gone stale.
        with contextlib.closing(
                http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=self._tls)
                if self._tls else
                http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as connection:
            connection.request("POST", self._url.path or "/", body, {
                "Content-Type": "application/x-protobuf"})
            # The socket's own bound is one for each byte: a slow answer would keep the next spans.
            ending = threading.Timer(ANSWER_SECONDS, connection.sock.shutdown, (socket.SHUT_RDWR,))
            ending.daemon = True
            ending.start()
            try:
                return connection.getresponse().status
            finally:
                ending.cancel()
