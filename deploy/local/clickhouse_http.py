"""ClickHouse's HTTP interface over the engine, as far as clickhouse-connect uses it.

Commands, parameters, settings, sessions, inserts, queries, streams, query ids, KILL QUERY, errors
with their codes. No TLS: it listens on the loopback interface only, behind a `Door` that asks for
the stack's password. What a statement may do: `clickhouse_wall`.
"""

import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local import clickhouse_statement as sql
from deploy.local.clickhouse_body import BodyRefusedError, Received, receive, receive_form
from deploy.local.clickhouse_door import Door
from deploy.local.clickhouse_engine import Answer, Engine, EngineError, Request
from deploy.local.clickhouse_queries import QueryCancelledError, RunningQuery


# Statements that may run at once; more wait. Two cores gain nothing from more.
STATEMENTS_MAX = 32
# Kills have room of their own: they must get through when everything else is stuck.
KILLS_MAX = 16
# How long a stop waits for cancelled queries before the engine is closed under them.
CLOSE_SECONDS = 5.0
# What a KILL's condition and answer see of a statement.
STATEMENT_SHOWN_MAX = 10_000

# Parameters of the HTTP interface itself; all others are settings of the query.
_NOT_SETTINGS = frozenset(
    {
        "query",
        "database",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "client_protocol_version",
        "wait_end_of_query",
        "buffer_size",
        "role",
        "user",
        "password",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
        "cancel_http_readonly_queries_on_client_close",
    }
)
NOT_KEPT = ("Code: 75. DB::Exception: Cannot write to file: the disk does not take the body of an "
            "insert ({why}): make room, then insert again. (CANNOT_WRITE_TO_FILE_DESCRIPTOR)")
CANCELLED = "Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)"
# HTTP statuses of the codes that are the sender's fault; all others are 500.
_STATUS = {60: 404, 62: 400, 81: 404, 373: 409, 115: 400, 164: 403, 452: 403, 497: 403}


def create_application(engine: Engine, incoming: Path, password: str = "") -> Starlette:
    """Serve an engine; inserts wait in the folder `incoming` until it has read them.

    Without a password everybody is refused.
    """

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(engine.close, CLOSE_SECONDS)

    interface = Interface(engine, incoming)
    routes = [
        Route("/ping", lambda _request: PlainTextResponse("Ok.\n")),
        Route("/", interface.handle, methods=["GET", "POST"]),
    ]
    door = Middleware(Door, password=password)
    return Starlette(routes=routes, lifespan=lifespan, middleware=[door])


class Interface:
    def __init__(self, engine: Engine, incoming: Path) -> None:
        self._engine = engine
        self._incoming = incoming
        self._statements = anyio.CapacityLimiter(STATEMENTS_MAX)
        self._kills = anyio.CapacityLimiter(KILLS_MAX)

    async def handle(self, http_request: HttpRequest) -> Response:
        """Answer one query; it is known under its id before its body is read."""
        parameters = http_request.query_params
        query_id = parameters.get("query_id") or str(uuid.uuid4())
        query = self._engine.queries.begin(query_id, "default")
        data_path = self._incoming / str(uuid.uuid4())
        try:
            response = await self._answer(http_request, query, data_path)
        except ClientDisconnect:
            response = PlainTextResponse("the client went away", 400)
        except BodyRefusedError as error:
            response = _refusal(f"Code: 307. DB::Exception: {error}. (TOO_MANY_BYTES)", 413)
        except OSError as error:
            response = _refusal(NOT_KEPT.format(why=error.strerror))
        except QueryCancelledError:
            response = _refusal(CANCELLED)
        except EngineError as error:
            response = _refusal(str(error))
        finally:
            data_path.unlink(missing_ok=True)
            if not query.in_engine:
                self._engine.queries.end(query)
        return response

    async def _answer(
        self, http_request: HttpRequest, query: RunningQuery, data_path: Path
    ) -> Response:
        parameters = dict(http_request.query_params)
        content_type = http_request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            parameters |= await receive_form(http_request.stream(), content_type)
            received = Received(parameters.get("query", ""))
        else:
            received = await receive(
                http_request.stream(),
                query=parameters.get("query", ""),
                encoding=http_request.headers.get("content-encoding", ""),
                data_path=data_path,
            )
        query.statement = received.statement[:STATEMENT_SHOWN_MAX]
        request = _request(parameters, query, read_only=http_request.method != "POST")
        query.in_engine = True
        # A client that asks for the end first wants an error as a status, not in the middle.
        whole = parameters.get("wait_end_of_query") == "1"
        if received.insert is None and not whole and _is_stream(received.statement, request):
            return await self._stream(request, received.statement)
        answer = await self._run(request, received, data_path)
        headers = self._headers(query.query_id, answer)
        return Response(answer.body, headers=headers, media_type="application/octet-stream")

    async def _run(self, request: Request, received: Received, data_path: Path) -> Answer:
        engine, insert = self._engine, received.insert
        if insert is not None:
            return await anyio.to_thread.run_sync(
                engine.insert,
                request,
                insert,
                data_path,
                received.compression,
                limiter=self._statements,
            )
        limiter = self._kills if sql.parse_kill(received.statement) else self._statements
        return await anyio.to_thread.run_sync(
            engine.run, request, received.statement, limiter=limiter
        )

    async def _stream(self, request: Request, statement: str) -> Response:
        chunks = self._engine.stream(request, statement)
        # Errors come with the first chunk and must still get a status of their own.
        first = await self._next(chunks)

        tag = uuid.uuid4().hex[:16]

        async def body() -> AsyncIterator[bytes]:
            chunk = first
            try:
                while chunk is not None:
                    yield chunk
                    chunk = await self._next(chunks)
            except EngineError as error:
                yield _exception_block(str(error), tag)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(chunks.close)  # type: ignore[attr-defined]  # a generator

        wanted = sql.output_format(statement, request.output_format)
        headers = self._headers(request.query.query_id, Answer(b"", wanted))
        headers["X-ClickHouse-Exception-Tag"] = tag
        return StreamingResponse(body(), headers=headers, media_type="application/octet-stream")

    async def _next(self, chunks: Iterator[bytes]) -> bytes | None:
        return await anyio.to_thread.run_sync(next, chunks, None, limiter=self._statements)

    def _headers(self, query_id: str, answer: Answer) -> dict[str, str]:
        summary = {
            "read_rows": str(answer.read_rows),
            "read_bytes": str(answer.read_bytes),
            "written_rows": str(answer.written_rows),
            "written_bytes": str(answer.written_bytes),
        }
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Summary": json.dumps(summary),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        if answer.output_format is not None:
            headers["X-ClickHouse-Format"] = answer.output_format
        return headers


def _request(parameters: dict[str, str], query: RunningQuery, *, read_only: bool) -> Request:
    return Request(
        query=query,
        read_only=read_only,
        session=parameters.get("session_id", ""),
        database=parameters.get("database", ""),
        settings={
            name: text
            for name, text in parameters.items()
            if name not in _NOT_SETTINGS and not name.startswith("param_")
        },
        parameters={
            name.removeprefix("param_"): text
            for name, text in parameters.items()
            if name.startswith("param_")
        },
        output_format=parameters.get("default_format", "TabSeparated"),
    )


def _exception_block(message: str, tag: str) -> bytes:
    """Write an error that comes after the status was sent the way servers since 25.11 do."""
    text = message.encode()
    framed = f"\n{len(text) + 1} {tag}\r\n__exception__\r\n".encode()
    return f"\r\n__exception__\r\n{tag}\r\n".encode() + text + framed


def _is_stream(statement: str, request: Request) -> bool:
    wanted = sql.output_format(statement, request.output_format)
    return sql.is_select(statement) and wanted in sql.CONCATENABLE_FORMATS


def _refusal(message: str, status: int | None = None) -> Response:
    found = re.search(r"Code: (\d+)", message)
    code = int(found[1]) if found else 1000
    headers = {"X-ClickHouse-Exception-Code": str(code)}
    return PlainTextResponse(message, status or _STATUS.get(code, 500), headers=headers)
