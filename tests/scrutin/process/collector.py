"""A small collector of OpenTelemetry: it takes spans by OTLP over HTTP, and keeps them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What it was told, and how it answers."""

    status: int = 200
    silent: bool = False
    """Whether it takes what is sent, and never answers."""
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        if self.silent:
            await self.ended.wait()
        return web.Response(status=self.status)

    def spans(self) -> list[dict[str, Any]]:
        """Every span: its names, attributes, ids and those of who sent it."""
        return [
            {"name": span.name, "attributes": _values(span.attributes), "kind": span.kind,
             "resource": _values(resource.resource.attributes), "trace": span.trace_id.hex(),
             "parent": span.parent_span_id.hex(), "status": span.status.code,
             "events": len(span.events), "links": len(span.links),
             "nanoseconds": span.end_time_unix_nano - span.start_time_unix_nano}
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans for span in scope.spans]

    def names(self) -> set[str]:
        return {span["name"] for span in self.spans()}


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@asynccontextmanager
async def collecting(**how: Any) -> AsyncIterator[Collector]:
    """Run a collector on a port of its own."""
    found = Collector(**how)
    application = web.Application(client_max_size=1 << 24)
    application.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/v1/traces"
    try:
        yield found
    finally:
        found.ended.set()
        await runner.cleanup()
