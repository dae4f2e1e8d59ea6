"""Small random ballot boxes: every kind of event, every oddity, deterministic by seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from processors.ledger.ledger import Ledger
from producers.signing import OwnKey, own_key
from schemas import codec, hot
from schemas.chains import NO_CHAIN, linked
from schemas.control_roles import public_key
from schemas.control_signatures import (
    SIGNATURE_BYTES,
    signed,
    unsigned_digest,
)
from schemas.named_keys import KEY_ID_BYTES
from schemas.registry import newest, versions
from schemas.topics import partition_of
from schemas.words import CHOICES, CONTROL_ROLES, ORIGINS, QUALIFICATIONS, SHOWN


CONSULTATION = "jeunes"
OTHER = "autre"
BEGAN_AT = 1_647_900_000_000
"""22 March 2022, in milliseconds."""
ORIGIN = ORIGINS.index("simulation")
Log = list[bytes | None]


@dataclass
class Box:
    """A ballot box being filled: one log a partition."""

    partitions: int
    randomness: random.Random
    logs: list[Log] = field(default_factory=list)
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    """Ballot events so far, with their partition, to deliver some again."""
    elapsed_milliseconds: int = 0
    """What has passed besides a millisecond for each ballot event."""
    completed: bool = False
    """Whether the catalogue says that the closing lies in every partition."""
    names_keys: bool = False
    """Whether the catalogue names keys of receipts, and retires one."""
    writes_version_2: bool = False
    """Whether ballots and controls of both versions are written."""
    begins_with_keys: bool = False
    """Whether partitions begin under rules 2, with keys."""
    keys: tuple[OwnKey, ...] = ()
    """Keys in force: an operator's, the guard's, a clerk's."""
    edition: int = 0
    forgets: bool = False
    """Whether anything sent may come again, however late, and ids end alike."""
    first_keys: list[bytes] = field(default_factory=list)
    """Digests of the adoptions by which partitions without keys took their first."""

    def __post_init__(self) -> None:
        if self.begins_with_keys:
            self.writes_version_2 = True
            self.keys, self.edition = self._drawn(), 1
        for partition in range(self.partitions):
            self.logs.append([self._adoption(2, partition) if self.keys else codec.encode(
                "RulesAdopted", event_id=self.identifier(), ledger_version=1, partition=partition,
                partitions=self.partitions, salt=self.identifier(), origin="operator",
                occurred_at=BEGAN_AT)])

    def _drawn(self) -> tuple[OwnKey, ...]:
        return tuple(own_key(self.randomness.randbytes(32)) for _ in CONTROL_ROLES)

    def _adoption(self, version: int, partition: int) -> bytes:
        """Encode the adoption of rules, and of the keys in force."""
        return codec.encode_as(
            versions("RulesAdopted")[version - 1], event_id=self.identifier(),
            ledger_version=version, partition=partition, partitions=self.partitions,
            salt=self.identifier(), origin="operator", occurred_at=BEGAN_AT,
            generation=self.edition, keys=[
                public_key(role, own.public).fields()
                for role, own in zip(CONTROL_ROLES, self.keys, strict=bool(self.keys))])

    def replace_keys(self) -> None:
        """Adopt other keys: first ones as was told, others signed; and what only claims to be."""
        before, self.keys, self.edition = self.keys, self._drawn(), self.edition + 1
        for partition in range(self.partitions):
            value = self._adoption(2, partition)
            forged = self._adoption(2, partition)
            if before:
                value = self._signed(partition, value, before[0])
                forged = self._signed(partition, forged, self.keys[0])
            else:
                self.first_keys.append(unsigned_digest(value))
            self.put(partition, forged)
            self.put(partition, value)
            self.put(partition, value)

    def tell_unusable(self) -> None:
        """Tell ledgers of a first adoption that no log takes: no key in it is an operator's."""
        own = own_key(self.randomness.randbytes(32))
        for partition in range(self.partitions):
            value = codec.encode_as(
                newest("RulesAdopted"), event_id=self.identifier(), ledger_version=2,
                partition=partition, partitions=self.partitions, salt=self.identifier(),
                origin="operator", occurred_at=BEGAN_AT, generation=1,
                keys=[public_key("clerk", own.public).fields()])
            self.first_keys.append(unsigned_digest(value))
            self.put(partition, value)

    def _signed(self, partition: int, value: bytes, own: OwnKey) -> bytes:
        """Sign a control of version 2; its signer stands before the signature."""
        named = value[:-SIGNATURE_BYTES - KEY_ID_BYTES] + own.id + value[-SIGNATURE_BYTES:]
        return signed(own.private, partition, linked(NO_CHAIN, self.logs[partition][0] or b""),
                      named)

    def _spoken(self, partition: int, value: bytes) -> bytes:
        """Sign a control of version 2 by some key, or not, where the log has keys."""
        if not self.keys or codec.schema_of(value).version == 1 or self.randomness.random() < 0.3:
            return value
        return self._signed(partition, value, self.randomness.choice(self.keys))

    def identifier(self) -> bytes:
        """Make sixteen random bytes."""
        return self.randomness.randbytes(16)

    def voter_in(self, partition: int) -> bytes:
        """Make a voter whose events lie in a partition."""
        while partition_of(voter := self.identifier(), self.partitions) != partition:
            pass
        return voter

    def put(self, partition: int, value: bytes | None) -> None:
        """Append a record."""
        self.logs[partition].append(value)

    def ballot(self, voter: bytes, proposal: str, *, consultation: str = CONSULTATION) -> None:
        """Append a random ballot event of a voter."""
        suspect = int(self.randomness.random() < 0.3)
        now = BEGAN_AT + self.elapsed_milliseconds + len(self.sent)
        kind = self.randomness.random()
        fields: list[Any] = [self._event_id(), voter, self.identifier()]
        event = "VoteCast"
        if kind < 0.55:
            fields.append(self.randomness.randrange(len(CHOICES)))
        elif kind < 0.65:
            event = "VoteWithdrawn"
        else:
            event = "QualificationAdded" if kind < 0.9 else "QualificationWithdrawn"
            fields.append(self.randomness.randrange(len(QUALIFICATIONS)))
        if self.writes_version_2 and self.randomness.random() < 0.7:
            value = hot.encoder(event, 2)(
                *fields, suspect, ORIGIN, self.randomness.randrange(len(SHOWN)), 15, consultation,
                proposal, now, 0, self.randomness.randrange(-1, 900))
        else:
            value = hot.encoder(event)(*fields, suspect, ORIGIN, consultation, proposal, now)
        partition = partition_of(voter, self.partitions)
        if self.randomness.random() < 0.02:
            partition = self.randomness.randrange(self.partitions)
        self.put(partition, value)
        self.sent.append((partition, value))

    def _event_id(self) -> bytes:
        """Draw an id; sometimes one that ends like another, in as many bytes as are remembered."""
        found = self.identifier()
        if self.forgets and self.sent and self.randomness.random() < 0.1:
            _, other = self.randomness.choice(self.sent)
            size = self.randomness.choice((4, 5, 8))
            return found[:-size] + other[5:21][-size:]
        return found

    def again(self) -> None:
        """Deliver one of the last ballot events again."""
        if self.sent:
            self.put(*self.randomness.choice(self.sent if self.forgets else self.sent[-12:]))

    def odd(self) -> None:
        """Append something that cannot be decoded."""
        _, value = self.randomness.choice(self.sent) if self.sent else (0, b"\0\0\0\0\1")
        self.put(self.randomness.randrange(self.partitions), self.randomness.choice([
            None, b"", b"\1\0\0\0\1", value[:-1], value[:40], value + b"\0", b"\0\0\0\0\1" * 1000,
            value.replace(b"\x06p-", b"\x06\xff-"),
        ]))

    def control(self, event: str, voter: bytes) -> None:
        """Suspend or reinstate a voter; sometimes twice."""
        fields: dict[str, Any] = {
            "event_id": self.identifier(), "voter": voter, "consultation": CONSULTATION,
            "reason": "vérifié", "salt": self.identifier(), "origin": "operator",
            "occurred_at": BEGAN_AT}
        value = codec.encode(event, **fields)
        if self.writes_version_2 and self.randomness.random() < 0.7:
            value = codec.encode_as(newest(event), **fields, **self._findings(event))
        partition = partition_of(voter, self.partitions)
        value = self._spoken(partition, value)
        for _ in range(self.randomness.choice([1, 1, 2])):
            self.put(partition, value)

    def _findings(self, event: str) -> dict[str, Any]:
        """Draw what a control of version 2 rests on, of few findings: so they meet again."""
        pairs = [{"cause": self.randomness.choice((0, 0, 1, 2)),
                  "finding": bytes(15) + bytes((self.randomness.randrange(4),))} for _ in range(2)]
        if event == "VoterSuspended":
            return pairs[0]
        return {"findings": pairs, "immune": self.randomness.choice(([], [], [2]))}

    def rise(self) -> None:
        """Adopt rules 2 in every partition, and write events of both versions from now on."""
        self.writes_version_2 = True
        for partition in range(self.partitions):
            self.put(partition, self._adoption(2, partition))

    def close(self, *, partitions: Sequence[int] | None = None) -> None:
        """Close the consultation in every partition, or in some."""
        self._put("ConsultationClosed", partitions, closes_at=BEGAN_AT)

    def seal(self) -> None:
        """Seal the consultation in every partition."""
        self._put("ConsultationSealed", None)

    def _put(self, event: str, partitions: Sequence[int] | None, **fields: int) -> None:
        event_id = self.identifier()
        for partition in range(self.partitions) if partitions is None else partitions:
            value = codec.encode_as(
                newest(event) if self.keys else versions(event)[0], event_id=event_id,
                consultation=CONSULTATION, salt=self.identifier(), origin="operator",
                occurred_at=BEGAN_AT, **fields)
            self.put(partition, self._spoken(partition, value))


def rule_for_all() -> bytes:
    """Encode a change of a rule of the guard for all consultations: it names none."""
    return codec.encode(
        "GuardRuleChanged", event_id=bytes(16), consultation=None, rule=1, version=1, mode="off",
        parameters=[], follows=bytes(16), reason="why", salt=bytes(16), origin="operator",
        occurred_at=0, by=bytes(8), signature=bytes(64))


def random_box(
    seed: int, events: int, *, partitions: int = 2, voters: int = 6, proposals: int = 4,
    rises_at: int | None = None, begins_with_keys: bool = False, keys_at: Sequence[int] = (),
    forgets: bool = False,
) -> Box:
    """Fill a ballot box at random; the same seed gives the same bytes.

    Rules 2 are adopted after so many events; events of version 2 come from the first on. Where
    keys are adopted, at the begin or later, controls are signed, forged or left unsigned.
    """
    randomness = random.Random(seed)
    box = Box(partitions, randomness, begins_with_keys=begins_with_keys, forgets=forgets)
    people = [box.voter_in(number % partitions) for number in range(voters)]
    names = [f"é-{number}" if number % 3 == 2 else f"p-{number}" for number in range(proposals)]
    closing = randomness.randrange(events // 2, 2 * events + 1)
    sealing = randomness.randrange(events // 2, 2 * events + 1)
    steps: list[tuple[float, Callable[[], None]]] = [
        (0.3 if forgets else 0.06, box.again),
        (0.03, box.odd),
        (0.02, lambda: box.control("VoterSuspended", randomness.choice(people))),
        (0.02, lambda: box.control("VoterReinstated", randomness.choice(people))),
        (0.05, lambda: box.ballot(randomness.choice(people), "p-0", consultation=OTHER)),
        (1.0, lambda: box.ballot(randomness.choice(people), randomness.choice(names))),
    ]
    box.writes_version_2 |= rises_at is not None
    for number in range(events):
        if number in keys_at:
            box.replace_keys()
        if number == rises_at:
            box.rise()
        if number == closing:
            box.close()
        if number == sealing:
            box.seal()
        chance = randomness.random()
        for part, step in steps:
            chance -= part
            if chance < 0:
                step()
                break
    return box


def decide(box: Box) -> tuple[list[Ledger], list[list[bytes]]]:
    """Decide every record of a box: the ledgers afterwards and the decisions by partition."""
    ledgers = [Ledger(partition, box.partitions, frozenset(box.first_keys))
               for partition in range(box.partitions)]
    decisions = []
    for ledger, log in zip(ledgers, box.logs, strict=True):
        decided = [ledger.decide(offset, value) for offset, value in enumerate(log)]
        decisions.append([value for value in decided if value is not None])
    return ledgers, decisions
