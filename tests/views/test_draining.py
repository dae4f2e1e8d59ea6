"""Who is told to stop is not ready first, answers on, and then ends what is under way."""

import asyncio

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.harness import WAIT_SECONDS
from views.draining import Draining, Told
from views.ports import listen
from views.server import Server


class Streams:
    """Streams that are told to end."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def test_told_to_stop_it_is_not_ready_and_answers_until_it_takes_no_more() -> None:
    """Streams stay meanwhile; what is under way when it takes no more is answered all the same."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        begun.set()
        await go_on.wait()
        return PlainTextResponse("done")

    draining = Draining(Starlette(routes=[
        Route("/readyz", lambda _: PlainTextResponse("ok")),
        Route("/page", lambda _: PlainTextResponse("page")), Route("/slow", slow)]), Told())
    streams = Streams()
    with listen("127.0.0.1", 0) as opened:
        url = f"http://127.0.0.1:{opened.getsockname()[1]}"
        server = Server((streams,), uvicorn.Config(
            draining, lifespan="off", interface="asgi3", log_config=None), draining,
            drain_seconds=100 * WAIT_SECONDS)
        async with asyncio.timeout(WAIT_SECONDS), httpx2.AsyncClient() as client:
            serving = asyncio.create_task(server.serve([opened]))
            before = [await client.get(f"{url}/{name}") for name in ("readyz", "page")]
            server.drain()
            after = [await client.get(f"{url}/{name}") for name in ("readyz", "page")]
            stayed = not streams.closed
            under_way = asyncio.create_task(client.get(f"{url}/slow"))
            await begun.wait()
            server.drain()  # A second time: at once.
            ended = streams.closed
            go_on.set()
            answer = await under_way
            await serving

    assert [each.status_code for each in before] == [200, 200]
    assert [each.status_code for each in after] == [503, 200]
    assert ["close" in each.headers.get("connection", "") for each in (*before, *after)] == [
        False, False, True, True]
    assert (stayed, ended) == (True, True)
    assert (answer.status_code, answer.text) == (200, "done")


async def test_it_takes_no_more_by_itself_once_others_had_time_to_see_it() -> None:
    """Told once it ends; without such a time it ends at once, and is not ready until then."""
    for seconds in (0.01, 0.0):
        draining, streams = Draining(PlainTextResponse("here"), Told()), Streams()
        with listen("127.0.0.1", 0) as opened:
            server = Server((streams,), uvicorn.Config(
                draining, lifespan="off", interface="asgi3", log_config=None), draining, seconds)
            async with asyncio.timeout(WAIT_SECONDS):
                serving = asyncio.create_task(server.serve([opened]))
                async with httpx2.AsyncClient() as client:
                    port = opened.getsockname()[1]
                    assert (await client.get(f"http://127.0.0.1:{port}/")).text == "here"
                server.drain()
                assert draining.told.begun
                await serving
        assert streams.closed
