"""The gateway's booth behind the pages where people vote."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from processors.guard.aside import Named, SetAside
from processors.guard.parameters import NAMES
from producers.gateway import ballots, booth, guards, identity
from producers.gateway.application import receipt_of
from producers.gateway.broker_time import BrokerTime
from producers.gateway.door_marks import Mark
from producers.gateway.exchange import JSON, Answer, Asked
from producers.gateway.follower import Follower
from producers.gateway.keys import KeyFolder
from producers.gateway.memory import Memory
from producers.gateway.meter import Meter
from producers.gateway.models import Receipt
from producers.gateway.notes import read as read_note
from producers.gateway.outlet import Acknowledged, NotWritten
from producers.gateway.rates import Rates, cookieless, headers_of
from producers.gateway.receipts import Batch
from producers.gateway.refusals import Refused
from producers.gateway.rereading import Rereader
from schemas import codec, problems
from schemas.registry import UnknownSchema
from schemas.topics import Topics
from schemas.words import SHOWN
from views.voting.desk import Act, Aside, Recorded, TurnedAway, Voted
from views.voting.places import Place


@dataclass
class GatewayDesk:
    """What a gateway is made of, as far as the pages need it."""

    topics: Topics
    booth: booth.Booth
    follower: Follower
    keys: KeyFolder
    memory: Memory
    rates: Rates
    rereader: Rereader
    meter: Meter
    time: BrokerTime
    set_aside: SetAside
    """Whom findings of the guard set aside."""

    @property
    def now(self) -> int:
        return self.time.milliseconds()

    def described(self, consultation: str) -> Mapping[str, Any] | None:
        return self.follower.known.find("ConsultationDescribed", consultation)

    def proposals(self, consultation: str) -> Mapping[str, Mapping[str, Any]]:
        return self.follower.proposals(consultation)

    def accepted(self, consultation: str) -> Mapping[str, Mapping[str, Any]]:
        return self.follower.accepted(consultation)

    def partners(self, consultation: str) -> Mapping[int, Mapping[str, Any]]:
        return self.follower.known.partners.get(consultation, {})

    def enter(self, request: Request, consultation: str, via: int = 0) -> "GatewayVisit":
        asked = Asked(request.scope, request.receive)
        asked.via = via
        device = guards.device_of(asked, self.keys.device)
        by_code = self.asks_codes(consultation)
        named, mark = guards.named_by(
            asked, self.keys.device, consultation, device, by_code=by_code)
        try:
            if request.method == "POST":
                _check_form(asked)
            voter = self.booth.voter(
                consultation, named, guards.origin_of(asked), guards.network_of(asked), mark, via,
                by_code=by_code)
        except Refused as refused:
            raise self.turned_away(refused, consultation) from None
        return GatewayVisit(self, asked, device, voter)

    def asks_codes(self, consultation: str) -> bool:
        return self.booth.codes.asked(consultation)

    def take_code(
        self, request: Request, consultation: str, text: str, response: Response, via: int = 0
    ) -> None:
        asked, answer = Asked(request.scope, request.receive), Answer(200, b"", JSON)
        asked.via = via
        try:
            _check_form(asked)
            bearer = self._bearer(asked, consultation, text) if text else None
        except Refused as refused:
            raise self.turned_away(refused, consultation) from None
        guards.keep_bearer(asked, answer, bearer, consultation, self.keys.device)
        for value in answer.cookies:
            response.headers.append("set-cookie", value.decode())

    def _bearer(self, asked: Asked, consultation: str, text: str) -> bytes:
        """Look a code up, as many as a network may show; raise Refused."""
        network = guards.network_of(asked)
        named = secrets.token_bytes(identity.IDENTIFIER_BYTES)  # Nobody yet: the network's counts.
        self.booth.voter(consultation, named, guards.origin_of(asked), network, via=asked.via,
                         by_code=True)
        rate = self.rates.count(named, cookieless(network), self.time.now())
        if rate.exceeded:
            raise Refused(problems.TOO_MANY_REQUESTS, headers=headers_of(rate))
        return self.booth.codes.bearer(consultation, text)

    def turned_away(self, refused: Refused, consultation: str) -> TurnedAway:
        """Say it as the pages take it, and count it."""
        self.meter.refused(refused.problem.name)
        self.booth.doorkeeper.refused(consultation, refused.problem.name)
        return TurnedAway(refused.problem, {
            name.decode(): value.decode() for name, value in refused.headers.items()})


def _check_form(asked: Asked) -> None:
    """Refuse a form of another site, or of a browser that does not say where it comes from.

    Programs, which say nothing either, have /v1.
    """
    guards.check_site(asked)
    if not asked.headers.keys() & {b"sec-fetch-site", b"origin"}:
        raise Refused(problems.OTHER_SITE)


@dataclass
class GatewayVisit:
    """A device within a consultation."""

    desk: GatewayDesk
    asked: Asked
    device: guards.Device
    voter: booth.Voter
    drawn: str | None = None
    """What the browser is to keep of a sequence until its voter acts; empty: nothing any more."""
    counts_as_drawn: bool = True
    mark: Mark | None = None
    """What makes the device known at the door, where it has just earned it."""

    @property
    def known(self) -> bool:
        return not self.device.is_new

    @property
    def secure(self) -> bool:
        return guards.is_secure(self.asked)

    @property
    def tells_routes(self) -> bool:
        return self.desk.booth.tells_routes

    def proof(self, proposal: str, route: str) -> str:
        return self.desk.booth.proof(
            self.voter, proposal, SHOWN.index(route), self.desk.now)

    async def serve(
        self, included: Sequence[str], voted: Mapping[str, Voted]
    ) -> list[str]:
        self._count()
        for proposal, held in voted.items():
            # Another gateway may have taken it, or this one before its restart.
            if self.desk.memory.choice(self.voter.id, proposal) is None:
                self.desk.memory.choose(
                    self.voter.id, proposal, held.choice, trusted=held.trusted)
        try:
            served = await self.desk.booth.serve(
                self.voter, included, looks_only=self.asked.scope["method"] == "HEAD")
        except Refused as refused:
            raise self.desk.turned_away(refused, self.voter.consultation) from None
        self.drawn, self.counts_as_drawn = served.waiting or None, served.counts_as_drawn
        return [each["proposal"] for each in served.proposals
                if each["proposal"] not in voted or each["proposal"] in included]

    async def act(self, act: Act, key: str) -> Recorded:
        self._count()
        try:
            done = await self.desk.booth.record(
                self.voter, ballots.Act(
                    act.event, act.proposal, act.word, act.proof, act.renewed,
                    act.solution, act.leave), key)
        except Refused as refused:
            raise self.desk.turned_away(refused, self.voter.consultation) from None
        await self._came_back()
        batch, place = done.acknowledged
        self.mark = done.passage.mark or self.mark
        return Recorded(batch.partition, batch.first_offset + place, done.trust == "trusted",
                        self.desk.follower.known.rules, done.passage.challenge)

    async def noted(self, notes: Sequence[str]) -> list[tuple[Act, Recorded]]:
        key, rules = self.desk.keys.device, self.desk.follower.known.rules
        found = [note for text in notes if (note := read_note(key, self.voter.id, text))]
        if found:
            await self._came_back()
        return [(Act(note.kind, note.proposal, note.word),
                 Recorded(note.partition, note.offset, note.trusted, rules)) for note in found]

    async def _came_back(self) -> None:
        """Record the sequence that waited in the browser for its first act."""
        waiting = guards.drawn_of(self.asked)
        if waiting is not None and await self.desk.booth.came_back(self.voter, waiting):
            self.drawn = ""

    async def describe(
        self, place: tuple[int, int], answers: Mapping[str, str | None]
    ) -> None:
        found = await self.receipt(place)
        if found is None:
            raise TurnedAway(problems.NO_VOTE)
        try:
            await self.desk.booth.describe(
                self.voter, Receipt.model_validate_json(found), dict(answers))
        except Refused as refused:
            raise self.desk.turned_away(refused, self.voter.consultation) from None

    def aside(self) -> Aside | None:
        found = self._named()
        return found and Aside(NAMES[found.rule], self.desk.booth.asked_review(self.voter))

    def _named(self) -> Named | None:
        """Return the finding that sets this voter aside."""
        return self.desk.set_aside.of(
            self.voter.id, self.voter.consultation, self.desk.follower.known.acts,
            self.desk.booth.answered(self.voter))

    async def ask_review(self) -> None:
        self._count()
        found = self._named()
        if found is None:  # It was reinstated since the page was made, and the next one says so.
            return
        try:
            await self.desk.booth.ask_review(self.voter, found.finding, found.rule)
        except Refused as refused:
            raise self.desk.turned_away(refused, self.voter.consultation) from None

    async def receipt(self, place: tuple[int, int]) -> bytes | None:
        self._count()
        partition, offset = place
        if partition >= self.desk.topics.partitions:
            return None
        try:
            value = await self.desk.rereader.value_at(partition, offset)
        except NotWritten:
            raise TurnedAway(problems.UNAVAILABLE) from None
        fields = _own(value, self.voter)
        if value is None or fields is None:
            return None
        recorded = booth.Recorded(
            Acknowledged(Batch(self.desk.topics.votes, partition, offset, [value]), 0),
            fields["event_id"], fields["trust"])
        return to_json(receipt_of(recorded, self.desk.keys.receipt), indent=2)

    def seal(self, content: bytes) -> bytes:
        return self.desk.keys.device.code(
            b"paper", self.voter.device, self.voter.consultation.encode(), content)

    def is_sealed(self, code: bytes, content: bytes) -> bool:
        return self.desk.keys.device.signed(
            code, b"paper", self.voter.device, self.voter.consultation.encode(), content)

    def remember(self, response: Response) -> None:
        answer = Answer(response.status_code, b"", JSON)
        if self.device.is_new:
            guards.remember_device(self.asked, answer, self.device, self.desk.keys.device)
        if self.mark is not None:
            guards.remember_mark(
                self.asked, answer, self.device, self.mark, self.desk.keys.device)
        if self.drawn is not None:
            place = Place(self.voter.consultation, self.voter.via)
            guards.keep_drawn(self.asked, answer, self.drawn, place.address)
        for value in answer.cookies:
            response.headers.append("set-cookie", value.decode())

    def _count(self) -> None:
        """Count what reaches the broker; pages alone are free."""
        voter, now = self.voter, self.desk.time.now()
        network = cookieless(voter.network) if self.device.is_new else voter.network
        rate = self.desk.rates.count(voter.id, network, now)
        if self.device.is_new and self.desk.rates.is_crowd(voter.network, now):
            self.desk.booth.doorkeeper.crowded(voter, now)
        if rate.exceeded:
            raise self.desk.turned_away(
                Refused(problems.TOO_MANY_REQUESTS, headers=headers_of(rate)),
                voter.consultation)


def _own(value: bytes | None, voter: booth.Voter) -> dict[str, Any] | None:
    """Decode an event of the voter; None where it is somebody else's or none."""
    try:
        _, fields = codec.decode(value)
    except (codec.Undecodable, UnknownSchema):
        return None
    own = (fields.get("voter"), fields.get("consultation")) == (voter.id, voter.consultation)
    return fields if own else None
