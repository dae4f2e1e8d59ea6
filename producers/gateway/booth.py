"""The booth: commands of voters in, events in the log, or a reason why not.

A command is checked against what the catalogue says now; whether the event counts is decided by
the ledger alone. Nothing is answered before the broker has acknowledged the event.
"""

import base64
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from producers.gateway import ballots, identity, kept, view_proofs
from producers.gateway.ballots import Act
from producers.gateway.broker_time import BrokerTime
from producers.gateway.descriptions import Descriptions
from producers.gateway.door import OPEN, Door, Passage
from producers.gateway.door_marks import LASTING, UNMARKED, Mark
from producers.gateway.doorkeeper import Doorkeeper
from producers.gateway.drawing import DAY_MILLISECONDS, Sequences
from producers.gateway.follower import Follower
from producers.gateway.issued_codes import IssuedCodes
from producers.gateway.keys import KeyFolder, KeysDestroyed
from producers.gateway.memory import Memory
from producers.gateway.models import Receipt
from producers.gateway.networks import Networks
from producers.gateway.outlet import Acknowledged, NotWritten, Outlet, Unknown, refused_of
from producers.gateway.pools import Pools
from producers.gateway.receipts import base64_of, is_signed
from producers.gateway.refusals import Refused
from producers.gateway.salts import Salts
from producers.gateway.view_proofs import PAUSE_UNKNOWN, UNSEEN, WORDING_UNKNOWN, Seen
from schemas import codec, problems
from schemas.figures import Sample
from schemas.finding_acts import REVIEW_ASKED, review_id
from schemas.named_keys import key_id
from schemas.partners import sites_of
from schemas.private_files import KEYS_MAX
from schemas.registry import FIRST_RULES, UnknownSchema
from schemas.topics import Topics, partition_of
from schemas.words import ORIGINS, SHOWN, TRUSTS


_TRUSTED, _SUSPECT = TRUSTS.index("trusted"), TRUSTS.index("suspect")
_CASTS = ("VoteCast", "QualificationAdded")
"""What nobody does with a retired proposal; what was done may be taken back."""
_WIDGET = ORIGINS.index("widget")
_UNKNOWN, _SERVED, _ASKED = map(SHOWN.index, ("unknown", "served", "asked"))
_TELLS_ROUTES = 2
"""From these rules on view proofs and ballots tell the route."""
REVIEWS_REMEMBERED = 16_384
"""So many reviews that were asked for are remembered, so that the page can say so."""


class Voter(NamedTuple):
    """Who acts, within one consultation."""

    consultation: str
    id: bytes
    device: bytes  # or the bearer of a code
    origin: int
    network: bytes
    """Never written with a vote."""
    via: int = 0
    """Number of the partner on whose site they act, as the page says: a claim. 0: none."""
    mark: Mark = UNMARKED
    """What makes the device known at the door."""
    keyed: bool = False
    """Whether a partner vouches for them, by its key."""


class Recorded(NamedTuple):
    """An event in the log."""

    acknowledged: Acknowledged
    event_id: bytes
    trust: str
    passage: Passage = OPEN
    """What the door made of it: a challenge, where it asks for one, and the device's mark."""


class Served(NamedTuple):
    """A sequence: proposals as the catalogue has them, and view proofs, made as they are read."""

    event_id: bytes
    proposals: list[dict[str, Any]]
    proofs: Iterator[str]
    waiting: str
    """What the browser keeps until the voter acts; empty where nothing waits."""
    counts_as_drawn: bool
    """Whether the proofs say that what was not asked for was drawn."""


class Booth:
    """Takes what voters do."""

    def __init__(  # noqa: PLR0913 -- the parts of a booth, each by its name
        self, *, topics: Topics, follower: Follower, outlet: Outlet, keys: KeyFolder,
        memory: Memory, pools: Pools, networks: Networks, time: BrokerTime, gateways: int = 1,
        door: Door | None = None,
    ) -> None:
        self._topics = topics
        self._follower = follower
        self._outlet = outlet
        self._keys = keys
        self.codes = IssuedCodes(keys, follower)
        self._memory = memory
        self._networks = networks
        self._time = time
        self._salts = Salts()
        self.doorkeeper = Doorkeeper(
            door, follower=follower, networks=networks, outlet=outlet, topic=topics.sequences,
            time=time, salts=self._salts)
        self._sequences = Sequences(
            pools=pools, outlet=outlet, topic=topics.sequences, keys=keys, memory=memory,
            salts=self._salts, time=time, gateways=gateways)
        self._described = kept.Accounts(kept.DESCRIPTIONS, gateways=gateways)
        self.descriptions = Descriptions(
            lambda begin, values: outlet.post(topics.participants, 0, begin, *values))
        """Those that wait for others; its `run` writes what is left at the end of a day."""
        self._asked: OrderedDict[bytes, None] = OrderedDict()
        """Reviews that were asked for here; asked again elsewhere they are the same event."""
        self._form, self._form_rules = ballots.form_of(FIRST_RULES), FIRST_RULES

    @property
    def ready(self) -> bool:
        """Whether votes can be taken now: those of one partition at least."""
        return (self._follower.ready.is_set() and self._outlet.takes(self._topics.votes)
                and self._time.settled)

    @property
    def away(self) -> list[str]:
        """Name the partitions that take nothing now, as TOPIC/NUMBER."""
        return self._outlet.away

    def voter(
        self, consultation: str, device: bytes | None, origin: int, network: bytes,
        mark: Mark = UNMARKED, via: int = 0, *, by_code: bool = False,
    ) -> Voter:
        """Name a device or a code's bearer in an open consultation; raise Refused where none is."""
        if not (self._follower.ready.is_set() and self._time.settled):
            raise Refused(problems.UNAVAILABLE)
        known = self._follower.known
        if (described := known.find("ConsultationDescribed", consultation)) is None:
            raise Refused(problems.UNKNOWN_CONSULTATION)
        if via and not sites_of(self.partners(consultation).get(via)):
            raise Refused(problems.UNKNOWN_PARTNER)
        if self._time.milliseconds() < described["opens_at"]:
            raise Refused(problems.NOT_YET_OPEN)
        self._require_not_closed(consultation)
        if device is None or not (by_code or self.codes.none_asked(
                consultation, described["opens_at"], self._time.milliseconds())):
            raise Refused(problems.CODE_NEEDED)
        try:
            pepper = self._keys.pepper(consultation)
        except KeysDestroyed:
            raise Refused(problems.CLOSED) from None
        return Voter(consultation, identity.pseudonym(pepper, device), device, origin, network,
                     via, mark)

    def partners(self, consultation: str) -> dict[int, dict[str, Any]]:
        """Return what the catalogue says of partners, by number."""
        return self._follower.known.partners.get(consultation, {})

    async def record(self, voter: Voter, act: Act, key: str | None) -> Recorded:
        """Write what a voter does; raise Refused with nothing written, or with UNKNOWN_OUTCOME."""
        self._check(voter, act)
        now = self._time.milliseconds()
        trust, seen = self._seen(voter, act, now)
        passage = OPEN
        # Most votes are drawn, by devices whose mark lasts: nothing is to be asked, or given.
        if act.kind == "VoteCast" and not voter.keyed and not (
                seen[0] == _SERVED and trust == _TRUSTED and voter.mark.how in LASTING):
            passage = await self.doorkeeper.meet(
                voter, act, now, trusted=trust == _TRUSTED, shown=seen[0])
            if passage.challenge is not None:
                trust = _SUSPECT
        event_id = self._event_id(voter, act, key, now, passage)
        rules = self._follower.known.rules
        if rules != self._form_rules:
            self._form, self._form_rules = ballots.form_of(rules), rules
        value = self._form(
            (event_id, voter.id, self._salts.draw(identity.IDENTIFIER_BYTES)), act,
            (trust, voter.origin, seen, voter.via, voter.consultation, now))
        partition = partition_of(voter.id, self._topics.partitions)
        self._memory.under_way.add(event_id)
        try:
            acknowledged = await self._write(self._topics.votes, partition, now, value)
            if act.kind in ("VoteCast", "VoteWithdrawn"):
                first = self._memory.choose(
                    voter.id, act.proposal, act.word or None, trusted=trust == _TRUSTED)
                if first and act.word:  # What counts nothing new answers nothing.
                    self._sequences.answered(voter, now)
        except Refused as refused:
            if refused.problem is problems.UNKNOWN_OUTCOME:
                self._memory.forget_choice(voter.id, act.proposal)  # the log may have another
            raise
        finally:
            self._memory.under_way.discard(event_id)
        self._networks.saw(event_id, voter.network, now, passage.said)
        return Recorded(acknowledged, event_id, TRUSTS[trust], passage)

    async def serve(
        self, voter: Voter, included: Sequence[str], *, looks_only: bool = False
    ) -> Served:
        """Choose the next proposals of a voter; see `producers.gateway.drawing` for the record."""
        try:
            given = await self._sequences.draw(voter, included, looks_only=looks_only)
        except (NotWritten, Unknown) as error:
            raise refused_of(error) from None
        accepted = self._follower.proposals(voter.consultation)
        others = _SERVED if given.counts_as_drawn else _UNKNOWN
        # One that was retired since it was drawn is not shown.
        kept = [(place, name) for place, name in enumerate(given.proposals) if name in accepted]
        proofs = (self.proof(voter, name, _ASKED if place < given.asked else others,
                             given.drawn_at) for place, name in kept)
        return Served(
            given.event_id, [accepted[name] for _, name in kept], proofs, given.waiting,
            given.counts_as_drawn)

    def proof(self, voter: Voter, proposal: str, shown: int, shown_at: int) -> str:
        """Prove that a proposal is shown to a voter, in the version of the announced rules.

        By a route, by its index in SHOWN, and at a time in milliseconds since 1970.
        """
        if not self.tells_routes:
            return view_proofs.first_proof(
                self._keys.view, voter.id, voter.consultation, proposal, shown_at // 1_000)
        return view_proofs.view_proof(
            self._keys.view, voter.id, voter.consultation, proposal, shown_at=shown_at,
            shown=shown, wording=self._follower.known.wording(voter.consultation, proposal))

    def dated_anew(self, voter: Voter, proposal: str, proof: str) -> str | None:
        """Write a proof again as of now, with its route and its words; None of a bad one.

        Who has twelve proposals at once is shown each when the act before it is answered.
        """
        return view_proofs.dated_anew(
            self._keys.view, voter.id, voter.consultation, proposal, proof,
            self._time.milliseconds(), tells_routes=self.tells_routes)

    @property
    def tells_routes(self) -> bool:
        """Whether proofs tell the route by which a proposal was reached."""
        return self._follower.known.rules >= _TELLS_ROUTES

    async def came_back(self, voter: Voter, waiting: str) -> bool:
        """Record the sequence that waited for an act; return whether the browser may forget it."""
        return await self._sequences.came_back(voter, waiting)

    def samples(self) -> Iterator[Sample]:
        """Yield what became of sequences, and what the door did, as figures."""
        yield from self._sequences.samples()
        yield from self.doorkeeper.samples()

    async def describe(
        self, voter: Voter, receipt: Receipt, described: dict[str, str | None]
    ) -> None:
        """Take what a participant donates, under a name that cannot be joined to votes.

        It is recorded once others have come together with it (`producers.gateway.descriptions`).
        """
        # It may have closed since the voter was named: a receipt is read from the log between.
        self._require_not_closed(voter.consultation)
        if not self._is_vote_of(voter, receipt):
            raise Refused(problems.NO_VOTE)
        now = self._time.milliseconds()
        day = now // DAY_MILLISECONDS
        pepper = self._keys.participants_pepper(voter.consultation)
        participant = identity.pseudonym(pepper, voter.device)
        value = codec.encode(
            "ParticipantDescribed", event_id=self._salts.draw(identity.IDENTIFIER_BYTES),
            participant=participant, consultation=voter.consultation,
            origin=ORIGINS[voter.origin], occurred_at=day * DAY_MILLISECONDS, day=day, **described)
        if not self._described.take(voter.id, voter.network, len(value), day):
            seconds = (DAY_MILLISECONDS - now % DAY_MILLISECONDS) // 1_000 + 1
            raise Refused(problems.ENOUGH_FOR_TODAY, headers={
                b"retry-after": str(seconds).encode()})
        try:
            self.descriptions.take(day, voter.consultation, participant, value)
        except NotWritten as error:
            raise refused_of(error) from None

    async def ask_review(self, voter: Voter, finding: bytes, rule: int) -> None:
        """Record that a voter whom a finding sets aside asks a person to look; once is enough.

        The device is the proof: nothing else comes with it. Raises Refused.
        """
        now = self._time.milliseconds()
        event_id = review_id(voter.consultation, voter.id)
        value = codec.encode(
            REVIEW_ASKED, event_id=event_id, voter=voter.id, consultation=voter.consultation,
            finding=finding, rule=rule, salt=self._salts.draw(identity.IDENTIFIER_BYTES),
            origin=ORIGINS[voter.origin], occurred_at=now)
        if self.asked_review(voter):
            return
        if not self._described.take(voter.id, voter.network, len(value), now // DAY_MILLISECONDS):
            raise Refused(problems.ENOUGH_FOR_TODAY)
        await self._write(self._topics.sequences, 0, now, value)
        self._asked[event_id] = None
        if len(self._asked) > REVIEWS_REMEMBERED:
            self._asked.popitem(last=False)

    def asked_review(self, voter: Voter) -> bool:
        """Whether a voter has asked for a review here, as far as it is remembered."""
        return review_id(voter.consultation, voter.id) in self._asked

    def answered(self, voter: Voter) -> frozenset[int]:
        """Return the rules that a person let set this voter aside no more."""
        return self._follower.known.answered.get(
            review_id(voter.consultation, voter.id), frozenset())

    def receipt_keys(self) -> dict[str, Any]:
        """Return the public keys of receipts: those that lie here, and all that the log names."""
        states = {key.public: key.state for key in self._follower.known.keys.of("receipt")}
        held = [key.public_key().public_bytes_raw() for key in self._keys.receipts]
        return {"receipt": base64_of(held[0]), "receipts": [
            {"id": key_id(public), "public": base64_of(public),
             "state": states.get(public, "unnamed")}
            for public in dict.fromkeys((*held, *states))]}

    def _require_not_closed(self, consultation: str) -> None:
        known = self._follower.known
        closes_at = (known.find("ConsultationDescribed", consultation) or {}).get("closes_at")
        if known.find("ConsultationClosed", consultation) or (
                closes_at is not None and self._time.milliseconds() >= closes_at):
            raise Refused(problems.CLOSED)

    def _is_vote_of(self, voter: Voter, receipt: Receipt) -> bool:
        """Whether a receipt of ours, by any key of ours, says that the voter has voted."""
        try:
            value = base64.b64decode(receipt.event, validate=True)
            event, fields = codec.decode(value)
            path = [base64.b64decode(each, validate=True) for each in receipt.batch.path]
            signature = base64.b64decode(receipt.signature, validate=True)
        except (ValueError, codec.Undecodable, UnknownSchema):
            return False
        return event == "VoteCast" and fields["voter"] == voter.id and any(is_signed(
            public, topic=self._topics.votes,
            partition=receipt.partition, offset=receipt.offset, event=value,
            first_offset=receipt.batch.first_offset, size=receipt.batch.size, path=path,
            inclusion_seconds=receipt.inclusion_seconds, signature=signature)
            for public in self._publics(receipt.key))

    def _publics(self, name: str | None) -> list[bytes]:
        """Return the public keys that a receipt may be by: the one it names, else the oldest ones.

        A receipt that names none is of release 0.1.0, which had one key: the one named first.
        """
        named = [key.public for key in self._follower.known.keys.of("receipt")]
        held = [key.public_key().public_bytes_raw() for key in self._keys.receipts]
        known = list(dict.fromkeys((*named, *held)))
        return ([public for public in known if key_id(public) == name] if name
                else known[:KEYS_MAX])

    def _check(self, voter: Voter, act: Act) -> None:
        known = self._follower.known
        if known.find("ProposalAccepted", voter.consultation, act.proposal) is None:
            raise Refused(problems.UNKNOWN_PROPOSAL)
        if act.kind in _CASTS and (voter.consultation, act.proposal) in known.retired:
            raise Refused(problems.RETIRED_PROPOSAL)
        # Whether a qualification goes with the vote the log alone can say: no gateway knows what
        # others are taking, and none refuses what another one takes.

    def _event_id(
        self, voter: Voter, act: Act, key: str | None, now: int, passage: Passage
    ) -> bytes:
        """Name an event: by its key and all that came with it, or by the time."""
        if key is None:
            return identity.time_ordered_id(now, self._salts.draw(10))
        content = f"{act.kind}\0{act.proposal}\0{act.word}\0{act.proof or ''}".encode()
        content += b"\0" + act.renewed.encode() if act.renewed else b""
        if passage.challenge is not None:  # Sent again it may be trusted: that is another event.
            content += b"\0challenged"
        return identity.event_id(
            self._keys.pepper(voter.consultation), voter.id, key, content)

    def _seen(self, voter: Voter, act: Act, now: int) -> tuple[int, Seen]:
        """Return the trust that the view proof of an act makes, and what it says of the view."""
        if voter.keyed:
            return _TRUSTED, UNSEEN
        key, consultation = self._keys.view, voter.consultation
        found = view_proofs.read(key, voter.id, consultation, act.proposal, act.proof, now)
        if found is None and act.renewed:
            renewed = view_proofs.read(
                key, voter.id, consultation, act.proposal, act.renewed, now)
            if renewed is not None:
                # It is of the moment of the act: of the view before it the route alone is known.
                found = renewed[0], PAUSE_UNKNOWN, WORDING_UNKNOWN
        trust, seen = (_SUSPECT, UNSEEN) if found is None else (_TRUSTED, found)
        if voter.origin == _WIDGET:  # Whose site it stands on has chosen the proposal.
            seen = _ASKED, *seen[1:]
        return trust, seen

    async def _write(
        self, topic: str, partition: int, timestamp: int, value: bytes
    ) -> Acknowledged:
        try:
            return await self._outlet.write(topic, partition, timestamp, value)
        except (NotWritten, Unknown) as error:
            raise refused_of(error) from None
