"""The patrol on a real broker: judgements that anybody can repeat, suspensions that are owed."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import Broker
from processors.guard.findings import suspension_id
from processors.guard.inputs import Batch, Cut, beginning
from processors.guard.judgements import cut_of, encoded, findings_of, judged_in, rules_of
from processors.guard.judging import judge
from processors.guard.parameters import CROWD, SET_ASIDE, Rules, changed
from processors.guard.state import PatrolState
from processors.workers.provisioning import provision
from producers import operations
from producers.consultation_file import ConsultationFile
from producers.gateway.raised_places import RaisedPlaces
from producers.guard_rules import change_rule
from producers.operations import Log as Operators
from schemas import codec
from schemas.control_roles import public_key
from schemas.corrections import FINDING_DISMISSED
from schemas.genesis import Genesis
from scrutin.acting.acts import Wanted, act, case
from scrutin.keys import control_keys
from tests.harness import Stack, connected_producer, read_to_end, stack_on, write
from tests.processors.guard.traffic import BEGAN_AT, PARTITIONS, Crowds, Log, log_of
from tests.scrutin.acting.test_acts import DESCRIPTION
from tests.waiting import until_found


ROBOTS = 500
FORGED: list[dict[str, Any]] = [
    {"number": 2**40, "log_time": 2**42}, {"votes": [2**40] * PARTITIONS},
    {"votes": [0] * PARTITIONS}, {"votes": []},
    {"rules": [{"consultation": None, "rule": 1, "version": 1, "mode": "off",
                "parameters": [{"name": "voters", "value": 1}]}]}]
"""What of a next judgement nobody can have made."""
QUICK = {"SCRUTIN_JUDGE_SECONDS": "0.2"}


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics with the partitions that the traffic has."""
    with stack_on(broker, topic_prefix, PARTITIONS, tmp_path) as found:
        yield found


def evening(seed: int) -> Log:
    """Make some minutes of ordinary voters and of a script on one network."""
    crowds = Crowds(seed)
    return log_of([*crowds.ordinary(600, 8), *crowds.robots(ROBOTS, 1, 800)])


async def begin(stack: Stack, mode: str, *, signed: bool = False) -> None:
    """Provision, describe proposals and have the first rule do something."""
    operator, guard = (control_keys.make(stack.folder / name, name)
                       for name in ("operator", "guard"))
    keys = (public_key("operator", operator.public), public_key("guard", guard.public))
    await provision(stack.kafka, stack.topics, replication=1,
                    genesis=Genesis(keys=keys if signed else ()))
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0,
                    [value for _, value in evening(1).catalogue])
    log = Operators(stack.kafka, stack.topics, own_keys=(operator,))
    await change_rule(log, CROWD, 1, mode, {}, "agreed on Monday", consultation=None, now=0)


async def write_part(stack: Stack, log: Log, first: int, last: int) -> None:
    """Write votes of each partition from one share of a hundred to another, and their networks."""
    def part(records: list[tuple[int, bytes]]) -> list[bytes]:
        size = len(records)
        return [value for _, value in records[size * first // 100:size * last // 100]]

    async with connected_producer(stack.kafka) as producer:
        # Of today: what is older than a fortnight, the broker deletes at any moment.
        await asyncio.gather(*[
            await producer.send(stack.topics.networks, value, partition=0)
            for value in part(log.networks)])
        for partition, records in enumerate(log.votes):
            await write(producer, stack.topics.votes, partition, part(records))


async def judgements(stack: Stack) -> list[tuple[bytes, dict[str, Any]]]:
    """Return the judgements that are recorded: bytes and fields."""
    records = await read_to_end(stack.kafka, stack.topics.patrol, 1)
    return [(one.value, fields) for one in records for fields in judged_in([one.value])]


async def judged_all(stack: Stack) -> list[tuple[bytes, dict[str, Any]]]:
    """Wait until judgements have read all votes that are not suspensions; return them."""
    votes = len([one for one in await read_to_end(
        stack.kafka, stack.topics.votes, PARTITIONS) if not is_suspension(one.value)])

    async def done() -> bool:
        found = await judgements(stack)
        return bool(found) and sum(found[-1][1]["votes"]) + PARTITIONS >= votes
    await until_found(done)
    return await judgements(stack)


def is_suspension(value: bytes) -> bool:
    """Whether a record of the votes is one."""
    return codec.schema_of(value).event == "VoterSuspended"


async def suspensions(stack: Stack) -> list[dict[str, Any]]:
    """Return the suspensions in the ballot box."""
    records = await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS)
    return [codec.decode(one.value)[1] for one in records if is_suspension(one.value)]


async def repeated(stack: Stack, found: list[tuple[bytes, dict[str, Any]]]) -> list[bytes]:
    """Judge everything again from Kafka's raw bytes, by the recorded cuts, rules and instants."""
    topics, state, after, made = stack.topics, PatrolState(PARTITIONS), beginning(PARTITIONS), []
    votes = await read_to_end(stack.kafka, topics.votes, PARTITIONS)
    networks = await read_to_end(stack.kafka, topics.networks, 1)
    catalogue = await read_to_end(stack.kafka, topics.catalogue, 1)
    for _, fields in found:
        batch = Batch(after, cut_of(fields))
        for partition in range(PARTITIONS):
            batch.add_votes(partition, [
                (one.offset, one.value) for one in votes if one.partition == partition])
        batch.add_networks((one.offset, one.value) for one in networks)
        batch.add_catalogue((one.offset, one.value) for one in catalogue)
        made.append(encoded(judge(state, batch, rules_of(fields), fields["judged_at"])))
        after = cut_of(fields)
    return made


def owed(found: list[tuple[bytes, dict[str, Any]]]) -> set[bytes]:
    """Return the ids of the suspensions that judgements ask for."""
    return {suspension_id(one.finding, voter) for _, fields in found
            for one in findings_of(fields) if one.suspends for voter in one.voters}


async def test_whoever_is_named_is_suspended_once_by_a_signed_control(stack: Stack) -> None:
    """Killed in mid-evening, the patrol goes on; anybody repeats it; the ledger takes its word."""
    log = evening(1)
    await begin(stack, "set_aside", signed=True)
    stack.started("ledger")
    await write_part(stack, log, 0, 60)
    patrol = stack.started("patrol", **QUICK, SCRUTIN_CONTROL_KEYS=str(stack.folder / "guard"))
    await judged_all(stack)
    patrol.kill()
    await write_part(stack, log, 60, 100)
    patrol.start()
    found = await judged_all(stack)

    async def all_written() -> bool:
        return {one["event_id"] for one in await suspensions(stack)} >= owed(found)
    await until_found(all_written)
    found, written = await judgements(stack), await suspensions(stack)

    assert len(owed(found)) > ROBOTS // 2
    assert sorted(one["event_id"] for one in written) == sorted(owed(found))
    assert all(one["cause"] == 1 and any(one["signature"]) for one in written)
    assert await repeated(stack, found) == [value for value, _ in found]
    assert "cannot be repeated" not in patrol.so_far()
    await until_found(lambda: suspended(stack, len(written)))


async def suspended(stack: Stack, count: int) -> bool:
    """Whether the ledger has suspended so many."""
    records = await read_to_end(stack.kafka, stack.topics.decisions, PARTITIONS)
    outcomes = [codec.decode(one.value)[1]["outcome"] for one in records]
    return outcomes.count("suspended") == count


async def test_a_change_of_a_rule_that_no_operator_has_signed_changes_nothing(
    stack: Stack
) -> None:
    """Whoever can write to the catalogue cannot have the guard set anybody aside."""
    await begin(stack, "report", signed=True)
    forged = codec.encode(
        "GuardRuleChanged", event_id=b"forged".ljust(16), consultation="jeunes", rule=CROWD,
        version=1, mode="set_aside", parameters=[], follows=bytes(16), reason="forged",
        salt=bytes(16), origin="operator", occurred_at=0, by=bytes(8), signature=bytes(64))
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, [forged])
    await write_part(stack, evening(1), 0, 100)
    stack.started("patrol", **QUICK, SCRUTIN_CONTROL_KEYS=str(stack.folder / "guard"))
    found = await judged_all(stack)

    assert {one.rule for _, fields in found for one in findings_of(fields)} >= {CROWD}
    assert owed(found) == set()


class Heard:
    """A door that sets an event when it is asked for more."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.places: set[tuple[bytes, str, str]] = set()

    def raise_challenge(
        self, name: bytes, consultation: str, proposal: str, level: int, until: int, now: int
    ) -> None:
        """Take what is asked."""
        assert level in (1, 2)
        assert now < until <= now + 3_600_000
        self.places.add((name, consultation, proposal))
        self.asked.set()


async def test_a_rule_that_reports_suspends_nobody_and_asks_the_door(stack: Stack) -> None:
    """Its findings are recorded, gateways hear where from, and nothing else happens."""
    now = int(time.time() * 1_000)
    begins = max(now - 9 * 60_000, now - now % 86_400_000)  # All of it today.
    crowds = Crowds(1)
    votes = [replace(vote, time=vote.time + begins - BEGAN_AT) for vote in (
        *crowds.ordinary(600, 8), *crowds.robots(ROBOTS, 1, 800))]
    [network] = {vote.network for vote in votes if vote.voter[4:8] == b"bots"}
    await begin(stack, "report")
    await write_part(stack, log_of(votes), 0, 100)
    stack.started("patrol", **QUICK)
    found, door = await judged_all(stack), Heard()
    gateway = asyncio.create_task(RaisedPlaces(
        stack.kafka, stack.topics.networks, door, accepts=lambda *_: True,
        milliseconds=lambda: int(time.time() * 1_000)).follow())
    try:
        async with asyncio.timeout(60):
            await door.asked.wait()
    finally:
        gateway.cancel()
        await asyncio.gather(gateway, return_exceptions=True)

    assert door.places == {(network, "jeunes", "p11")}
    assert {one.rule for _, fields in found for one in findings_of(fields)} >= {CROWD}
    assert await suspensions(stack) == []


@pytest.mark.parametrize("made_up", [True, False])
async def test_whoever_can_write_judgements_can_have_nobody_suspended(
    stack: Stack, *, made_up: bool
) -> None:
    """Neither by a finding that the votes do not show, nor by rules that no operator has set."""
    await begin(stack, "report", signed=True)
    await write_part(stack, evening(1), 0, 100)
    by_others = Rules({(None, CROWD): changed(CROWD, 1, SET_ASIDE, {})})
    forged = encoded(judge(PatrolState(PARTITIONS), await all_of(stack), by_others, 2**41))
    if made_up:
        fields = codec.decode(forged)[1]
        forged = codec.encode("PatrolJudged", **{
            **fields, "findings": [{**one, "voters": [b"somebody".ljust(16)]}
                                   for one in fields["findings"]]})
    assert owed([(forged, codec.decode(forged)[1])])
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.patrol, 0, [forged])
    patrol = stack.started(
        "patrol", **QUICK, SCRUTIN_CONTROL_KEYS=str(stack.folder / "guard"))
    await patrol.says("left to those who made it")
    await write_part(stack, evening(2), 0, 100)

    assert len(await judged_all(stack)) > 1
    assert await suspensions(stack) == []


async def all_of(stack: Stack) -> Batch:
    """Read all votes, networks and descriptions that are there."""
    topics = stack.topics
    votes = await read_to_end(stack.kafka, topics.votes, PARTITIONS)
    networks = await read_to_end(stack.kafka, topics.networks, 1)
    catalogue = await read_to_end(stack.kafka, topics.catalogue, 1)
    ends = tuple(max(one.offset for one in votes if one.partition == number)
                 for number in range(PARTITIONS))
    batch = Batch(beginning(PARTITIONS), Cut(ends, networks[-1].offset, catalogue[-1].offset))
    for partition in range(PARTITIONS):
        batch.add_votes(partition, [
            (one.offset, one.value) for one in votes if one.partition == partition])
    batch.add_networks((one.offset, one.value) for one in networks)
    batch.add_catalogue((one.offset, one.value) for one in catalogue)
    return batch


async def test_by_a_finding_that_a_person_dismissed_nobody_is_suspended_any_more(
    stack: Stack
) -> None:
    """Whom it had suspended count, whom it names later do too; another finding goes on."""
    await begin(stack, "set_aside")
    operators = Operators(stack.kafka, stack.topics)
    await operations.apply(operators, ConsultationFile.model_validate(DESCRIPTION), now=0)
    await write_part(stack, evening(1), 0, 60)
    stack.started("patrol", **QUICK)
    first = await until_written(stack)
    finding = first[0]["finding"]
    done = await act(operators, finding, Wanted(
        FINDING_DISMISSED, "a school", lets_count=True, second="Bob"), now=0, say=lambda _: None)
    await write_part(stack, evening(1), 60, 100)
    await judged_all(stack)
    await write_part(stack, evening(2), 0, 100)
    another = await until_written(stack, but=finding)
    found = await case(operators, finding)

    assert (done.standing.state, done.controls) == ("reinstated", len(first))
    assert len(found.found.to_suspend) > len(first)
    assert {one["finding"] for one in another} > {finding}
    assert {one["event_id"] for one in another if one["finding"] == finding} == {
        one["event_id"] for one in first}
    assert found.survey.set_aside() == set()


async def until_written(stack: Stack, but: bytes = b"") -> list[dict[str, Any]]:
    """Wait for the suspensions of every finding but one; return all that were written."""
    await judged_all(stack)

    async def all_written() -> bool:
        asked = {suspension_id(one.finding, voter) for _, fields in await judgements(stack)
                 for one in findings_of(fields) if one.suspends and one.finding != but
                 for voter in one.voters}
        return bool(asked) and {one["event_id"] for one in await suspensions(stack)} >= asked
    await until_found(all_written)
    return await suspensions(stack)


async def test_without_the_guards_key_what_is_owed_is_written_once_it_is_there(
    stack: Stack
) -> None:
    """The patrol says what is missing and judges on; a restart with the key makes up for it."""
    await begin(stack, "set_aside", signed=True)
    await write_part(stack, evening(1), 0, 100)
    patrol = stack.started("patrol", **QUICK)
    found = await judged_all(stack)
    await patrol.says("nobody is suspended")
    assert "no key that may sign it lies here" in patrol.so_far()
    assert await suspensions(stack) == []
    patrol.kill()
    patrol = replace(patrol, environment={
        **patrol.environment, "SCRUTIN_CONTROL_KEYS": str(stack.folder / "guard")})
    stack.workers.append(patrol)
    patrol.start()

    async def all_written() -> bool:
        return {one["event_id"] for one in await suspensions(stack)} >= owed(found)
    await until_found(all_written)


async def test_one_patrol_judges_and_another_takes_over(stack: Stack) -> None:
    """Two of a group; the one that judges is frozen, and ends when it wakes."""
    log = evening(1)
    await begin(stack, "report")
    first = stack.started("patrol", "1", **QUICK)
    await write_part(stack, log, 0, 50)
    await judged_all(stack)
    stack.started("patrol", "2", **QUICK)
    await write_part(stack, log, 50, 70)
    await judged_all(stack)
    first.kill()
    await write_part(stack, log, 70, 100)
    found = await judged_all(stack)

    assert [fields["number"] for _, fields in found] == list(range(1, len(found) + 1))
    assert await repeated(stack, found) == [value for value, _ in found]


async def test_a_judgement_of_a_number_that_is_taken_is_a_stray(stack: Stack) -> None:
    """A patrol that was frozen wrote it when it woke: it is passed by, and so is what is forged."""
    log = evening(1)
    await begin(stack, "report")
    await write_part(stack, log, 0, 50)
    patrol = stack.started("patrol", **QUICK)
    _, fields = (await judged_all(stack))[-1]
    stray = codec.encode("PatrolJudged", **{**fields, "findings": [], "judged_at": 1})
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.patrol, 0, [stray, b"", b"garbage", *(
            codec.encode("PatrolJudged", **{**fields, "number": fields["number"] + 1, **forged})
            for forged in FORGED)])
    await write_part(stack, log, 50, 100)
    found = await judged_all(stack)
    patrol.kill()
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.patrol, 0, [
            codec.encode("RankingsHeld", consultation="jeunes", held=True)])
    await write_part(stack, evening(2), 0, 100)
    patrol.start()
    again = await judged_all(stack)

    assert [each["number"] for _, each in found].count(fields["number"]) == 2
    assert again[-1][1]["number"] > found[-1][1]["number"]
    assert "cannot be repeated" not in patrol.so_far()
