"""The gateway over HTTP: who may ask, how answers look. What is recorded, the booth decides."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from producers.gateway import guards, notes, operations
from producers.gateway.ballots import Act
from producers.gateway.batches import BATCH_BYTES, Batches, Partner
from producers.gateway.booth import Booth, Recorded, Voter
from producers.gateway.exchange import JSON, NO_STORE, Answer, Asked, Endpoint
from producers.gateway.handed_in import Results, Speech
from producers.gateway.identity import Clock
from producers.gateway.keys import KeyFolder
from producers.gateway.meter import Meter
from producers.gateway.models import BALLOTS_MOST, Ballots, Description, Qualified, Vote
from producers.gateway.rates import Rates, cookieless, headers_of
from producers.gateway.receipts import INCLUSION_SECONDS, base64_of
from producers.gateway.refusals import Fault, Refused
from producers.gateway.sequence import SIZE
from schemas import problems
from schemas.words import ORIGINS


ERRORS_NAMED = 8
"""Faults of a body that are named; more help nobody."""
BOUNDS = ("max_length", "min_length", "ge", "lt", "le", "pattern")
"""What pydantic calls them."""
_BROWSERS = frozenset(map(ORIGINS.index, ("web", "widget")))
READABLE_ANYWHERE = {b"access-control-allow-origin": b"*", b"cache-control": b"max-age=300"}
"""For what is the same for everybody."""

Model = TypeVar("Model", bound=BaseModel)


class Gateway:
    """The addresses under which votes are taken."""

    def __init__(  # noqa: PLR0913 -- the parts of a gateway, each by its name
        self, booth: Booth, keys: KeyFolder, rates: Rates, speech: Speech, meter: Meter,
        ready: Callable[[], bool], clock: Clock, results: Results,
    ) -> None:
        self._booth = booth
        self._results = results
        self._batches = Batches(booth, gateways=rates.gateways)
        self._keys = keys
        self._rates = rates
        self._speech = speech
        self._meter = meter
        self._ready = ready
        self._clock = clock
        self._logger = structlog.get_logger("gateway")

    def application(self, otherwise: ASGIApp) -> Router:
        """Make the application; what it has no address for goes to `otherwise`."""
        found = {
            operation.handler: Endpoint(
                getattr(self, operation.handler), self._refused,
                functools.partial(self._answered, operation))
            for operation in operations.OPERATIONS
        }
        return operations.Addresses(
            operations.routes(found, self._not_allowed), self._meter.metered(otherwise))

    # Commands

    async def cast(self, asked: Asked) -> Answer:
        return await self._act(asked, _vote)

    async def withdraw(self, asked: Asked) -> Answer:
        return await self._act(asked, _withdrawal)

    async def qualify(self, asked: Asked) -> Answer:
        return await self._act(asked, _qualification)

    async def unqualify(self, asked: Asked) -> Answer:
        return await self._act(asked, _unqualification)

    async def describe(self, asked: Asked) -> Answer:
        voter, device, headers = self._admitted(asked)
        given = _parsed(Description, await asked.json_body())
        await self._booth.describe(voter, given.receipt, given.model_dump(exclude={"receipt"}))
        return self._given(asked, {"recorded": True}, device, headers)

    async def batch(self, asked: Asked) -> Answer:
        """Take the ballots of a partner's voters; each is answered by itself."""
        guards.check_site(asked)
        self._check_reader(asked)
        partner = self._batches.partner(
            asked.parts["consultation"], _via(asked), guards.bearer_of(asked))
        with self._batches.admitted(partner):
            self._count(asked, partner, 0)
            body = await asked.json_body(BATCH_BYTES)
            try:
                given = _parsed(Ballots, body).ballots
            except Refused:  # It has cost us what a full one costs.
                self._count(asked, partner, BALLOTS_MOST)
                raise
            self._count(asked, partner, len(given))
            done = await self._batches.record(partner, given)
        language = self._language(asked)
        answers = [{"problem": self._document(asked, each, language)}
                   if isinstance(each, Refused) else
                   {"receipt": receipt_of(each, self._keys.receipt)} for each in done]
        self._meter.balloted(partner.consultation, partner.number, len(done),
                             refused=sum(isinstance(each, Refused) for each in done))
        return Answer(200, to_json({"answers": answers}), JSON, {**NO_STORE, **asked.limits})

    def _count(self, asked: Asked, partner: Partner, ballots: int) -> None:
        rate = self._batches.count(partner, ballots, self._clock())
        asked.limits = headers_of(rate)
        if rate.exceeded:
            raise Refused(problems.TOO_MANY_REQUESTS)

    async def sequence(self, asked: Asked) -> Answer:
        voter, device, headers = self._admitted(asked)
        included = [name for name in (_queried(asked, "include") or "").split(",") if name]
        if len(included) > SIZE:
            raise Refused(problems.INVALID_REQUEST, errors=[
                Fault("include", "too_long", str(SIZE))])
        served = await self._booth.serve(
            voter, included, looks_only=asked.scope["method"] == "HEAD")
        answer = self._given(asked, {
            "sequence": served.event_id.hex(),
            "proposals": [
                {"id": each["proposal"], "text": each["text"], "author": each["author"],
                 "proof": proof}
                for each, proof in zip(served.proposals, served.proofs, strict=True)
            ],
        }, device, headers, status=200)
        if served.waiting:
            guards.keep_drawn(asked, answer, served.waiting, _below(voter.consultation))
        return answer

    # What is read

    async def openapi(self, asked: Asked) -> Answer:
        self._check_reader(asked)
        return Answer(200, operations.openapi(), headers=READABLE_ANYWHERE)

    async def keys(self, asked: Asked) -> Answer:
        self._check_reader(asked)
        return Answer(200, to_json(self._booth.receipt_keys()), headers=READABLE_ANYWHERE)

    async def livez(self, _asked: Asked) -> Answer:
        return Answer(200, b"ok\n", b"text/plain", NO_STORE)

    async def readyz(self, _asked: Asked) -> Answer:
        away = self._booth.away
        if not self._ready():
            raise Refused(problems.UNAVAILABLE, away=away)
        said = f"ok, but for {', '.join(away)}: away\n" if away else "ok\n"
        return Answer(200, said.encode(), b"text/plain", NO_STORE)

    # How

    async def _act(self, asked: Asked, read: Callable[[Asked], Awaitable[Act]]) -> Answer:
        voter, device, headers = self._admitted(asked)
        wants_shares = read is _vote and _wants_shares(asked)
        act = await read(asked)
        recorded = await self._booth.record(voter, act, guards.idempotency_key(asked))
        given = receipt_of(recorded, self._keys.receipt)
        if voter.origin in _BROWSERS:
            given["note"] = self._note(voter, act, recorded, given)
        if asked.scope["query_string"]:
            given.update(self._next(voter, asked))
        answer = self._given(asked, given, device, headers)
        if wants_shares:
            answer.more = functools.partial(
                self._results.after, voter.consultation, act.proposal, given["partition"],
                given["offset"])
        if recorded.passage.mark is not None:
            guards.remember_mark(
                asked, answer, device, recorded.passage.mark, self._keys.device)
        waiting = guards.drawn_of(asked)
        if waiting is not None and await self._booth.came_back(voter, waiting):
            guards.keep_drawn(asked, answer, "", _below(voter.consultation))
        return answer

    def _note(
        self, voter: Voter, act: Act, recorded: Recorded, given: Mapping[str, Any]
    ) -> str:
        """Tell the voter's browser what the booth's pages are to know."""
        return notes.written(self._keys.device, voter.id, notes.Note(
            act.kind, act.proposal, act.word, recorded.trust == "trusted",
            given["partition"], given["offset"]))

    def _next(self, voter: Voter, asked: Asked) -> dict[str, str]:
        """Date the proof of what is shown next anew; nothing where it is not good."""
        proposal, proof = _queried(asked, "next"), _queried(asked, "next_proof")
        if not proposal or not proof:
            return {}
        dated = self._booth.dated_anew(voter, proposal, proof)
        return {} if dated is None else {"next_proof": dated}

    def _admitted(self, asked: Asked) -> tuple[Voter, guards.Device, dict[bytes, bytes]]:
        """Say who asks; raise Refused where he may not."""
        guards.check_site(asked)
        asked.via = _via(asked)
        device = guards.device_of(asked, self._keys.device)
        network, consultation = guards.network_of(asked), asked.parts["consultation"]
        by_code = self._booth.codes.asked(consultation)
        named, mark = guards.named_by(
            asked, self._keys.device, consultation, device, by_code=by_code)
        voter = self._booth.voter(consultation, named, guards.origin_of(asked), network, mark,
                                  asked.via, by_code=by_code)
        now = self._clock()
        rate = self._rates.count(
            voter.id, cookieless(network) if device.is_new else network, now)
        if device.is_new and self._rates.is_crowd(network, now):
            self._booth.doorkeeper.crowded(voter, now)
        headers = asked.limits = headers_of(rate)
        if rate.left < 0:  # `exceeded`, without its call: every vote comes here
            raise Refused(problems.TOO_MANY_REQUESTS)
        return voter, device, headers

    def _check_reader(self, asked: Asked) -> None:
        """Count what is the same for everybody as the pages are counted."""
        rate = self._rates.count_reader(guards.network_of(asked), self._clock())
        if rate.exceeded:
            raise Refused(problems.TOO_MANY_REQUESTS, headers=headers_of(rate))

    def _given(
        self, asked: Asked, what: dict[str, Any], device: guards.Device,
        headers: dict[bytes, bytes], *, status: int = 202,
    ) -> Answer:
        answer = Answer(status, to_json(what), JSON, {**NO_STORE, **headers})
        if device.is_new:
            guards.remember_device(asked, answer, device, self._keys.device)
        return answer

    def _refused(self, asked: Asked, error: Exception) -> Answer:
        """Say what went wrong, in the language of whoever asked."""
        if not isinstance(error, Refused):
            self._logger.error("a request failed", path=asked.path, exc_info=error)
            error = Refused(problems.INTERNAL)
        kind, language = error.problem, self._language(asked)
        document = self._document(asked, error, language)
        headers = {**NO_STORE, b"content-language": language.encode(), **asked.limits,
                   **error.headers}
        if kind.retry_seconds:
            headers[b"retry-after"] = str(kind.retry_seconds).encode()
        return Answer(kind.status, to_json(document), problems.MEDIA_TYPE.encode(), headers)

    def _document(self, asked: Asked, error: Refused, language: str) -> dict[str, Any]:
        """Count a refusal, and write it."""
        self._meter.refused(error.problem.name)
        self._booth.doorkeeper.refused(
            asked.scope.get("path_params", {}).get("consultation", ""), error.problem.name)
        translate = functools.partial(self._speech.translate, language)
        document = error.problem.document(translate, asked.path)
        if error.errors:
            document["errors"] = [fault.document(translate) for fault in error.errors]
        if error.away:
            document["away"] = error.away
        return document

    def _answered(self, operation: operations.Operation, status: int, seconds: float) -> None:
        self._meter.answered(operation.handler, status)
        if operation.path.startswith("/v1/"):
            self._meter.took(seconds)

    def _language(self, asked: Asked) -> str:
        try:
            wanted = asked.query().get("lang")
        except Refused:
            wanted = None
        return self._speech.language(
            wanted, asked.cookie(self._speech.cookie), asked.header(b"accept-language"))

    async def _not_allowed(
        self, methods: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        asked = Asked(scope, receive)
        refused = Refused(problems.METHOD_NOT_ALLOWED, headers={b"allow": methods.encode()})
        answer = self._refused(asked, refused)
        self._meter.answered("none", answer.status)
        await answer.send(send)


def receipt_of(recorded: Recorded, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Write the receipt of an event in the log, in the terms of `models.Receipt`."""
    batch, place = recorded.acknowledged
    sealed = batch.seal(key)
    challenge = recorded.passage.challenge
    asks = {} if challenge is None else {"challenge": challenge.document()}
    return {
        **asks,
        "partition": batch.partition,
        "offset": batch.first_offset + place,
        "event_id": recorded.event_id.hex(),
        "trust": recorded.trust,
        "event": base64_of(batch.values[place]),
        "batch": {
            "first_offset": batch.first_offset,
            "size": sealed.size,
            "path": [base64_of(each) for each in sealed.path(place)],
        },
        "inclusion_seconds": INCLUSION_SECONDS,
        "key": sealed.key,
        "signature": sealed.signature_base64,
    }


def _below(consultation: str) -> str:
    """Return the path below which sequences of a consultation are asked for and voted on."""
    return f"/v1/consultations/{quote(consultation, safe='')}"


async def _vote(asked: Asked) -> Act:
    vote = _parsed(Vote, await asked.json_body())
    return Act("VoteCast", vote.proposal, vote.choice, vote.proof,
               vote.renewed, vote.solution, vote.leave)


async def _withdrawal(asked: Asked) -> Act:
    return Act("VoteWithdrawn", asked.parts["proposal"], proof=_queried(asked, "proof"))


async def _qualification(asked: Asked) -> Act:
    given = _parsed(Qualified, await asked.json_body())
    return Act("QualificationAdded", given.proposal, given.qualification, given.proof)


async def _unqualification(asked: Asked) -> Act:
    given = _parsed(Qualified, to_json({
        "proposal": asked.parts["proposal"], "qualification": asked.parts["qualification"],
        "proof": _queried(asked, "proof")}))
    return Act("QualificationWithdrawn", given.proposal, given.qualification, given.proof)


def _via(asked: Asked) -> int:
    """Return the number of the partner that the query names, 0 without one."""
    if b"via=" not in asked.scope["query_string"]:
        return 0
    text = _queried(asked, "via") or ""
    if not (text.isascii() and text.isdecimal()):
        raise Refused(problems.INVALID_REQUEST, errors=[Fault("via", "int_parsing")])
    return int(text)


def _wants_shares(asked: Asked) -> bool:
    """Whether what everybody votes is to follow the receipt of a vote."""
    if b"shares=" not in asked.scope["query_string"]:
        return False
    if asked.query().get("shares") != "1":
        raise Refused(problems.INVALID_REQUEST, errors=[Fault("shares", "literal_error", "1")])
    return True


def _queried(asked: Asked, name: str) -> str | None:
    """Return a field of the query, within the bounds that the document names."""
    value = asked.query().get(name)
    most = operations.QUERY_CHARACTERS[name]
    if value is not None and len(value) > most:
        raise Refused(problems.INVALID_REQUEST, errors=[
            Fault(name, "string_too_long", str(most))])
    return value


def _parsed(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise Refused(problems.INVALID_REQUEST, errors=[
            Fault(".".join(map(str, fault["loc"])), fault["type"], _allowed(fault.get("ctx", {})))
            for fault in faults[:ERRORS_NAMED]
        ]) from None


def _allowed(context: dict[str, Any]) -> str:
    """Name what pydantic says is allowed, without a word of English."""
    words = str(context.get("expected", "")).replace("' or '", "', '").replace("'", "")
    bounds = (str(context[name]) for name in BOUNDS if name in context)
    return words or next(bounds, "")
