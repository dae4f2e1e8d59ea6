"""Spans reach a real collector, say nothing of anybody, and cost nothing where it is away."""

import asyncio
import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._shared_internal import BatchProcessor
from pydantic import ValidationError

from deploy.local.services import Broker, ClickHouse
from schemas import traces
from scrutin.process import spans, tracing
from scrutin.serving.traced import route_of
from scrutin.settings import Settings
from tests.harness import ROOT, Stack, stack_on
from tests.producers.gateway import booths
from tests.scrutin.process.collector import collecting
from tests.waiting import WAIT_SECONDS, until, until_answered


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVER = 2
"""What OpenTelemetry calls the kind of a span that answers somebody."""
RESOURCE = {"service.namespace", "service.name", "service.version", "service.instance.id"}
IMPORTS = """
import pathlib, sys
from scrutin.process import tracing
from scrutin.settings import Settings
for path in pathlib.Path("scrutin/commands").glob("*.py"):
    __import__(f"scrutin.commands.{path.stem}")
with tracing.told(Settings(), "gateway"):
    pass
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))))
"""


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    with stack_on(broker, topic_prefix, 1, tmp_path) as found:
        yield found


def settings(url: str, share: float = 1.0) -> Settings:
    return Settings(traces_url=url, traces_share=share)


async def told(url: str, number: int = 1, share: float = 1.0, **parent: Any) -> None:
    """Tell of requests, and end, as a process does: from a thread, for its collector is here."""
    def tell() -> None:
        with tracing.told(settings(url, share), "gateway"):
            for _ in range(number):
                traces.request("/v1/keys", "GET", 200, traces.begin(),
                               parent.get("parent"))

    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.to_thread(tell)


def test_nothing_of_opentelemetry_is_imported_where_no_collector_is_named() -> None:
    """By no command: what is off costs no start, and the packages need not be there."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True,
                          text=True, timeout=WAIT_SECONDS, check=True)

    assert done.stdout == "[]\n"


async def test_what_waits_is_sent_at_the_end_as_protobuf_with_its_parent() -> None:
    """Which is the caller's span; who sent it says its kind, version and instance."""
    async with collecting() as collector:
        await told(collector.url, parent=traces.Parent(int(TRACE, 16), int(SPAN, 16), sampled=True))
        found, = collector.spans()

    assert (found["name"], found["trace"], found["parent"], found["kind"]) == (
        "GET /v1/keys", TRACE, SPAN, SERVER)
    assert found["attributes"] == {
        traces.METHOD: "GET", traces.ROUTE: "/v1/keys", traces.STATUS: 200}
    assert found["resource"].keys() == RESOURCE
    assert found["resource"]["service.name"] == "scrutin-gateway"
    assert found["nanoseconds"] >= 0
    assert collector.headers[0]["Content-Type"] == "application/x-protobuf"


async def test_whoever_calls_leaves_a_request_out_and_makes_no_more_of_it() -> None:
    """Flagged as left out it is; flagged as kept it is only if the share has its trace."""
    # The share is by the last eight bytes of a trace's name: a small number is in any.
    kept, beyond = (traces.Parent(trace, 1, sampled=True) for trace in (1, (1 << 64) - 1))
    left_out = kept._replace(sampled=False)
    async with collecting() as collector:
        for parent in (left_out, beyond, kept):
            await told(collector.url, share=0.01, parent=parent)

        assert [int(span["trace"], 16) for span in collector.spans()] == [kept.trace]


@pytest.mark.parametrize("names", [
    {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret", "OTEL_RESOURCE_ATTRIBUTES": "who=me"},
    {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}])
async def test_what_is_sent_and_where_is_said_by_settings_alone(
    names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers, attributes and proxies of the environment are not taken."""
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    async with collecting() as collector:
        await told(collector.url)

        assert [span["resource"].keys() for span in collector.spans()] == [RESOURCE]
        assert "authorization" not in {name.lower() for name in collector.headers[0]}


@pytest.mark.parametrize("how", ["silent", "refusing", "away"])
async def test_a_collector_that_takes_nothing_holds_up_nobody(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More spans than may wait are told at once, and the process ends without it."""
    monkeypatch.setattr(spans, "ANSWER_SECONDS", 10 * WAIT_SECONDS)
    monkeypatch.setattr(BatchProcessor.shutdown, "__defaults__", (10_000 * WAIT_SECONDS,))
    async with collecting(silent=how == "silent", status=503) as collector:
        url = collector.url if how != "away" else "http://127.0.0.1:9/v1/traces"
        await told(url, number=2 * spans.QUEUE_SPANS)

        assert not collector.ended.is_set()


async def test_an_answer_that_comes_by_single_bytes_keeps_no_later_spans(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each byte is in time, the answer is not: it is given up, and said, as a silence is."""
    given_up = asyncio.Event()

    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            given_up.set()
        finally:
            writer.close()

    monkeypatch.setattr(spans, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(spans, "CLOSE_SECONDS", WAIT_SECONDS)
    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await told(f"http://127.0.0.1:{port}/v1/traces")
        async with asyncio.timeout(WAIT_SECONDS):
            await given_up.wait()

    assert "spans are lost" in capsys.readouterr().out


async def test_no_more_spans_wait_than_are_allowed() -> None:
    """The oldest are dropped: what is told last is what is worked on now."""
    async with collecting(silent=True) as collector:
        made = spans.Spans(collector.url, 1.0, "gateway", "1")
        for number in range(3 * spans.QUEUE_SPANS):
            made.take(traces.Span(f"decide {number}", 1, 2, {}))
        queue = made._provider._active_span_processor._span_processors[0]._batch_processor._queue  # type: ignore[attr-defined]  # the SDK does not say how many wait
        assert len(queue) <= spans.QUEUE_SPANS
        assert queue[0].name == f"decide {3 * spans.QUEUE_SPANS - 1}"
        await asyncio.to_thread(made.close)


@pytest.mark.parametrize("url", ["localhost:4318", "ftp://x/", "http://", "http://a:b@x/",
                                 "http://x/?token=1"])
def test_an_address_that_cannot_be_used_or_holds_a_secret_is_refused(url: str) -> None:
    """Before anything is told: it is shown in lines."""
    with pytest.raises(ValidationError):
        settings(url)


@pytest.mark.parametrize(("path", "route"), [
    ("/v1/consultations/town/votes", "/v1/consultations/{consultation}/votes"),
    ("/v1/consultations/a b/votes/p%2F1", "/v1/consultations/{consultation}/votes/{proposal}"),
    ("/v1/consultations/town/results", "v1"), ("/v1/keys", "/v1/keys"), ("/ops", "operations"),
    ("/c/somebody@example.org", "pages"), ("", "pages"), ("//x", "pages"),
    ("/livez", None), ("/readyz", None), ("/c/town/live", None)])
def test_an_address_is_told_as_we_write_it_never_as_it_was_typed(
    path: str, route: str | None
) -> None:
    """Supervisors and streams are not told at all."""
    assert route_of(path) == route


async def test_a_vote_is_told_from_the_request_to_the_archive_and_nobody_by_it(
    stack: Stack, clickhouse: ClickHouse
) -> None:
    """Every attribute is one that is listed, and no byte says who voted, for what, or where it is.
    """
    await booths.opened(stack)
    async with collecting() as collector:
        port = stack.ports.find()
        shared = {
            "SCRUTIN_TRACES_URL": collector.url, "SCRUTIN_TRACES_SHARE": "1",
            "SCRUTIN_CLICKHOUSE_URL": clickhouse.url, "SCRUTIN_VIEWS_PORT": str(port),
            "SCRUTIN_CLICKHOUSE_DATABASE": stack.topics.prefix}
        gateway = booths.started(stack, **shared)
        workers = [stack.started(name, **shared)
                   for name in ("ledger", "ideas", "archive", "views")]
        await gateway.ready()
        async with booths.Browser(gateway.url) as browser:
            answer = await browser.vote(key="key-of-an-act", headers={
                "traceparent": f"00-{TRACE}-{SPAN}-01", "user-agent": "a-browser/1",
                "tracestate": "vendor=a-state", "baggage": "who=a-person"})
            await browser.client.get("/c/town?lang=fr")
            cookies = [*browser.client.cookies.values()]
        await until_answered(f"http://127.0.0.1:{port}/c/town")
        topics = stack.topics
        await until(lambda: collector.names() >= {
            "POST /v1/consultations/{consultation}/votes", "GET pages", f"produce {topics.votes}",
            f"decide {topics.votes}", f"fold {topics.tallies}", f"publish {topics.results}",
            f"archive {topics.votes}"})
        for worker in (gateway.worker, *workers):
            worker.send(signal.SIGTERM)
        ended = [await asyncio.to_thread(each.wait) for each in (gateway.worker, *workers)]

    event, fields = booths.event_of(answer.json())
    told_of, sent = collector.spans(), b"\n".join(collector.bodies)
    voted = next(span for span in told_of if span["name"].startswith("POST"))
    assert (voted["trace"], voted["parent"], voted["attributes"][traces.STATUS], *ended) == (
        TRACE, SPAN, 202, 0, 0, 0, 0, 0)
    assert {name for span in told_of for name in span["attributes"]} == traces.ATTRIBUTES
    assert {span["events"] + span["links"] for span in told_of} == {0}
    secrets = [fields["voter"], fields["voter"].hex().encode(), fields["event_id"],
               fields["event_id"].hex().encode(), answer.json()["signature"].encode(),
               base64.b64encode(fields["voter"]).rstrip(b"="), *(c.encode() for c in cookies)]
    words = [b"town", b"Il faut", b"agree", b"127.0.0.1", b"key-of-an-act", b"a-browser",
             b"a-state", b"a-person", b"lang=fr", event.encode()]
    assert [each for each in (*secrets, *words) if each in sent] == []
