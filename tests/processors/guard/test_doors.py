"""What the patrol makes of who was asked for work, and of blocks that networks lie in."""

import random
from collections.abc import Iterator, Sequence

import pytest

from processors.guard.findings import Finding
from processors.guard.inputs import networks_in
from processors.guard.judgements import encoded
from processors.guard.judging import Judgement, judge
from processors.guard.marks import METRONOME, NO_HANDS
from processors.guard.parameters import CROWD, SPREAD, Rules
from processors.guard.state import PatrolState
from schemas import codec
from schemas.registry import versions
from tests.processors.guard.traffic import (
    BEGAN_AT,
    PARTITIONS,
    SERVED,
    Crowds,
    Vote,
    batches,
    judged,
    log_of,
)


TEN_MINUTES_MS = 600_000
SUSPECT = 1
TARGET, POPULAR = 11, 3
BLOCK, OTHER_BLOCK = b"block".ljust(16, b"-"), b"other".ljust(16, b"-")


def asked(crowds: Crowds, kind: bytes, count: int, solved: int, networks: Sequence[bytes],
          proposal: int, *, after_ms: int = 4_000) -> Iterator[Vote]:
    """Make voters of whom the door asks something; the first of them do it, so much later."""
    for number in range(count):
        voter, network = crowds.voter(kind), networks[number % len(networks)]
        # Gaps that grow are no metronome's.
        time = BEGAN_AT + 1_000 + number * number * 40
        yield Vote(time, voter, network, proposal, trust=SUSPECT, block=OTHER_BLOCK,
                   challenged="asked")
        if number < solved:
            yield Vote(time + after_ms, voter, network, proposal, block=OTHER_BLOCK,
                       challenged="solved" if number % 2 else "waited")


def later(crowds: Crowds, minutes: int = 12) -> Vote:
    """Make a vote that moves the log's time on."""
    return Vote(BEGAN_AT + minutes * 60_000, crowds.voter(b"last"), crowds.network(b"last"), 0,
                shown=SERVED)


def at_a_door(given: int, solved: int, others: int, others_solved: int, *,
              after_ms: int = 4_000) -> list[Vote]:
    """Make a network that works as little as it does, among others of as many networks."""
    crowds = Crowds(5)
    homes = [crowds.network(b"home") for _ in range(max(1, others))]
    return [*asked(crowds, b"bots", given, solved, [crowds.network(b"bot")], TARGET,
                   after_ms=after_ms),
            *asked(crowds, b"any", others, others_solved, homes, POPULAR), later(crowds)]


def findings(judgements: Sequence[Judgement], rule: int) -> list[Finding]:
    """List what a rule found."""
    return [each for one in judgements for each in one.findings if each.rule == rule]


def marked(votes: list[Vote], mark: int, rule: int = CROWD) -> set[bytes]:
    """Return who is named for a mark."""
    return {voter for each in findings(judged(log_of(votes))[1], rule) if mark in each.marks
            for voter in each.voters}


@pytest.mark.parametrize(("given", "solved", "others", "others_solved", "named"), [
    (20, 0, 20, 20, 20), (19, 0, 20, 20, 0), (20, 2, 20, 20, 18), (20, 3, 20, 20, 0),
    (20, 0, 20, 14, 20), (20, 0, 20, 13, 0), (20, 0, 19, 19, 0), (40, 4, 30, 25, 36)])
def test_who_does_no_work_where_others_do_bears_a_mark(
        given: int, solved: int, others: int, others_solved: int, named: int) -> None:
    """Twenty of whom a tenth works at most, where seven of ten others do; who worked is not named.
    """
    votes = at_a_door(given, solved, others, others_solved)
    workers = {vote.voter for vote in votes if vote.trust != SUSPECT}
    found = marked(votes, NO_HANDS)

    assert len(found) == named
    assert not found & workers


def test_work_that_is_done_after_ten_minutes_was_not_done() -> None:
    """Ten minutes are a long time; a moment before they end is early enough."""
    late = at_a_door(20, 20, 20, 20, after_ms=TEN_MINUTES_MS + 1)
    soon = at_a_door(20, 20, 20, 20, after_ms=TEN_MINUTES_MS)

    assert len(marked(late, NO_HANDS)) == 20
    assert marked(soon, NO_HANDS) == set()


def test_nobody_bears_the_mark_before_the_time_is_over() -> None:
    """The first judgement that names somebody lies ten minutes after the twentieth was asked."""
    votes = at_a_door(20, 0, 20, 20)
    _, judgements = judged(log_of(votes))
    first = next(one for one in judgements if findings([one], CROWD)
                 and NO_HANDS in findings([one], CROWD)[0].marks)
    last = max(vote.time for vote in votes if vote.trust == SUSPECT and vote.proposal == TARGET)

    assert first.now >= last + TEN_MINUTES_MS
    numbers = dict(findings([first], CROWD)[0].numbers)
    assert [numbers[f"work_{name}"] for name in (
        "given", "solved", "others_given", "others_solved")] == [20, 0, 20, 20]


def test_suspect_votes_of_nobody_who_was_asked_are_not_looked_at() -> None:
    """Those with a forged proof, and those of which no network is known."""
    votes = [vote._replace(challenged="none") if False else vote
             for vote in at_a_door(20, 0, 20, 20)]
    told = {"none": [Vote(**{**vars(vote), "challenged": "none"}) for vote in votes],
            "unseen": [Vote(**{**vars(vote), "network": None}) for vote in votes]}
    trusted = {vote.voter for vote in votes if vote.trust != SUSPECT}

    for changed in told.values():
        patrol, judgements = judged(log_of(changed))
        assert {voter for day in patrol.days() for voter in day.voters} == trusted
        assert findings(judgements, CROWD) == []


def test_whose_votes_do_not_count_is_in_no_count_and_new_tomorrow() -> None:
    """They are members of groups, no voters of the day's votes; who works is one again."""
    patrol, _ = judged(log_of(at_a_door(20, 5, 20, 20)))
    [day] = patrol.days()

    assert len(day.voters) == 41
    assert len({row for row, *_ in day.votes()}) == 26
    assert len(day.work.unproven) == 15
    patrol.roll(patrol.day + 1)
    assert len(patrol.consultations["jeunes"].known) == 26


def both() -> list[Vote]:
    """Make an evening with whoever does no work, and a block of even robots."""
    return [*at_a_door(30, 2, 40, 35), *block(Crowds(8), 40, gap_ms=900)]


def block(crowds: Crowds, networks: int, *, others: int = 0, gap_ms: int = 0,
          known: bool = True) -> list[Vote]:
    """Make one voter from each network of a block for one item, and others of the block."""
    name = BLOCK if known else None
    return [*(Vote(BEGAN_AT + 20_000 + (number * gap_ms or number * number * 300),
                   crowds.voter(b"blk"), crowds.network(b"blk"), 22, block=name)
              for number in range(networks)),
            *(Vote(BEGAN_AT + number * number * 170, crowds.voter(b"nbr"), crowds.network(b"nbr"),
                   number % 9, shown=SERVED, block=name) for number in range(others))]


def in_traffic(votes: list[Vote]) -> list[Judgement]:
    """Judge votes among ordinary ones."""
    crowds = Crowds(6)
    ordinary = [Vote(**{**vars(vote), "block": OTHER_BLOCK}) for vote in crowds.ordinary(500, 4)]
    return judged(log_of([*ordinary, *votes, later(crowds, 8)]))[1]


@pytest.mark.parametrize(("networks", "others", "told"), [
    (20, 0, 20), (19, 0, 0), (20, 5, 20), (20, 6, 0)])
def test_a_block_most_of_which_came_for_one_item_is_a_stratum(
        networks: int, others: int, told: int) -> None:
    """From twenty networks on, however few voters each has, where they are four of five."""
    judgements = in_traffic(block(Crowds(7), networks, others=others))
    found = findings(judgements, SPREAD)

    assert len({voter for each in found for voter in each.voters}) == told
    assert {dict(each.numbers)["band"] for each in found} <= {3}
    assert findings(judgements, CROWD) == []


def test_without_its_name_a_block_is_not_seen() -> None:
    """Records of before say none, and what they say is judged as it was."""
    assert findings(in_traffic(block(Crowds(7), 40, known=False)), SPREAD) == []


def test_who_comes_evenly_from_one_block_bears_a_mark() -> None:
    """A machine with a network for each voter; nobody else of the block or elsewhere is named."""
    votes = block(Crowds(7), 60, gap_ms=900)
    found = findings(in_traffic([*votes, *block(Crowds(9), 0, others=10)]), SPREAD)
    named = {voter for each in found if METRONOME in each.marks for voter in each.voters}

    assert {voter[4:8] for voter in named} == {b"blk-"}
    assert len(named) >= 55


@pytest.mark.parametrize("fetch", [1, 10_000])
def test_findings_are_the_same_however_such_records_arrive(fetch: int) -> None:
    """In any order, one record a fetch; and for whoever starts anew in the middle."""
    log = log_of(both())
    cuts = log.cuts(every=20_000)
    whole = [encoded(one) for one in judged(log, cuts=cuts)[1]]
    other = [encoded(one) for one in judged(
        log, cuts=cuts, fetch=fetch, shuffle=random.Random(fetch))[1]]
    patrol = PatrolState(PARTITIONS)
    records = [codec.decode(value)[1] for value in whole]
    again = [encoded(judge(patrol, batch, Rules.of_code(), fields["judged_at"]))
             for fields, batch in zip(records, batches(log, cuts), strict=True)]

    assert whole == other == again
    assert {mark for one in records for each in one["findings"] for mark in each["marks"]} >= {
        METRONOME, NO_HANDS}


def test_networks_that_come_late_tell_of_the_door_too() -> None:
    """In another judgement than their votes, before two seconds are over; later nobody waits."""
    for late_ms, named in ((1_500, 20), (8_000, 0)):
        log = log_of(at_a_door(20, 0, 20, 20), late_ms=late_ms)
        found = findings(judged(log, cuts=log.cuts(every=1_000))[1], CROWD)

        assert len({voter for each in found if NO_HANDS in each.marks
                    for voter in each.voters}) == named


def test_what_was_seen_is_read_as_the_codec_reads_it() -> None:
    """Network, block and word of each event; only the network where lists differ in length."""
    events, networks, blocks = (
        [bytes([first, number]) * 8 for number in range(3)] for first in (1, 2, 3))
    fields = {"events": events, "networks": networks, "occurred_at": 2**41, "blocks": blocks,
              "challenged": ["none", "waited", "asked"]}
    seen = dict(networks_in(codec.encode("NetworksSeen", **fields)))
    short = dict(networks_in(codec.encode("NetworksSeen", **{**fields, "blocks": blocks[:2]})))
    none = dict(networks_in(codec.encode(
        "NetworksSeen", **{**fields, "blocks": [], "challenged": []})))
    old = dict(networks_in(codec.encode_as(versions("NetworksSeen")[0], **{
        name: fields[name] for name in ("events", "networks", "occurred_at")})))

    assert seen == {event: network + each + bytes([word]) for event, network, each, word in zip(
        events, networks, blocks, (0, 3, 1), strict=True)}
    assert short == none == old == dict(zip(events, networks, strict=True))
