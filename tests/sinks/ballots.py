"""Small random ballot boxes: every kind of event, every oddity, deterministic by seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from processors.ledger.ledger import Ledger
from schemas import codec, hot
from schemas.registry import newest
from schemas.topics import partition_of
from schemas.words import CHOICES, ORIGINS, QUALIFICATIONS, SHOWN


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

    def __post_init__(self) -> None:
        for partition in range(self.partitions):
            self.logs.append([codec.encode(
                "RulesAdopted", event_id=self.identifier(), ledger_version=1, partition=partition,
                partitions=self.partitions, salt=self.identifier(), origin="operator",
                occurred_at=BEGAN_AT)])

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
        fields: list[Any] = [self.identifier(), voter, self.identifier()]
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

    def again(self) -> None:
        """Deliver one of the last ballot events again."""
        if self.sent:
            self.put(*self.randomness.choice(self.sent[-12:]))

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
        for _ in range(self.randomness.choice([1, 1, 2])):
            self.put(partition_of(voter, self.partitions), value)

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
            self.put(partition, codec.encode_as(
                newest("RulesAdopted"), event_id=self.identifier(), ledger_version=2,
                partition=partition, partitions=self.partitions, salt=self.identifier(),
                origin="operator", occurred_at=BEGAN_AT))

    def close(self, *, partitions: Sequence[int] | None = None) -> None:
        """Close the consultation in every partition, or in some."""
        self._put("ConsultationClosed", partitions, closes_at=BEGAN_AT)

    def seal(self) -> None:
        """Seal the consultation in every partition."""
        self._put("ConsultationSealed", None)

    def _put(self, event: str, partitions: Sequence[int] | None, **fields: int) -> None:
        event_id = self.identifier()
        for partition in range(self.partitions) if partitions is None else partitions:
            self.put(partition, codec.encode(
                event, event_id=event_id, consultation=CONSULTATION, salt=self.identifier(),
                origin="operator", occurred_at=BEGAN_AT, **fields))


def random_box(
    seed: int, events: int, *, partitions: int = 2, voters: int = 6, proposals: int = 4,
    rises_at: int | None = None,
) -> Box:
    """Fill a ballot box at random; the same seed gives the same bytes.

    Rules 2 are adopted after so many events; events of version 2 come from the first on.
    """
    randomness = random.Random(seed)
    box = Box(partitions, randomness)
    people = [box.voter_in(number % partitions) for number in range(voters)]
    names = [f"é-{number}" if number % 3 == 2 else f"p-{number}" for number in range(proposals)]
    closing = randomness.randrange(events // 2, 2 * events + 1)
    sealing = randomness.randrange(events // 2, 2 * events + 1)
    steps: list[tuple[float, Callable[[], None]]] = [
        (0.06, box.again),
        (0.03, box.odd),
        (0.02, lambda: box.control("VoterSuspended", randomness.choice(people))),
        (0.02, lambda: box.control("VoterReinstated", randomness.choice(people))),
        (0.05, lambda: box.ballot(randomness.choice(people), "p-0", consultation=OTHER)),
        (1.0, lambda: box.ballot(randomness.choice(people), randomness.choice(names))),
    ]
    box.writes_version_2 = rises_at is not None
    for number in range(events):
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
    ledgers = [Ledger(partition, box.partitions) for partition in range(box.partitions)]
    decisions = []
    for ledger, log in zip(ledgers, box.logs, strict=True):
        decided = [ledger.decide(offset, value) for offset, value in enumerate(log)]
        decisions.append([value for value in decided if value is not None])
    return ledgers, decisions
