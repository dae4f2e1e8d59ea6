"""The gateway's framework and server, answering votes with an empty 202: what a vote is held to."""

import asyncio
import sys

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scrutin.gateway.composition import http_options


async def _empty(_request: Request) -> Response:
    return Response(status_code=202)


def main() -> None:
    """Serve on the port that the first argument names."""
    route = Route("/v1/consultations/{consultation}/votes", _empty, methods=["POST"])
    server = uvicorn.Server(uvicorn.Config(
        Starlette(routes=[route]), port=int(sys.argv[1]), **http_options()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


if __name__ == "__main__":
    main()
