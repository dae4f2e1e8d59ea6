"""Every address of the gateway, once: its routes and its OpenAPI document are made from this."""

import functools
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from producers.gateway.exchange import JSON_SEQUENCE
from producers.gateway.models import (
    IDENTIFIER_BYTES,
    PROOF_CHARACTERS,
    Ballots,
    BallotsAnswered,
    Description,
    Keys,
    Problem,
    Qualified,
    Receipt,
    Sequence,
    Shares,
    Thanks,
    Vote,
)
from schemas import problems
from schemas.partners import PARTNERS_MOST
from schemas.problems import ProblemKind
from schemas.words import QUALIFICATIONS


HTTP_API_VERSION = "1"
INCLUDED_CHARACTERS = 800
"""Longest `include`: twelve identifiers and their commas."""

QUERY_CHARACTERS = {
    "proof": PROOF_CHARACTERS, "include": INCLUDED_CHARACTERS, "next": IDENTIFIER_BYTES,
    "next_proof": PROOF_CHARACTERS, "via": len(str(PARTNERS_MOST)), "shares": 1}
_NEXT = ("next", "next_proof", "via")
"""Of an act: the proposal that is shown next, and its proof, which the answer dates anew; and the
partner on whose site it is."""
_TYPED: dict[str, dict[str, Any]] = {
    "via": {"type": "integer", "minimum": 0, "maximum": PARTNERS_MOST},
    "shares": {"type": "string", "const": "1", "description": "Have a second text follow the "
               "receipt, a moment later: what everybody votes."}}
_ANY = (problems.NOT_FOUND, problems.METHOD_NOT_ALLOWED)
_WRITING = (
    problems.UNKNOWN_CONSULTATION, problems.UNKNOWN_PARTNER, problems.NOT_YET_OPEN,
    problems.CLOSED, problems.CODE_NEEDED, problems.OTHER_SITE, problems.INVALID_REQUEST,
    problems.INVALID_KEY, problems.TOO_MANY_REQUESTS, problems.UNAVAILABLE, problems.BUSY,
    problems.UNKNOWN_OUTCOME,
)
_ACTING = (*_WRITING, problems.UNKNOWN_PROPOSAL, problems.RETIRED_PROPOSAL)
_BODY = (problems.NOT_JSON, problems.TOO_LARGE)


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    method: str
    path: str
    handler: str
    """Name of the method of `Gateway` that answers."""
    summary: str
    status: int
    answer: type[BaseModel] | None
    """None: plain text."""
    body: type[BaseModel] | None = None
    refusals: tuple[ProblemKind, ...] = ()
    query: tuple[str, ...] = ()
    keyed: bool = False
    """Whether it takes an Idempotency-Key."""
    authorized: bool = False
    """Whether it takes a partner's key, as a bearer's."""
    documented: bool = field(default=True)
    then: type[BaseModel] | None = None
    """What follows the answer where the query asks for it (`shares`)."""


_C = "/v1/consultations/{consultation}"
OPERATIONS = (
    Operation("POST", f"{_C}/votes", "cast", "Vote, or change a vote", 202, Receipt, Vote,
              (*_ACTING, *_BODY), query=(*_NEXT, "shares"), keyed=True, then=Shares),
    Operation("DELETE", f"{_C}/votes/{{proposal}}", "withdraw", "Withdraw a vote", 202, Receipt,
              None, _ACTING, query=("proof", *_NEXT), keyed=True),
    Operation("POST", f"{_C}/qualifications", "qualify", "Qualify a vote", 202, Receipt,
              Qualified, (*_ACTING, *_BODY), query=_NEXT, keyed=True),
    Operation("DELETE", f"{_C}/qualifications/{{proposal}}/{{qualification}}", "unqualify",
              "Take a qualification back", 202, Receipt, None, _ACTING, query=("proof", *_NEXT),
              keyed=True),
    Operation("POST", f"{_C}/participants", "describe", "Describe yourself, after a first vote",
              202, Thanks, Description, (*_WRITING, *_BODY, problems.NO_VOTE,
                                                 problems.ENOUGH_FOR_TODAY), query=("via",)),
    Operation("POST", f"{_C}/batch", "batch",
              "Ballots of a partner's voters, under its key: each is answered by itself", 200,
              BallotsAnswered, Ballots, (*_WRITING, *_BODY, problems.NO_PARTNER), query=("via",),
              authorized=True),
    Operation("GET", f"{_C}/sequence", "sequence",
              "The next proposals to vote on; `include` names some to come first, by commas", 200,
              Sequence, None, _WRITING, query=("include", "via")),
    Operation("GET", "/v1/keys", "keys", "Public keys that receipts are checked with", 200, Keys,
              refusals=(problems.TOO_MANY_REQUESTS,)),
    Operation("GET", "/v1/openapi.json", "openapi", "This document", 200, None, documented=False),
    Operation("GET", "/livez", "livez", "Whether the process answers", 200, None,
              documented=False),
    Operation("GET", "/readyz", "readyz", "Whether votes can be taken and results shown", 200, None,
              documented=False),
)


NotAllowed = Callable[[str, Scope, Receive, Send], Awaitable[None]]
"""Answers a method that an address does not take; it is told those it takes."""


def routes(endpoints: Mapping[str, ASGIApp], not_allowed: NotAllowed) -> list[Route]:
    """Make the routes."""
    return [_Address(operation, endpoints[operation.handler], not_allowed)
            for operation in OPERATIONS]


class _Address(Route):
    """A route whose refusals are ours too."""

    def __init__(
        self, operation: Operation, endpoint: ASGIApp, not_allowed: NotAllowed
    ) -> None:
        super().__init__(operation.path, endpoint, methods=[operation.method])
        self._not_allowed = not_allowed

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.methods is not None
        if scope["method"] in self.methods:
            await self.app(scope, receive, send)
        else:
            await self._not_allowed(", ".join(sorted(self.methods)), scope, receive, send)


class Addresses(Router):
    """The routes, and a shorter way to an address that takes the method asked for.

    A vote spends two microseconds in the class above, which asks more than we need. What is at none
    of the addresses goes on at once: the pages have addresses of their own. The rest goes its way.
    """

    def __init__(self, addresses: Collection[Route], otherwise: ASGIApp) -> None:
        super().__init__(list(addresses), redirect_slashes=False, default=otherwise)
        self._short = [(each.path_regex.match, each.methods or (), each.app)
                       for each in addresses]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, method, is_ours = scope["path"], scope["method"], False
            for match, methods, answers in self._short:
                found = match(path)
                if found is not None and method in methods:
                    # Its parts are text as it is: no route of ours converts any.
                    scope["path_params"] = found.groupdict()
                    await answers(scope, receive, send)
                    return
                is_ours = is_ours or found is not None
            if not is_ours:
                await self.default(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    paths = dict.fromkeys(each.path for each in OPERATIONS)
    return tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths)


def address_of(path: str) -> str | None:
    """Return the address, as it is written above, that a path is of; None where it is of none."""
    return next((address for pattern, address in _patterns() if pattern.fullmatch(path)), None)


@functools.cache
def openapi() -> bytes:
    """Write the OpenAPI document of the operations."""
    models = sorted(
        {model for each in OPERATIONS for model in (each.body, each.answer, each.then) if model}
        | {Problem},
        key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if operation.documented:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return to_json({
        "openapi": "3.1.0",
        "info": {
            "title": "scrutin: voting",
            "version": HTTP_API_VERSION,
            "description": "An answer 202 comes only after the log has the event. Problems follow "
            "RFC 9457: `type` opens a page about each.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {
            "partner": {"type": "http", "scheme": "bearer"}}},
    })


def _described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.handler,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.authorized:
        found["security"] = [{"partner": []}]
    if operation.body is not None:
        found["requestBody"] = {"required": True, "content": _content(operation.body)}
    return found


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    identifier = {"type": "string", "minLength": 1, "maxLength": IDENTIFIER_BYTES}
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", operation.path):
        schema = {"enum": list(QUALIFICATIONS)} if name == "qualification" else identifier
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    found += [{"name": name, "in": "query", "schema": _TYPED.get(name) or {
        "type": "string", "maxLength": QUERY_CHARACTERS[name]}} for name in operation.query]
    if operation.keyed:
        found.append({
            "name": "Idempotency-Key", "in": "header",
            "description": "A random text for each action; a retry bears the same one. Other "
                           "content under the same key is another action.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        })
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in (*operation.refusals, *_ANY):
        by_status.setdefault(kind.status, []).append(kind)
    content = _content(operation.answer) if operation.answer else {"text/plain": {}}
    if operation.answer and operation.then:
        first, second = operation.answer.__name__, operation.then.__name__
        content |= {JSON_SEQUENCE.decode(): {"schema": {
            "type": "string", "description": f"Where `shares=1` asks for it: a {first}, and "
            f"{second} as soon as there are any, each a text of its own (RFC 7464)."}}}
    found: dict[str, Any] = {
        str(operation.status): {"description": operation.summary, "content": content}}
    for status, kinds in sorted(by_status.items()):
        found[str(status)] = {
            "description": "; ".join(dict.fromkeys(kind.title for kind in kinds)),
            "content": {problems.MEDIA_TYPE: _schema(Problem)},
        }
    return found


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": _schema(model)}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
