"""What release 0.1.0 decided and counted is decided and counted so for ever, byte for byte.

The logs, and what came of them, were written by its own code (golden/make.py.txt).
"""

import json
from collections import Counter
from typing import Any

import pytest

from processors.ledger import snapshots, tally_records
from processors.ledger.decisions import decode
from processors.ledger.ledger import DecisionsDisagree, Ledger, LedgerStopped
from processors.results import results_document, wordings
from processors.results.catalogue import Catalogue
from schemas.codec import Undecodable
from schemas.words import OUTCOMES, REASONS
from tests.processors.ledger.logs_2 import adopted_2
from tests.releases.written import EXPECTED, LOGS, MANY, PARTITIONS


FLUSH_EVERY = 500
each_partition = pytest.mark.parametrize("partition", range(PARTITIONS))


def decided(partition: int) -> Ledger:
    """Decide a whole log."""
    ledger = Ledger(partition, PARTITIONS)
    for offset, (value, _) in enumerate(LOGS[partition]):
        ledger.decide(offset, value)
    return ledger


def test_the_logs_hold_every_outcome_and_reason() -> None:
    """Whatever version 1 can decide was decided at least once."""
    met = Counter[str]()
    for log in (*LOGS, MANY):
        for _, decision in log:
            found = decode(decision)
            met[OUTCOMES[found.outcome]] += 1
            met[REASONS[found.reason]] += 1

    assert set(met) == {*OUTCOMES, *REASONS}


@each_partition
def test_every_record_is_decided_as_it_was(partition: int) -> None:
    """The decision of each golden vote is the one that release 0.1.0 wrote."""
    ledger = Ledger(partition, PARTITIONS)
    for offset, (value, decision) in enumerate(LOGS[partition]):
        assert ledger.decide(offset, value) == decision, f"offset {offset}"
    assert ledger.decided_by_outcome() == EXPECTED["decided"][partition]


def test_a_voter_of_too_many_votes_is_decided_as_it_was() -> None:
    """5,000 votes, one refused, a suspension of all of them: deciding and folding, by the byte."""
    ledger, other = Ledger(0, 1), Ledger(0, 1)
    for offset, (value, decision) in enumerate(MANY):
        assert ledger.decide(offset, value) == decision, f"offset {offset}"
        assert other.apply(decision)

    assert ledger.state() == other.state()
    assert ledger.decided_by_outcome()["refused_too_many"] == 3


@each_partition
def test_old_decisions_fold_to_the_state_of_deciding(partition: int) -> None:
    """A ledger that recovers from what 0.1.0 wrote holds what one holds that decided it all."""
    ledger = Ledger(partition, PARTITIONS)
    assert all(ledger.apply(decision) for _, decision in LOGS[partition])
    assert ledger.state() == decided(partition).state()


@each_partition
def test_tallies_are_written_as_they_were(partition: int) -> None:
    """Each flush of 0.1.0, of what moved and of everything, is written again by the byte."""
    ledger, flushed = Ledger(partition, PARTITIONS), []
    for offset, (value, _) in enumerate(LOGS[partition]):
        ledger.decide(offset, value)
        if offset % FLUSH_EVERY == FLUSH_EVERY - 1:
            flushed.append(tally_records.flush(ledger, everything=False))
    flushed.append(tally_records.flush(ledger, everything=True))

    assert [sorted([key.hex(), value.hex()] for key, value in one) for one in flushed] == (
        EXPECTED["flushes"][partition])


@pytest.mark.parametrize("consultation", ["jeunes", "forêts"])
def test_results_are_what_they_were(consultation: str) -> None:
    """The document of 0.1.0 is computed again: every number, interval, score and rank."""
    ledgers = [decided(partition) for partition in range(PARTITIONS)]
    catalogue = Catalogue()
    for offset, name in enumerate(("jeunes", "forêts")):
        catalogue.apply("ProposalAccepted", {
            "consultation": name, "proposal": "proposition-0", "text": "Il faut un toit.",
            "occurred_at": 1_647_000_000_000, "event_id": bytes(16), "salt": bytes(16),
            "origin": "operator", "author": "", "submitted_at": None}, offset)
    counts: dict[str, list[Any]] = {}
    for ledger in ledgers:
        for (name, proposal), each in ledger.tallies().items():
            if name == consultation:
                counts.setdefault(proposal, []).append(each)
    voters = [ledger.participation(consultation) for ledger in ledgers]
    figures = results_document.Figures(
        proposals={name: results_document.pooled(each) for name, each in counts.items()},
        participants=sum(each.participants for each in voters),
        participants_received=sum(each.participants_received for each in voters),
        suspended=sum(each.suspended for each in voters),
        closed=all(each.closed for each in voters))
    as_of = results_document.AsOf(tuple(ledger.last_offset for ledger in ledgers), 1, -1)
    found = results_document.document(results_document.compute(
        consultation, figures, catalogue, as_of, decided={}, undecodable=0), catalogue)

    assert json.loads(json.dumps(wordings.without(found))) == EXPECTED["documents"][consultation]


@each_partition
def test_rules_2_change_nothing_that_was_decided_before(partition: int) -> None:
    """After an adoption, old decisions are still folded, and repeats of them compared."""
    ledger, other = (Ledger(partition, PARTITIONS) for _ in range(2))
    adoption = adopted_2(partition=partition, partitions=PARTITIONS)
    for offset, (value, decision) in enumerate([*LOGS[partition], (adoption, b"")]):
        made = ledger.decide(offset, value)
        assert made is not None
        assert other.apply(made)
        assert made == decision or offset == len(LOGS[partition])

    assert ledger.ledger_version == 2
    assert ledger.state() == other.state()
    assert ledger.tallies() == decided(partition).tallies()
    assert not ledger.apply(LOGS[partition][-1][1])


@each_partition
def test_a_decision_with_a_flipped_bit_is_never_taken_for_another(partition: int) -> None:
    """A damaged repeat disagrees, is refused, or is of another offset; nothing changes silently."""
    ledger = decided(partition)
    before = ledger.state()
    for offset in range(0, len(LOGS[partition]), 97):
        decision = LOGS[partition][offset][1]
        place = offset % len(decision)
        damaged = decision[:place] + bytes((decision[place] ^ 4,)) + decision[place + 1:]
        try:
            taken = ledger.apply(damaged)
        except (DecisionsDisagree, LedgerStopped, Undecodable):
            continue
        assert not taken
    assert ledger.state() == before


def test_an_old_snapshot_is_not_used() -> None:
    """Its bytes mean something else today: it is refused by its first line, and all is folded."""
    with pytest.raises(snapshots.Unreadable, match="of another version"):
        snapshots.decoded(bytes.fromhex(EXPECTED["snapshot"]), bytes(32))
