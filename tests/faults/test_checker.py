"""The checker of the campaign finds each kind of violation, and nothing where all is well."""

import copy
import dataclasses
from collections.abc import Callable

import pytest

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from schemas.registry import newest
from schemas.words import OUTCOMES
from sinks.stretches import Stretch
from tests.faults.checker import (
    EFFECTS,
    ArchivedPartition,
    Attempt,
    Evidence,
    Observed,
    Outcome,
    check,
    totals_of,
)
from tests.faults.told import BOOTH, Receipt, SignedLog
from tests.processors.ledger import logs
from tests.producers.gateway.booths import rules
from tests.sinks.ballots import Box, decide, random_box
from tests.sinks.published import catalogue_log, published


SEED, EVENTS = 41, 240
ASKED_AT = 1_700_000_000.0


def honest(box: Box | None = None) -> Evidence:
    """Make the evidence of a seed in which nothing went wrong."""
    box = box or random_box(SEED, EVENTS)
    ledgers, decisions = decide(box)
    catalogue = catalogue_log(box)
    document = published(ledgers, catalogue)
    attempts = [
        Attempt(partition, value, Outcome.ACKNOWLEDGED, offset)
        for partition, log in enumerate(box.logs) for offset, value in enumerate(log)]
    archive = [
        ArchivedPartition("votes", partition, [Stretch(0, len(log) - 1)], len(log), list(log), log)
        for partition, log in enumerate(box.logs)]
    return Evidence(
        attempts, box.logs, decisions, catalogue, observed(box), document, 0, "equal", archive)


def observed(box: Box) -> list[Observed]:
    """Show some flushes to a reader."""
    ledgers = [Ledger(partition, box.partitions) for partition in range(box.partitions)]
    shown = []
    for part in (0.0, 0.3, 0.5, 1.0):
        for ledger, log in zip(ledgers, box.logs, strict=True):
            for offset in range(ledger.last_offset + 1, max(1, int(part * len(log)))):
                ledger.decide(offset, log[offset])
        shown.append(Observed(
            tuple(ledger.last_offset for ledger in ledgers), totals_of(ledgers)))
    return shown


def kinds(evidence: Evidence) -> set[str]:
    """Name the kinds of violations found."""
    return {violation.kind for violation in check(evidence)}


def test_nothing_is_found_where_all_is_well() -> None:
    """An honest seed has no violation, whatever odd records its ballot box holds."""
    assert check(honest()) == []


def test_an_unknown_attempt_may_be_there_or_not() -> None:
    """A vote that was neither acknowledged nor refused proves nothing either way."""
    evidence = honest()
    evidence.attempts[5] = evidence.attempts[5]._replace(outcome=Outcome.UNKNOWN, offset=None)
    evidence.attempts.append(Attempt(0, b"\0never arrived", Outcome.UNKNOWN))

    assert check(evidence) == []


def test_strays_and_repeats_of_decisions_are_skipped() -> None:
    """A repeat with the same bytes and a decision beyond the next place harm nobody."""
    evidence = honest()
    log = evidence.decisions[0]
    evidence.decisions[0] = [*log[:9], log[20], *log[3:]]

    assert check(evidence) == []


def test_an_acknowledged_vote_that_is_not_there_is_lost() -> None:
    """Whether its offset was told or not."""
    told, untold = honest(), honest()
    told.attempts.append(Attempt(0, b"\0gone", Outcome.ACKNOWLEDGED, len(told.votes[0])))
    untold.attempts.append(Attempt(0, b"\0gone", Outcome.ACKNOWLEDGED))

    assert kinds(told) == kinds(untold) == {"acknowledged vote lost"}


def test_an_acknowledged_vote_at_another_offset_is_lost() -> None:
    """The offset a voter was told is where the vote lies."""
    evidence = honest()
    evidence.attempts[7] = evidence.attempts[7]._replace(offset=8)

    assert kinds(evidence) == {"acknowledged vote lost"}


def test_a_record_nobody_sent_is_a_phantom() -> None:
    """It was never handed to a producer."""
    evidence = honest()
    del evidence.attempts[9]

    assert kinds(evidence) == {"phantom"}


def test_a_failed_attempt_that_is_there_is_a_phantom() -> None:
    """Who was told that a vote failed does not find it in the ballot box."""
    evidence = honest()
    evidence.attempts[9] = evidence.attempts[9]._replace(outcome=Outcome.FAILED, offset=None)

    assert kinds(evidence) == {"phantom"}


def test_a_record_more_often_there_than_sent_is_a_phantom() -> None:
    """One attempt of an idempotent producer leaves one record at the most."""
    box = random_box(SEED, EVENTS)
    box.logs[0].append(box.logs[0][-1])
    evidence = honest(box)
    del evidence.attempts[len(box.logs[0]) - 1]

    assert kinds(evidence) == {"phantom"}


def adopts(value: bytes | None) -> bool:
    """Whether a record adopts rules 2."""
    return value is not None and value.startswith(newest("RulesAdopted").header)


def adopted(*, times: int = 1, announced: int = 1) -> Evidence:
    """Make the evidence of a seed in which rules 2 were adopted in the middle."""
    box = random_box(SEED, EVENTS, rises_at=EVENTS)
    for _ in range(times):
        box.rise()
    for log in box.logs:
        log.extend(log[-6:-1])
    evidence = honest(box)
    evidence.attempts = [one for one in evidence.attempts if not adopts(one.value)]
    evidence.catalogue += [rules()] * announced
    ledgers, _ = decide(box)
    return dataclasses.replace(
        evidence, document=published(ledgers, evidence.catalogue), adoptions=1)


def test_an_adoption_is_the_command_s_and_no_phantom() -> None:
    """Rules 2 in the middle, repeats of votes behind them: all is well."""
    assert check(adopted()) == []


def test_an_adoption_that_is_missing_or_nobody_s_is_found() -> None:
    """In one partition, or not announced; more often than the command ran, or without it."""
    lacking = adopted()
    lacking.votes[0] = [value for value in lacking.votes[0] if not adopts(value)]

    assert "not adopted" in kinds(lacking)
    assert kinds(adopted(announced=0)) == {"not adopted"}
    assert kinds(adopted(times=2)) == {"phantom"}
    assert kinds(dataclasses.replace(adopted(), adoptions=0)) == {"phantom"}


def test_an_event_with_two_effects_is_counted_twice() -> None:
    """Even if a faulty ledger's decisions and results agree with one another."""
    evidence = honest()
    effects = [
        (partition, offset) for partition, log in enumerate(evidence.decisions)
        for offset, value in enumerate(log)
        if OUTCOMES[decode(value).outcome] in EFFECTS]
    partition, offset = effects[0]
    again = next(place for side, place in effects if side == partition and place > offset)
    log = evidence.decisions[partition]
    event_id = decode(log[again]).event_id
    first = decode(log[offset]).event_id
    assert first is not None
    assert event_id is not None
    log[again] = log[again].replace(event_id, first)

    assert kinds(evidence) == {"counted twice", "decision differs"}


def test_a_decision_in_two_ways_is_found() -> None:
    """A repeat with other bytes is no repeat."""
    evidence = honest()
    value = evidence.decisions[1][4]
    chain = decode(value).chain
    evidence.decisions[1].append(value.replace(chain, bytes(len(chain))))

    assert kinds(evidence) == {"decisions disagree"}


def test_a_decision_nobody_can_read_is_found() -> None:
    """Bytes that are no decision do not belong into the topic."""
    evidence = honest()
    evidence.decisions[1].append(evidence.decisions[1][4][:-1])

    assert kinds(evidence) == {"decision unreadable"}


def test_a_missing_decision_is_found() -> None:
    """Every vote has its decision in the end."""
    evidence = honest()
    del evidence.decisions[0][-1]

    assert kinds(evidence) == {"decision differs"}


def test_a_published_number_that_differs_is_found() -> None:
    """One vote more than the pure ledger counts, anywhere in the document."""
    evidence = honest()
    document = copy.deepcopy(dict(evidence.document or {}))
    document["proposals"][0]["counted"]["agree"] += 1
    evidence.document = document

    assert [(found.kind, found.said.partition(" ")[0]) for found in check(evidence)] == [
        ("results differ", "proposals[0].counted.agree")]


def test_no_publication_at_all_is_found() -> None:
    """Nothing published is not equal to something counted."""
    assert kinds(dataclasses.replace(honest(), document=None)) == {"results differ"}


def test_a_recount_that_does_not_agree_is_found() -> None:
    """Any other status of the recount than 0 is a violation, and its words are kept."""
    found = check(dataclasses.replace(honest(), recount_status=3, recount_report="archive lacks"))

    assert [violation.kind for violation in found] == ["recount differs"]
    assert "archive lacks" in found[0].said


def test_a_vector_that_goes_back_is_found() -> None:
    """A reader never sees an older vector, even with the right totals for it."""
    evidence = honest()
    evidence.observed.append(evidence.observed[1])

    assert kinds(evidence) == {"results went backwards"}


def test_a_total_that_goes_back_is_found() -> None:
    """Votes received never become fewer; the total is not that of its vector either."""
    evidence = honest()
    evidence.observed.append(evidence.observed[-1]._replace(totals=evidence.observed[1].totals))

    assert kinds(evidence) == {"results went backwards", "results differ"}


def test_a_total_that_is_not_of_its_vector_is_found() -> None:
    """What a reader saw in the middle of the load is compared too."""
    evidence = honest()
    evidence.observed[2] = evidence.observed[2]._replace(vector=evidence.observed[3].vector)

    assert kinds(evidence) == {"results differ"}


def test_a_vector_beyond_the_votes_is_found() -> None:
    """Nothing can be counted that is not in the ballot box."""
    evidence = honest()
    last = evidence.observed[-1]
    evidence.observed.append(last._replace(vector=(last.vector[0] + 1, *last.vector[1:])))

    assert kinds(evidence) == {"results differ"}


Change = Callable[[ArchivedPartition], ArchivedPartition]


@pytest.mark.parametrize(("change", "kind"), [
    (lambda held: held._replace(stretches=[Stretch(0, 4), Stretch(6, len(held.log) - 1)]),
     "archive does not tile"),
    (lambda held: held._replace(stretches=[Stretch(0, len(held.log) - 2)]),
     "archive does not tile"),
    (lambda held: held._replace(stretches=[]), "archive does not tile"),
    (lambda held: held._replace(rows=held.rows + 1), "archive does not tile"),
    (lambda held: held._replace(values=[*held.values[:-1], b"other"]), "archive differs"),
], ids=["hole", "short", "empty", "twice", "bytes"])
def test_an_archive_that_is_not_the_log_is_found(change: Change, kind: str) -> None:
    """A hole, a missing end, a row stored twice, a record with other bytes."""
    evidence = honest()
    evidence.archive[1] = change(evidence.archive[1])

    assert kinds(evidence) == {kind}


def test_many_violations_are_counted_not_listed() -> None:
    """A whole lost log is told in some lines."""
    evidence = honest()
    evidence.attempts += [
        Attempt(0, b"\0%d" % number, Outcome.ACKNOWLEDGED) for number in range(100)]

    found = check(evidence)

    assert len(found) == 6
    assert found[-1].said == "... and 95 more"


# Votes over HTTP, and what the notary signed


def with_receipt(*, possible: int = 1, is_signed: bool = True, times: int = 1,
                 off_by_seconds: float = 0.0, trust: str = "trusted") -> Evidence:
    """Make honest evidence with a vote over HTTP besides, which lies so often in partition 0."""
    value = logs.ballot(
        "VoteCast", consultation=BOOTH, event_id=b"h" * 16, proposal="b-0", choice="agree",
        voter=bytes(16), trust=trust, occurred_at=int((ASKED_AT + 1.0 + off_by_seconds) * 1_000))
    box = random_box(SEED, EVENTS)
    offset = len(box.logs[0])
    box.logs[0] += [value] * times
    evidence = honest(box)
    evidence.attempts = [attempt for attempt in evidence.attempts if attempt.value != value]
    evidence.receipts = [Receipt("key", possible, value, 0, offset, is_signed=is_signed,
                                 asked_at=ASKED_AT, answered_at=ASKED_AT + 2.0)]
    return evidence


def test_a_vote_over_http_lies_where_its_receipt_says() -> None:
    """Once, or as often as it was asked for."""
    assert check(with_receipt()) == []
    assert check(with_receipt(possible=2, times=2)) == []


def test_a_receipt_that_does_not_hold_is_found() -> None:
    """Another offset, or a signature of nobody's."""
    elsewhere = with_receipt()
    elsewhere.receipts[0] = elsewhere.receipts[0]._replace(offset=1)

    assert kinds(elsewhere) == kinds(with_receipt(is_signed=False)) == {"receipt broken"}


def test_a_vote_that_a_wrong_clock_stamped_is_found() -> None:
    """It bears a time at which nobody asked for it, either way."""
    assert kinds(with_receipt(off_by_seconds=3_900.0)) == {"wrong time"}
    assert kinds(with_receipt(off_by_seconds=-90.0)) == {"wrong time"}


def test_a_vote_whose_proof_was_not_believed_is_found() -> None:
    """Each is cast with the proof that its proposal was shown."""
    assert kinds(with_receipt(trust="suspect")) == {"proof not believed"}


def test_a_vote_that_was_said_not_to_be_recorded_is_a_phantom() -> None:
    """More of them than requests that may be in the log; or of an event that nobody knows."""
    unknown = with_receipt()
    unknown.receipts.clear()

    assert kinds(with_receipt(times=2)) == kinds(unknown) == {"phantom"}


def test_votes_of_strangers_may_be_there() -> None:
    """Whoever had no cookie yet cannot be told from another when asking again."""
    evidence = with_receipt()
    evidence.receipts.clear()
    evidence.strangers = 1

    assert check(evidence) == []


def test_a_vote_that_is_never_answered_is_found() -> None:
    """A voter asks until there is a receipt."""
    evidence = honest()
    evidence.receipts = [Receipt("key", 0)]

    assert kinds(evidence) == {"vote not answered"}


def test_a_transparency_log_that_is_not_its_partitions_is_found() -> None:
    """An entry less, another one, or a tree that is not what was signed."""
    whole, short, broken = (
        SignedLog("votes/0", entries, [b"a", b"b"], fault)
        for entries, fault in (([b"a", b"b"], ""), ([b"a"], ""), ([], "TreeRefused")))
    found = []
    for held in (whole, short, broken):
        evidence = honest()
        evidence.signed = [held]
        found.append(kinds(evidence))

    assert found == [set(), {"transparency log differs"}, {"transparency log broken"}]
