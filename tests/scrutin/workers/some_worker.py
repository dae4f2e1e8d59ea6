"""A worker that says who it is and counts its answers: no more than a supervisor needs."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from schemas import figures
from schemas.figures import Sample
from scrutin.workers.place import Place
from views.draining import Draining, Told
from views.ports import bound
from views.server import Server


async def main(port: int, place: Place) -> None:
    """Answer until told to stop."""
    answers = 0

    async def page(_request: Request) -> Response:
        nonlocal answers
        answers += 1
        return PlainTextResponse(f"{place.worker} {os.getpid()}")

    async def freeze(_request: Request) -> Response:
        os.kill(os.getpid(), signal.SIGSTOP)
        return PlainTextResponse("thawed")

    async def figures_of_all(_request: Request) -> Response:
        said = await place.joined()
        return Response(said, 503 if said is None else 200)

    def says() -> Iterator[Sample]:
        yield Sample(figures.GATEWAY_ANSWERS, answers, ("pages", "200"))

    place.stands(says, lambda: True)
    attending = asyncio.create_task(place.attend())
    draining = Draining(Starlette(routes=[
        Route("/metrics", figures_of_all), Route("/freeze", freeze), Route("/", page)]), Told())
    server = Server((), uvicorn.Config(
        draining, lifespan="off", interface="asgi3", log_config=None), draining)
    with bound("127.0.0.1", port, shared=True) as opened:
        await server.serve_at(opened, place)
    attending.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Place.read(sys.argv[3])))
