"""Acting on findings in a log with keys, and in one without: by whom, how often, and what moves."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.services import Broker
from processors.guard.judgements import encoded
from producers import operations
from producers.consultation_file import ConsultationFile
from producers.errors import ChangesFinal, InvalidInput, Missing, Unreachable
from producers.operations import Log
from producers.signing import own_key
from producers.suspending import reinstate
from schemas import codec
from schemas.control_roles import public_key
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.corrections import FINDING_CONFIRMED, FINDING_DISMISSED
from schemas.finding_acts import CONFIRMED, DISMISSED, REINSTATED, WAITING
from schemas.genesis import Genesis
from schemas.registry import current
from schemas.topics import partition_of
from scrutin.acting import acts
from scrutin.acting.acts import Case, Done, Wanted, act, case
from scrutin.acting.preview import preview
from scrutin.acting.survey import REINSTATED as REINSTATEMENT
from scrutin.acting.survey import SUSPENDED, control, votes_in
from scrutin.patrol.recorded_findings import recorded_findings
from tests.harness import connected_producer, read_to_end, write
from tests.processors.guard.traffic import PARTITIONS, Crowds, judged, log_of
from tests.producers.kafka_log import provisioned


ADA, BOB, GUARD = (own_key(bytes([number]) * 32) for number in (1, 2, 3))
KEYS = (public_key("operator", ADA.public), public_key("operator", BOB.public),
        public_key("guard", GUARD.public))
DESCRIPTION = {
    "id": "jeunes", "question": {"fr": "Comment ?"}, "languages": ["fr"],
    "opens_at": "2022-03-22T00:00:00+01:00", "closes_at": "2099-01-01T00:00:00+01:00"}
NOW = 1_650_000_000_000
ROBOTS = 500
CONFIRM = Wanted(FINDING_CONFIRMED, "seen on Monday")
LET_COUNT = Wanted(FINDING_DISMISSED, "it was a school", lets_count=True)
DISMISS = Wanted(FINDING_DISMISSED, "it is a school")


async def evening(broker: Broker, prefix: str, *, ordinary: int, signed: bool) -> Log:
    """Write an evening of ordinary voters and a script, judged by rules that report."""
    topics = await provisioned(broker.address, prefix, PARTITIONS,
                               Genesis(keys=KEYS if signed else ()))
    log = Log(broker.address, topics, own_keys=(ADA, GUARD) if signed else ())
    await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    crowds = Crowds(1)
    traffic = log_of([*crowds.ordinary(ordinary, 8), *crowds.robots(ROBOTS, 1, 800)])
    _, judgements = judged(traffic)
    async with connected_producer(broker.address) as producer:
        for partition, records in enumerate(traffic.votes):
            await write(producer, topics.votes, partition, [value for _, value in records])
        await write(producer, topics.catalogue, 0, [value for _, value in traffic.catalogue])
        await write(producer, topics.patrol, 0, [encoded(each) for each in judgements])
    return log


async def crowd(log: Log) -> bytes:
    """Return the finding about the script."""
    return next(each.first.finding for each in await recorded_findings(log.address, log.topics)
                if len(each.members) == ROBOTS)


async def acted(log: Log, finding: bytes, wanted: Wanted) -> Done:
    """Act."""
    return await act(log, finding, wanted, now=NOW, say=lambda _: None)


async def controls(log: Log, event: str = SUSPENDED) -> list[dict[str, Any]]:
    """Return the controls of a kind in the ballot box."""
    return [fields for record in await read_to_end(log.address, log.topics.votes, PARTITIONS)
            for name, fields in [codec.decode(record.value)] if name == event]


async def refused(log: Log, finding: bytes, wanted: Wanted, error: type[Exception], why: str
                  ) -> None:
    """Hold that an act is refused, with what to do, and writes nothing."""
    before = len(await read_to_end(log.address, log.topics.catalogue, 1))
    with pytest.raises(error, match=why):
        await acted(log, finding, wanted)
    assert len(await read_to_end(log.address, log.topics.catalogue, 1)) == before


async def test_two_people_set_aside_what_is_much_and_let_it_count_again(
    broker: Broker, topic_prefix: str
) -> None:
    """The first waits, the same key again too, another carries it out; and so back, for good.

    Who is named only afterwards can be set aside all the same.
    """
    ada = await evening(broker, topic_prefix, ordinary=600, signed=True)
    bob = replace(ada, own_keys=(BOB,))
    finding = await crowd(ada)
    before = await case(ada, finding)
    waits = [await acted(ada, finding, CONFIRM) for _ in range(2)], await controls(ada)
    done = [await acted(each, finding, CONFIRM) for each in (bob, ada)]
    written = await controls(ada)
    await refused(ada, finding, DISMISS, InvalidInput, "guard reinstate --finding")
    undone = [await acted(each, finding, LET_COUNT) for each in (bob, bob, ada, ada)]
    after = await case(ada, finding)
    await refused(ada, finding, CONFIRM, InvalidInput, "what is cleared stays so")
    named = await _names_more(ada, finding)
    anew = [await acted(each, finding, CONFIRM) for each in (ada, bob)]

    assert (await case(ada, finding)).survey.set_aside() == named
    assert _came_to(waits[0]) == [(WAITING, True, 0), (WAITING, False, 0)]
    assert (waits[1], _came_to([*done, *undone, *anew])) == ([], [
        (CONFIRMED, True, ROBOTS), (CONFIRMED, False, 0), (WAITING, True, 0), (WAITING, False, 0),
        (REINSTATED, True, ROBOTS), (REINSTATED, False, 0), (WAITING, True, 0),
        (CONFIRMED, True, len(named))])
    assert [(each["by"], each["cause"], each["finding"], each["reason"]) for each in written] == [
        (BOB.id, 1, finding, CONFIRM.reason)] * ROBOTS
    assert [(each["by"], each["immune"]) for each in await controls(ada, REINSTATEMENT)] == [
        (ADA.id, [1])] * ROBOTS
    assert after.survey.before == before.survey.before


def _came_to(done: list[Done]) -> list[tuple[str, bool, int]]:
    """Say of each act what state it made, whether it was written, and with how many controls."""
    return [(each.standing.state, each.written, each.controls) for each in done]


async def test_a_preview_is_what_comes_of_it(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Votes, shares and ranks before and after; no vote is lost."""
    monkeypatch.setattr("schemas.finding_acts.ALONE_PERCENT", 100)
    log = await evening(broker, topic_prefix, ordinary=600, signed=False)
    finding = await crowd(log)
    before = await case(log, finding, supposed=SUSPENDED)
    supposed = await preview(log, before)
    await acted(log, finding, CONFIRM)
    aside = await case(log, finding, supposed=REINSTATEMENT)

    moved = {(change.id, change.name): (change.published, change.supposed)
             for change in supposed.changes}
    votes, left = moved["p11", "votes"]
    assert (votes - left, moved["", "set_aside_suspended"]) == (ROBOTS, (0, ROBOTS))
    assert {"share_agree", "rank"} <= {name for _, name in moved}
    assert aside.survey.before.proposals == before.survey.after.proposals
    assert aside.survey.after.proposals == before.survey.before.proposals
    assert votes_in(aside.survey.before) == votes_in(before.survey.before)


async def test_an_act_that_was_killed_midway_is_gone_on_with(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run again it writes what is missing, and each voter is set aside, and counts again, once."""
    monkeypatch.setattr(acts, "BATCH_VOTERS", 50)
    log = await evening(broker, topic_prefix, ordinary=600, signed=False)
    finding = await crowd(log)
    await refused(log, finding, CONFIRM, InvalidInput, "nobody can tell who writes")
    for wanted, event in ((CONFIRM, SUSPENDED), (LET_COUNT, REINSTATEMENT)):
        named = replace(wanted, second="Bob")
        with pytest.raises(RuntimeError, match="killed"):
            await act(log, finding, named, now=NOW, say=_dies_at("150 of 500"))
        found = await case(log, finding)
        assert len(found.survey.set_aside()) in (150, ROBOTS - 150)
        done = await acted(log, finding, named)
        assert (done.written, done.controls) == (False, ROBOTS - 150)
        written = [each["voter"] for each in await controls(log, event)]
        assert len(written) == len(set(written)) == ROBOTS
    found = await case(log, finding)
    assert found.survey.set_aside() == set()
    assert [each.second for each in found.known.acts.of(found.about.consultation, finding)] == [
        "Bob", "Bob"]


def _dies_at(progress: str) -> Callable[[str], None]:
    def say(text: str) -> None:
        if text.startswith(progress):
            raise RuntimeError("killed")
    return say


async def test_who_is_confirmed_while_another_reinstates_is_not_left_set_aside(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The confirmation stops and says so; what of it comes late is let count in another round."""
    monkeypatch.setattr(acts, "BATCH_VOTERS", 100)
    log = await evening(broker, topic_prefix, ordinary=600, signed=False)
    finding = await crowd(log)
    late: list[Done] = []
    confirm, let_count = replace(CONFIRM, second="Bob"), replace(LET_COUNT, second="Bob")

    def reinstates(text: str) -> None:
        if text.startswith("200 of 500"):
            late.append(_aside(act(log, finding, let_count, now=NOW, say=comes_late)))

    def comes_late(text: str) -> None:
        if text.startswith("200 of 200"):
            _aside(_suspended(log, found, sorted(found.about.voters)[200:300]))

    found = await case(log, finding)
    with pytest.raises(Unreachable, match="reinstated now: stopped after 200 of 500"):
        await act(log, finding, confirm, now=NOW, say=reinstates)
    after = await case(log, finding)

    assert [(each.standing.state, each.controls) for each in late] == [(REINSTATED, 300)]
    assert (after.standing.state, after.survey.set_aside()) == (REINSTATED, set())
    assert len(await controls(log, SUSPENDED)) == 300


def _aside(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end while everything here stands still."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


async def _suspended(log: Log, found: Case, voters: list[bytes]) -> None:
    """Write the suspensions of a batch that was on its way."""
    async with connected_producer(log.address) as producer:
        for voter in voters:
            await write(producer, log.topics.votes, partition_of(voter, PARTITIONS), [
                codec.encode_as(current(SUSPENDED, 2), **control(
                    SUSPENDED, found.about, voter, reason="seen", salt=bytes(16), now=NOW),
                    by=NOBODY, signature=UNSIGNED)])


async def test_a_killed_confirmation_is_completed_alone_though_more_would_need_two(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one person confirmed is written before a wider act waits; once, and not by itself."""
    monkeypatch.setattr(acts, "BATCH_VOTERS", 50)
    monkeypatch.setattr("schemas.finding_acts.ALONE_PERCENT", 100)
    log = await evening(broker, topic_prefix, ordinary=600, signed=True)
    finding = await crowd(log)
    with pytest.raises(RuntimeError, match="killed"):
        await act(log, finding, CONFIRM, now=NOW, say=_dies_at("150 of 500"))
    found = await case(log, finding)
    confirmed = found.known.acts.of(found.about.consultation, finding)[0]
    monkeypatch.setattr("schemas.finding_acts.ALONE_PERCENT",
                        100 * confirmed.votes // confirmed.of + 1)
    await _names_more(log, finding)
    done = [await acted(log, finding, CONFIRM) for _ in range(2)]

    assert _came_to(done) == [(WAITING, True, ROBOTS - 150), (WAITING, False, 0)]
    assert len(await controls(log)) == ROBOTS


async def test_a_narrower_act_is_counted_with_what_is_set_aside_already(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one person would move twice as much by one finding: who is named, then who is marked."""
    log = await evening(broker, topic_prefix, ordinary=200, signed=True)
    script, finding = await case(log, await crowd(log)), b"in two parts".ljust(16)
    voters = sorted(script.about.voters)
    half = 100 * ROBOTS * 3 // 4 // script.survey.of
    monkeypatch.setattr("schemas.finding_acts.ALONE_PERCENT", half)
    await _named(log, script.about.pair.finding, finding=finding, voters=voters[:250], marks=[])
    wide = await acted(log, finding, CONFIRM)
    await _named(log, script.about.pair.finding, finding=finding, voters=voters[250:], marks=[1])
    narrow = await acted(log, finding, replace(CONFIRM, marked_only=True))

    assert [(each.standing.state, each.voters, each.votes) for each in (wide, narrow)] == [
        (CONFIRMED, 250, 250), (WAITING, 250, 500)]


async def _names_more(log: Log, finding: bytes) -> set[bytes]:
    """Have a judgement name a hundred ordinary voters, too, for a finding; return them."""
    found = (await case(log, finding)).about
    cast = {fields["voter"] for record in await read_to_end(
        log.address, log.topics.votes, PARTITIONS)
        for event, fields in [codec.decode(record.value)] if event == "VoteCast"}
    more = sorted(cast - found.voters)[:100]
    await _named(log, finding, voters=more)
    return {*more}


async def _named(log: Log, finding: bytes, /, **otherwise: Any) -> None:
    """Have a judgement say a finding once more, otherwise."""
    judgements = [codec.decode(record.value)[1]
                  for record in await read_to_end(log.address, log.topics.patrol, 1)]
    said = next(each for judgement in judgements for each in judgement["findings"]
                if each["finding"] == finding)
    last = judgements[-1]
    async with connected_producer(log.address) as producer:
        await write(producer, log.topics.patrol, 0, [codec.encode("PatrolJudged", **{
            **last, "number": last["number"] + 1, "findings": [{**said, **otherwise}]})])


async def test_little_is_set_aside_by_one_and_two_at_once_do_it_once(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of acts written at the same time one holds; who was let count by a person stays so."""
    monkeypatch.setattr("schemas.finding_acts.ALONE_PERCENT", 100)
    ada = await evening(broker, topic_prefix, ordinary=600, signed=True)
    bob = replace(ada, own_keys=(BOB,))
    finding = await crowd(ada)
    saved = min((await case(ada, finding)).about.voters)
    dismissed = await acted(ada, finding, DISMISS)
    await reinstate(ada, saved.hex(), "she wrote to us", consultation=None, now=NOW,
                    causes=(), immune=(1,))
    done = await asyncio.gather(*[acted(each, finding, CONFIRM) for each in (ada, bob)])
    written = await controls(ada)
    found = await case(ada, finding)

    assert dismissed.standing.state == DISMISSED
    assert {each.standing.state for each in done} == {CONFIRMED}
    assert [each.event for each in found.known.acts.of(
        found.about.consultation, finding)] == [
        FINDING_DISMISSED, FINDING_CONFIRMED]
    assert len({each["event_id"] for each in written}) == ROBOTS - 1
    assert found.survey.set_aside() == found.about.voters - {saved}
    assert {each.immune for each in done} == {1}


async def test_what_cannot_be_is_refused_with_what_to_do(
    broker: Broker, topic_prefix: str
) -> None:
    """No such finding, no key at hand, nobody to let count, a closing, a sealing."""
    ada = await evening(broker, topic_prefix, ordinary=200, signed=True)
    finding = await crowd(ada)
    await refused(ada, bytes(16), CONFIRM, Missing, "guard findings")
    await refused(replace(ada, own_keys=(GUARD,)), finding, CONFIRM, InvalidInput,
                  "no key that may sign it lies here")
    await refused(ada, finding, LET_COUNT, InvalidInput, "guard dismiss")
    await refused(ada, finding, replace(CONFIRM, second="Bob"), InvalidInput, "leave --second out")
    await operations.close(ada, "jeunes", now=NOW, salt=bytes(16))
    await refused(ada, finding, CONFIRM, ChangesFinal, "--after-closing")
    done = await acted(replace(ada, after_closing=True), finding, CONFIRM)
    assert done.standing.state == WAITING
    assert (await acted(ada, finding, DISMISS)).standing.state == DISMISSED
