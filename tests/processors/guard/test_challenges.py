"""What the patrol asks of the door: follows from its findings, and no judgement hangs on it."""

from dataclasses import replace
from typing import Any

from processors.guard.challenges import RAISED_MS, Challenges
from processors.guard.inputs import Batch
from processors.guard.judgements import encoded
from processors.guard.judging import judge
from processors.guard.parameters import CROWD, Rules
from processors.guard.state import PatrolState
from schemas import codec
from tests.processors.guard.traffic import (
    AGREE,
    ASKED,
    BEGAN_AT,
    PARTITIONS,
    Crowds,
    Log,
    Vote,
    batches,
    log_of,
)


def evening() -> list[Vote]:
    """Make ordinary voters and a script on one network, for proposal 11."""
    crowds = Crowds(1)
    return [*crowds.ordinary(400, 4), *crowds.robots(200, 1, 800)]


def asked_for(log: Log, behind_ms: int = 0) -> list[dict[str, Any]]:
    """Judge a log; return what the door is asked, as whoever judges would write it."""
    patrol, challenges, found = PatrolState(PARTITIONS), Challenges(), []
    for batch in batches(log, log.cuts()):
        judgement = judge(patrol, batch, Rules.of_code(), 2**42)
        values = challenges.raised(patrol, judgement, judgement.now + behind_ms)
        challenges.note(judgement.findings)
        found += [codec.decode(value)[1] for value in values]
    return found


def test_the_door_is_asked_for_more_where_a_group_comes_from() -> None:
    """Its network by the day's name, its proposal, an hour; each judgement that tells of it."""
    votes = evening()
    [network] = {vote.network for vote in votes if vote.voter[4:8] == b"bots"}
    found = asked_for(log_of(votes))

    assert {(one["network"], one["consultation"], one["proposal"], one["day"])
            for one in found} == {(network, "jeunes", "p11", BEGAN_AT // 86_400_000)}
    assert all(one["until"] - one["occurred_at"] == RAISED_MS for one in found)
    assert len({one["event_id"] for one in found}) == len(found)


def test_who_is_told_of_again_is_asked_for_more() -> None:
    """The second level from the second report on, and never a third."""
    found = asked_for(log_of(evening()))

    assert [one["level"] for one in found] == [1, *[2] * (len(found) - 1)]
    assert len(found) > 2


def test_a_backlog_raises_nothing() -> None:
    """Who is judged an hour late is gone, and the network may have another name."""
    log = log_of(evening())

    assert asked_for(log, RAISED_MS)
    assert asked_for(log, RAISED_MS + 1) == []


def test_another_day_begins_to_count_anew() -> None:
    """What is remembered is of the newest day."""
    challenges, day = Challenges(), BEGAN_AT // 86_400_000
    log = log_of(evening())
    patrol = PatrolState(PARTITIONS)
    findings = [each for batch in batches(log, log.cuts())
                for each in judge(patrol, batch, Rules.of_code(), 2**42).findings
                if each.rule == CROWD]
    challenges.note(findings)
    assert len(challenges) == 1
    challenges.note([replace(findings[0], finding=bytes([number] * 16), day=day + 1)
                     for number in (1, 2)])
    challenges.note(findings)

    assert len(challenges) == 2


def test_what_is_asked_of_the_door_is_no_input_of_judgements() -> None:
    """With its records among those of networks, or none: the same bytes but for the cuts."""
    votes = [*evening(), Vote(BEGAN_AT, bytes(range(16)), None, 3, AGREE, ASKED)]
    log, told = log_of(votes), log_of(votes)
    value = codec.encode(
        "ChallengeRaised", event_id=bytes(16), network=bytes(16), day=0, consultation="jeunes",
        proposal="p11", level=1, until=0, occurred_at=0)
    told.networks = sorted([*told.networks, *((time, value) for time, _ in told.networks[::9])],
                           key=lambda one: one[0])

    def judged(which: Log) -> list[dict[str, Any]]:
        patrol = PatrolState(PARTITIONS)

        def said(batch: Batch) -> dict[str, Any]:
            fields = codec.decode(encoded(judge(patrol, batch, Rules.of_code(), 2**42)))[1]
            return {name: value for name, value in fields.items()
                    if name not in ("networks", "networks_digest")}
        return [said(batch) for batch in batches(which, which.cuts())]

    assert judged(told) == judged(log)
    assert any(one["findings"] for one in judged(told))
