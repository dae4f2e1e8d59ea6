"""Signed controls: who may say what to a ledger, and that nobody else can stop it."""

import gc
import hashlib
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.control_signatures import SMALL_ORDER, key_id, signed, unsigned_digest
from schemas.topics import MAX_BALLOT_BYTES
from tests.processors.ledger.logs import (
    PARTITION,
    PARTITIONS,
    adopted,
    closed,
    folded,
    identifier,
    reinstated,
    suspended,
    vote,
    voter,
)
from tests.processors.ledger.logs_2 import adopted_2, of_version_2


KEYS = {role: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(role.encode()).digest())
        for role in ("operator", "guard", "clerk", "other")}


def public(name: str) -> bytes:
    """Return a public key."""
    return KEYS[name].public_key().public_bytes_raw()


def named(*roles: str, **others: str) -> list[dict[str, Any]]:
    """Name keys: by their role, or a key as of a role."""
    pairs = [*((role, role) for role in roles), *others.items()]
    return [{"id": key_id(public(key)), "role": role, "public": public(key)}
            for key, role in pairs]


class Room:
    """A ledger with the keys of an operator, the guard and a clerk from its first record on."""

    def __init__(self, partition: int = PARTITION, first: bytes | None = None) -> None:
        self.ledger = Ledger(partition, PARTITIONS)
        self.decisions: list[bytes] = []
        self.take(first or adopted_2(
            generation=1, keys=named("operator", "guard", "clerk"), partition=partition))

    def take(self, value: bytes) -> dict[str, Any]:
        """Decide a record; its decision's fields."""
        decision = self.ledger.decide(len(self.decisions), value)
        assert decision is not None
        self.decisions.append(decision)
        return codec.decode(decision)[1]

    def by(self, key: str, record: bytes) -> bytes:
        """Sign a record under a key, for this ledger."""
        return signed(KEYS[key], self.ledger.partition, self.ledger.genesis_chain, record)

    def told(self, record: bytes) -> tuple[str, str]:
        """Decide a record: outcome and refusal."""
        fields = self.take(record)
        return fields["outcome"], fields["refusal"]

    def act(self, key: str, event: str, **fields: Any) -> tuple[str, str]:
        """Decide an event signed under a key."""
        record = of_version_2(event, len(self.decisions), by=key_id(public(key)), **fields)
        return self.told(self.by(key, record))


def unchanged(room: Room) -> bool:
    """Whether what the decisions say is what the ledger holds."""
    return folded(room.decisions).state() == room.ledger.state()


@pytest.mark.parametrize(("key", "event", "fields", "outcome"), [
    ("operator", "VoterSuspended", {"cause": 0}, ("suspended", "none")),
    ("operator", "VoterSuspended", {"cause": 3}, ("suspended", "none")),
    ("operator", "ConsultationClosed", {}, ("closed", "none")),
    ("guard", "VoterSuspended", {"cause": 3}, ("suspended", "none")),
    ("guard", "VoterSuspended", {"cause": 0}, ("refused", "unsigned")),
    ("guard", "VoterReinstated", {"immune": [3]}, ("refused", "unsigned")),
    ("guard", "ConsultationClosed", {}, ("refused", "unsigned")),
    ("clerk", "ConsultationClosed", {}, ("closed", "none")),
    ("clerk", "ConsultationSealed", {}, ("unchanged", "none")),
    ("clerk", "VoterSuspended", {"cause": 3}, ("refused", "unsigned")),
    ("other", "VoterSuspended", {"cause": 3}, ("refused", "unsigned")),
    ("clerk", "RulesAdopted", {}, ("refused", "unsigned")),
])
def test_a_key_signs_what_its_role_allows(
    key: str, event: str, fields: dict[str, Any], outcome: tuple[str, str]
) -> None:
    """An operator everything, the guard suspensions by rules, a clerk closings, others nothing."""
    if event == "RulesAdopted":
        fields = {"ledger_version": 2, "partition": PARTITION, "partitions": PARTITIONS,
                  "generation": 2, "keys": named("clerk", other="operator")}
    room = Room()

    assert room.act(key, event, **fields) == outcome
    assert unchanged(room)


@pytest.mark.parametrize("record", [
    suspended(1), reinstated(2), closed(3), adopted(4), of_version_2("VoterSuspended", 5),
    of_version_2("ConsultationClosed", 6), adopted_2(7, generation=2),
    adopted_2(8, generation=2, partition=0), adopted_2(9, ledger_version=77)])
def test_where_keys_are_nobody_else_speaks_or_stops_the_ledger(record: bytes) -> None:
    """What is unsigned, of version 1, or forged is refused, whatever it would have said."""
    room = Room()

    assert room.told(record) == ("refused", "unsigned")
    assert room.told(vote(10)) == ("counted", "none")
    assert unchanged(room)


def test_a_signature_holds_in_its_own_partition_and_log_only() -> None:
    """The same record with the same signature is refused in another partition and deployment."""
    room, other_partition = Room(), Room(partition=0)
    other_log = Room(first=adopted_2(951, generation=1, keys=named("operator"), salt=bytes(16)))
    record = room.by("operator", of_version_2(
        "ConsultationClosed", 1, by=key_id(public("operator"))))

    assert room.told(record) == ("closed", "none")
    assert other_partition.told(record) == ("refused", "unsigned")
    assert other_log.told(record) == ("refused", "unsigned")


def test_every_bit_of_a_control_is_signed() -> None:
    """No byte of the record can be another: header, fields and signature."""
    room = Room()
    record = room.by("operator", of_version_2(
        "ConsultationClosed", 1, by=key_id(public("operator"))))
    for place in range(5, len(record)):
        forged = record[:place] + bytes((record[place] ^ 1,)) + record[place + 1:]
        fields = room.take(forged)

        assert (fields["outcome"], fields["refusal"] == "unsigned" or
                fields["reason"] == "undecodable") == ("refused", True)
    assert not room.ledger.participation("jeunes").closed


def test_keys_are_replaced_by_an_operator_once_and_forward_only() -> None:
    """An adoption needs an operator's key, a higher generation and an operator among its keys."""
    room = Room()
    adoption = {"ledger_version": 2, "partition": PARTITION, "partitions": PARTITIONS}

    for generation, keys in ((1, named("operator")), (2, named("guard")), (2, [])):
        assert room.act("operator", "RulesAdopted", **adoption, generation=generation,
                        keys=keys) == ("refused", "stale")
    record = room.by("operator", adopted_2(
        20, by=key_id(public("operator")), generation=2, keys=named(other="operator")))
    assert room.told(record) == ("adopted", "none")
    assert room.told(record) == ("refused", "unsigned")
    assert room.act("operator", "ConsultationClosed") == ("refused", "unsigned")
    assert room.act("other", "ConsultationClosed") == ("closed", "none")
    assert unchanged(room)


def test_an_older_log_takes_its_first_keys_as_was_told_beforehand() -> None:
    """Only the record whose digest stands in the settings brings keys to a log that has none."""
    record = adopted_2(20, generation=1, keys=named("operator"))
    forged = adopted_2(21, generation=1, keys=named(other="operator"))
    ledger = Ledger(PARTITION, PARTITIONS, frozenset((unsigned_digest(record),)))
    outcomes = []
    for offset, value in enumerate((adopted(), vote(1), forged, record, forged, suspended(5))):
        decision = ledger.decide(offset, value)
        assert decision is not None
        fields = codec.decode(decision)[1]
        outcomes.append((fields["outcome"], fields["refusal"], fields["ledger_version"]))

    assert outcomes == [
        ("adopted", "none", 1), ("counted", "none", 1), ("refused", "unsigned", 1),
        ("adopted", "none", 2), ("refused", "unsigned", 2), ("refused", "unsigned", 2)]
    assert [key.public for key in ledger.keys] == [public("operator")]


@pytest.mark.parametrize("point", sorted(SMALL_ORDER))
def test_a_key_that_is_anybodys_is_never_adopted(point: bytes) -> None:
    """Under a point of small order some signature fits any message."""
    room = Room()
    keys = [*named("operator"), {"id": key_id(point), "role": "operator", "public": point}]
    adoption = {"ledger_version": 2, "partition": PARTITION, "partitions": PARTITIONS}

    assert room.act("operator", "RulesAdopted", **adoption, generation=2, keys=keys) == (
        "refused", "stale")


def test_the_longest_controls_are_read() -> None:
    """As many findings, or keys, as the schemas allow fit what the ledger reads of a record."""
    findings = [{"cause": 15, "finding": identifier(number)} for number in range(128)]
    keys = [{"id": bytes(8), "role": "guard", "public": bytes(32)}] * 64
    longest = {"consultation": "c" * 63, "reason": "r" * 500}

    assert len(of_version_2("VoterReinstated", 1, findings=findings,
                            immune=list(range(1, 16)), **longest)) <= MAX_BALLOT_BYTES
    assert len(adopted_2(keys=keys)) <= MAX_BALLOT_BYTES


LONGEST: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("VoterReinstated", {"findings": [{"cause": 1, "finding": identifier(1)}], "immune": [1]}, {
        "findings": [{"cause": number % 16, "finding": identifier(number)}
                     for number in range(128)],
        "immune": list(range(1, 16))}),
    ("RulesAdopted", {"keys": named("operator")}, {
        "keys": [{"id": bytes(8), "role": "guard", "public": bytes(32)}] * 64})]


@pytest.mark.parametrize(("event", "short", "longest"), LONGEST)
@pytest.mark.parametrize("key", ["other", "clerk", "operator"])
def test_a_forged_control_costs_no_more_for_being_long(
    key: str, event: str, short: dict[str, Any], longest: dict[str, Any]
) -> None:
    """By calls: lists stay closed, and a signature is tried once, of a key that may sign alone."""
    room = Room()
    taken = []
    for number, lists in enumerate((short, short, longest)):
        where = {"ledger_version": 2, "partition": PARTITION, "partitions": PARTITIONS,
                 "generation": 2} if event == "RulesAdopted" else {}
        forged = of_version_2(event, number, by=key_id(public(key)), **where, **lists)
        taken.append(calls_of(partial(room.take, forged)))

    assert taken[2].total() == taken[1].total() < 200
    assert taken[2]["is_signed"] == (key == "operator")
    assert not room.ledger.suspension(voter(0), room.ledger.consultation("jeunes")).standing


def calls_of(act: Callable[[], object]) -> Counter[str]:
    """Count the calls by name that deciding takes; what Python's own functions do counts once."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            counted[frame.f_code.co_name] += 1
        elif event == "c_call":
            counted[called.__name__] += 1

    gc.disable()  # What others left behind is put away at any call.
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted


def test_a_suspension_of_5000_votes_is_one_record() -> None:
    """The decision that sets all of a voter's votes aside fits a record."""
    room = Room(first=adopted_2())
    for number in range(5_000):
        room.take(vote(number, proposal=f"{number:063d}"))
    fields = room.take(of_version_2("VoterSuspended", 9_000, cause=4, finding=identifier(1)))

    assert len(fields["changes"]) == 5_000
    assert len(room.decisions[-1]) < 1 << 20
    assert room.ledger.is_suspended(voter(0), room.ledger.consultation("jeunes"))
