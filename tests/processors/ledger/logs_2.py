"""Strategies for random logs in which the second rules are adopted, at first or in the middle."""

import random
from typing import Any

from hypothesis import strategies as st

from schemas import codec
from schemas.registry import newest
from schemas.words import CHOICES, QUALIFICATIONS, SHOWN, TRUSTS
from tests.processors.ledger.logs import (
    BALLOT_EVENTS,
    CONSULTATIONS,
    IDS,
    PARTITION,
    PARTITIONS,
    PROPOSALS,
    Log,
    adopted,
    ballot,
    broken,
    closed,
    identifier,
    reinstated,
    sealed,
    steps,
    suspended,
    voter,
)


COMMON: dict[str, Any] = {
    "salt": identifier(1, "salt"), "origin": "web", "occurred_at": 1_647_900_000_000}


def of_version_2(event: str, number: int, **fields: Any) -> bytes:
    """Encode an event of version 2 under an event id; fields not given get a usual value."""
    usual = {**COMMON, "event_id": identifier(number)}
    if event != "RulesAdopted":
        usual["consultation"] = CONSULTATIONS[0]
    if event.startswith("Voter"):
        usual |= {"voter": voter(0), "reason": "network"}
    if event in BALLOT_EVENTS:
        usual |= {"voter": voter(0), "proposal": PROPOSALS[0], "trust": "trusted"}
    if event == "ConsultationClosed":
        usual["closes_at"] = 0
    return codec.encode_as(newest(event), **{**usual, **fields})


def adopted_2(number: int = 950, **fields: Any) -> bytes:
    """Encode the adoption of the rules of version 2."""
    return of_version_2("RulesAdopted", number, **{
        "ledger_version": 2, "partition": PARTITION, "partitions": PARTITIONS, **fields})


def ballots_2() -> st.SearchStrategy[bytes]:
    """Return ballots of version 2, by any route."""

    def build(
        event: str, number: int, place: int, consultation: str, proposal: str, trust: str,
        detail: int, shown: str,
    ) -> bytes:
        fields: dict[str, Any] = {
            "voter": voter(place), "consultation": consultation, "proposal": proposal,
            "trust": trust, "shown": shown}
        if event == "VoteCast":
            fields["choice"] = CHOICES[detail % len(CHOICES)]
        if event.startswith("Qualification"):
            fields["qualification"] = QUALIFICATIONS[detail]
        return of_version_2(event, number, **fields)

    return st.builds(
        build, st.sampled_from((*BALLOT_EVENTS, "VoteCast", "VoteCast", "QualificationAdded")),
        st.integers(0, IDS - 1), st.sampled_from((0, 0, 0, 1, 2, -1)),
        st.sampled_from((CONSULTATIONS[0], *CONSULTATIONS)), st.sampled_from(PROPOSALS),
        st.sampled_from(TRUSTS), st.integers(0, len(QUALIFICATIONS) - 1), st.sampled_from(SHOWN))


def controls_2() -> st.SearchStrategy[bytes]:
    """Return controls of voters of version 2, some misplaced."""
    finding = st.sampled_from([identifier(number, "find") for number in range(10)])
    causes = st.sampled_from((0, 0, 1, 2, 7))
    common = {
        "number": st.integers(0, IDS - 1), "voter": st.sampled_from((0, 0, 1, 3, -1)).map(voter),
        "consultation": st.sampled_from(CONSULTATIONS)}
    pairs = st.lists(st.fixed_dictionaries({"cause": causes, "finding": finding}), max_size=3)
    return st.one_of(
        st.builds(lambda **fields: of_version_2("VoterSuspended", **fields),
                  cause=causes, finding=finding, **common),
        st.builds(lambda **fields: of_version_2("VoterReinstated", **fields), findings=pairs,
                  immune=st.sampled_from(([], [], [1], [2, 7])), **common))


def closings_2() -> st.SearchStrategy[bytes]:
    """Return closings, sealings and adoptions of version 2."""
    return st.one_of(
        st.builds(lambda event, number, name: of_version_2(event, number, consultation=name),
                  st.sampled_from(("ConsultationClosed", "ConsultationSealed")),
                  st.integers(0, 2), st.sampled_from(CONSULTATIONS)),
        st.builds(adopted_2, st.integers(950, 952)))


def logs_2(*, most: int = 60) -> st.SearchStrategy[Log]:
    """Return logs in which rules 2 are adopted somewhere, and anything before and after."""
    later = st.one_of(*[ballots_2()] * 8, *[controls_2()] * 4, steps(), steps(),
                      st.one_of(closings_2(), broken(ballots_2()), ballots_2()))

    def assemble(before: Log, after: Log, again: list[tuple[int, int]], first: str) -> Log:
        rises: Log = [adopted(), *before, adopted_2(), *after]
        log = rises if first == "rules 1" else [adopted_2(), *after]
        for source, place in again:
            log.insert(1 + place % len(log), log[source % len(log)])
        return log

    redelivered = st.tuples(st.integers(0, 1000), st.integers(0, 1000))
    return st.builds(
        assemble, st.lists(st.one_of(steps(), steps(), ballots_2(), controls_2()), max_size=25),
        st.lists(later, max_size=most), st.lists(redelivered, max_size=10),
        st.sampled_from(("rules 1", "rules 2")))


def random_log(seed: int, size: int = 120) -> Log:
    """Make a long log of two voters and two proposals, in which much happens to each."""
    chance = random.Random(seed)
    rises = chance.randrange(size // 2)
    log: Log = [adopted_2() if rises < 3 else adopted()]
    while len(log) < size:
        if len(log) == rises:
            log.append(adopted_2(951))
        elif len(log) > 3 and chance.random() < 0.1:
            log.append(chance.choice(log[-30:]))
        elif chance.random() < 0.02:
            log.append(of_version_2(
                chance.choice(("ConsultationClosed", "ConsultationSealed")), len(log)))
        else:
            log.append(_random_event(chance, len(log)))
    return log


def _random_event(chance: random.Random, number: int) -> bytes:
    who = {"voter": voter(chance.choice((0, 0, 0, 1)))}
    if chance.random() < 0.2:
        pairs = [{"cause": chance.choice((0, 1, 2)), "finding": identifier(
            chance.randrange(12), "find")} for _ in range(3)]
        if chance.random() < 0.3:
            return chance.choice((suspended, reinstated))(number, **who)
        if chance.random() < 0.6:
            return of_version_2("VoterSuspended", number, **who, **pairs[0])
        return of_version_2("VoterReinstated", number, **who, findings=pairs[:chance.randrange(4)],
                            immune=chance.choice(([], [], [], [2])))
    event = chance.choice(("VoteCast", "VoteCast", "VoteCast", "QualificationAdded",
                           "QualificationAdded", "QualificationWithdrawn", "VoteWithdrawn"))
    fields: dict[str, Any] = {
        **who, "proposal": chance.choice(PROPOSALS[:2]),
        "trust": chance.choice(("trusted", "trusted", "suspect"))}
    if event == "VoteCast":
        fields["choice"] = chance.choice(CHOICES)
    if event.startswith("Qualification"):
        fields["qualification"] = chance.choice(QUALIFICATIONS[:6])
    if chance.random() < 0.3:
        return ballot(event, event_id=identifier(number), **fields)
    return of_version_2(event, number, **fields, shown=chance.choice(
        ("served", "served", "served", "asked", "unknown")))


def deep_logs() -> st.SearchStrategy[Log]:
    """Return long logs by their seed."""
    return st.integers(0, 2**32 - 1).map(random_log)


def redelivering_logs() -> st.SearchStrategy[Log]:
    """Return long logs of controls by their seed: ids come back, before and after eight others."""
    return st.integers(0, 2**32 - 1).map(_redelivering_log)


def _redelivering_log(seed: int) -> Log:
    chance = random.Random(seed)
    ends = chance.random() < 0.5
    log: Log = [adopted()]
    while len(log) < 80:
        number, kind = chance.randrange(14), chance.random()
        if kind < 0.015:
            log.append(adopted_2())
        elif kind < 0.1:
            log.append(of_version_2("VoterReinstated", number, findings=[
                {"cause": 0, "finding": identifier(number)}]))
        elif kind < 0.13 and ends:
            log.append(chance.choice((closed, sealed))(number))
        else:
            log.append(chance.choice((suspended, reinstated))(
                number, voter=voter(chance.choice((0, 0, 0, 1)))))
    return log
