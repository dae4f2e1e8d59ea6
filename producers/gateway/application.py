"""The gateway over HTTP: who may ask, how answers look. What is recorded, the booth decides."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from producers.gateway import guards, receipts
from producers.gateway.booth import Act, Booth, Recorded, Voter
from producers.gateway.keys import KeyFolder
from producers.gateway.models import Description, Qualified, Vote
from producers.gateway.operations import OPERATIONS, openapi, routes
from producers.gateway.rates import Rates, headers_of
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.problems import ProblemKind


NO_STORE = {"cache-control": "no-store"}
ERRORS_NAMED = 8
"""Faults of a body that are named; more help nobody."""


class Speech(Protocol):
    """Chooses a language and speaks it: what the pages do, handed in by the composition root."""

    def language(self, request: Request) -> str: ...

    def translate(self, language: str, text: str) -> str: ...


class Gateway:
    """The addresses under which votes are taken."""

    def __init__(self, booth: Booth, keys: KeyFolder, rates: Rates, speech: Speech) -> None:
        self._booth = booth
        self._keys = keys
        self._rates = rates
        self._speech = speech

    def application(self, otherwise: ASGIApp | None = None) -> Starlette:
        """Make the application; what it has no address for goes to `otherwise`."""
        handlers = {
            operation.handler: functools.partial(self._answer, getattr(self, operation.handler))
            for operation in OPERATIONS
        }
        app = Starlette(
            routes=routes(handlers),
            exception_handlers={HTTPException: self._refused, Exception: self._failed})
        if otherwise is not None:
            app.router.default = otherwise
        return app

    # Commands

    async def cast(self, request: Request) -> Response:
        return await self._act(request, self._vote)

    async def withdraw(self, request: Request) -> Response:
        return await self._act(request, _withdrawal)

    async def qualify(self, request: Request) -> Response:
        return await self._act(request, self._qualification)

    async def unqualify(self, request: Request) -> Response:
        return await self._act(request, _unqualification)

    async def describe(self, request: Request) -> Response:
        voter, device, headers = self._admitted(request)
        described = _parsed(Description, await guards.json_body(request))
        fields = described.model_dump(exclude={"voted"})
        await self._booth.describe(voter, described.voted, fields)
        return self._given({"recorded": True}, 202, request, device, headers)

    # What is read

    async def openapi(self, _request: Request) -> Response:
        return Response(openapi(), media_type="application/json",
                        headers={"access-control-allow-origin": "*"})

    async def keys(self, _request: Request) -> Response:
        public = self._keys.receipt.public_key().public_bytes_raw()
        return Response(to_json({"receipt": receipts.base64_of(public)}),
                        media_type="application/json",
                        headers={"access-control-allow-origin": "*"})

    async def livez(self, _request: Request) -> Response:
        return Response("ok\n", media_type="text/plain", headers=NO_STORE)

    async def readyz(self, request: Request) -> Response:
        if not self._booth.ready:
            return self._problem(request, problems.UNAVAILABLE)
        return Response("ok\n", media_type="text/plain", headers=NO_STORE)

    # How

    async def _act(
        self, request: Request, read: Callable[[Request], Awaitable[Act]]
    ) -> Response:
        voter, device, headers = self._admitted(request)
        act = await read(request)
        recorded = await self._booth.record(voter, act, guards.idempotency_key(request))
        return self._given(self._receipt(voter, recorded), 202, request, device, headers)

    def _admitted(self, request: Request) -> tuple[Voter, guards.Device, dict[str, str]]:
        """Say who asks; raise Refused where he may not."""
        guards.check_site(request)
        device = guards.device_of(request, self._keys.device)
        voter = self._booth.voter(
            request.path_params["consultation"], device.id, guards.origin_of(request))
        rate = self._rates.count(voter.id, guards.network_of(request))
        headers = headers_of(rate)
        if rate.exceeded:
            raise Refused(problems.TOO_MANY_REQUESTS, headers=headers)
        return voter, device, headers

    async def _vote(self, request: Request) -> Act:
        vote = _parsed(Vote, await guards.json_body(request))
        return Act("VoteCast", vote.proposal, vote.choice, vote.proof)

    async def _qualification(self, request: Request) -> Act:
        given = _parsed(Qualified, await guards.json_body(request))
        return Act("QualificationAdded", given.proposal, given.qualification, given.proof)

    def _receipt(self, voter: Voter, recorded: Recorded) -> dict[str, Any]:
        batch, place = recorded.acknowledged
        sealed = batch.seal(self._keys.receipt)
        return {
            "partition": batch.partition,
            "offset": batch.first_offset + place,
            "event_id": recorded.event_id.hex(),
            "trust": recorded.trust,
            "event": receipts.base64_of(batch.values[place]),
            "batch": {
                "first_offset": batch.first_offset,
                "size": sealed.size,
                "path": [receipts.base64_of(each) for each in sealed.path(place)],
            },
            "signature": receipts.base64_of(sealed.signature),
            "voted": self._booth.vote_token(voter),
        }

    def _given(
        self, what: Mapping[str, Any], status: int, request: Request, device: guards.Device,
        headers: Mapping[str, str],
    ) -> Response:
        response = Response(
            to_json(what), status, headers={**NO_STORE, **headers}, media_type="application/json")
        guards.remember_device(request, response, device, self._keys.device)
        return response

    async def _answer(
        self, handler: Callable[[Request], Awaitable[Response]], request: Request
    ) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return self._problem(request, refused.problem, refused)

    def _problem(
        self, request: Request, problem: ProblemKind, refused: Refused | None = None
    ) -> Response:
        language = self._speech.language(request)
        document = problem.document(
            functools.partial(self._speech.translate, language), request.url.path)
        headers = {**NO_STORE, "content-language": language}
        if problem.retry_seconds:
            headers["retry-after"] = str(problem.retry_seconds)
        if refused is not None:
            headers.update(refused.headers)
            if refused.errors:
                document["errors"] = refused.errors
        return Response(
            to_json(document), problem.status, headers=headers, media_type=problems.MEDIA_TYPE)

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = {405: problems.METHOD_NOT_ALLOWED}.get(error.status_code, problems.NOT_FOUND)
        return self._problem(request, kind, Refused(kind, headers=error.headers))

    async def _failed(self, request: Request, _error: Exception) -> Response:
        return self._problem(request, problems.INTERNAL)


async def _withdrawal(request: Request) -> Act:
    return Act("VoteWithdrawn", request.path_params["proposal"], proof=_proof(request))


async def _unqualification(request: Request) -> Act:
    word = request.path_params["qualification"]
    given = _parsed(Qualified, to_json({
        "proposal": request.path_params["proposal"], "qualification": word}))
    return Act("QualificationWithdrawn", given.proposal, word, _proof(request))


def _proof(request: Request) -> str | None:
    return request.query_params.get("proof")


Model = TypeVar("Model", bound=BaseModel)


def _parsed(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise Refused(problems.INVALID_REQUEST, errors=[
            {"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]}
            for fault in faults[:ERRORS_NAMED]
        ]) from None
