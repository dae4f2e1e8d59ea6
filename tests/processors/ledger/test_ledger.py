"""The pure ledger: its laws on random logs, and its answer to every kind of wrong input."""

import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import DecisionsDisagree, Ledger
from processors.ledger.state import NAME_BYTES
from schemas import codec
from schemas.words import CHOICES, COUNTS
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    ballot,
    closed,
    decided,
    folded,
    identifier,
    logs,
    named,
    property_test,
    reinstated,
    sealed,
    suspended,
    vote,
    voter,
)
from tests.processors.ledger.naive import NaiveLedger


def conserved(counts: list[int]) -> bool:
    """Whether received = counted + set aside + gone + no change + late + refused."""
    found = dict(zip(COUNTS, counts, strict=True))
    rest = ("superseded", "withdrawn", "unchanged", "repeated", "proven", "late")
    parts = [
        count for name, count in found.items()
        if name in (*CHOICES, *rest) or name.startswith(("set_aside_", "refused_"))]
    return bool(found["received"] == sum(parts))


@given(log=logs())
@property_test
def test_decisions_equal_the_naive_rules(log: Log) -> None:
    """Every decision says what the rules, told a second time, say."""
    naive = NaiveLedger(PARTITION, PARTITIONS)
    expected = [naive.take(value) for value in log]
    _, decisions = decided(log)
    actual = []
    for offset, decision in enumerate(decisions):
        _, fields = codec.decode(decision)
        assert fields.pop("source_offset") == offset
        del fields["chain"]
        for change in fields["changes"]:
            assert change.pop("route") == "unknown"
        actual.append({name: fields[name] for name in expected[offset]})

    assert expected == actual


@given(log=logs())
@property_test
def test_tallies_equal_a_naive_recount(log: Log) -> None:
    """The running counts are what counting everything anew gives."""
    naive = NaiveLedger(PARTITION, PARTITIONS)
    for value in log:
        naive.take(value)
    ledger, _ = decided(log)

    assert {met: dict(+counts) for met, counts in naive.recount().items()} == {
        met: named(counts) for met, counts in ledger.tallies().items()}
    assert dict(naive.decided) == ledger.decided_by_outcome()


@given(log=logs())
@property_test
def test_participation_equals_a_naive_recount(log: Log) -> None:
    """Participants, received participants, suspended voters and closing are counted right."""
    naive = NaiveLedger(PARTITION, PARTITIONS)
    for value in log:
        naive.take(value)
    ledger, _ = decided(log)
    for name in CONSULTATIONS:
        expected = (
            naive.participants(name),
            sum(key[0] == name for key in naive.voters_received),
            sum(key[0] == name for key in naive.suspended),
            name in naive.closed,
            naive.controls_after_closing[name],
        )

        assert expected == ledger.participation(name)
    live = [votes for key, votes in naive.votes.items() if key[0] not in naive.sealed]
    assert sum(map(len, live)) == ledger.live_votes


@given(log=logs())
@property_test
def test_tallies_are_the_sum_of_changes(log: Log) -> None:
    """A tally is the sum of after minus before over the decisions."""
    ledger, decisions = decided(log)
    sums: dict[tuple[str, str], Counter[str]] = {}
    for decision in decisions:
        _, fields = codec.decode(decision)
        for change in fields["changes"]:
            moved = sums.setdefault((fields["consultation"], change["proposal"]), Counter())
            moved.subtract(NaiveLedger.counts_of(change["before"]))
            moved.update(NaiveLedger.counts_of(change["after"]))
    live = COUNTS[1:COUNTS.index("superseded")]
    for met, counts in ledger.tallies().items():
        actual = {name: count for name, count in named(counts).items() if name in live}

        assert dict(+sums[met]) == actual


@given(log=logs())
@property_test
def test_the_conservation_law_holds_per_proposal_and_in_total(log: Log) -> None:
    """Nothing received is lost: it is counted, set aside, gone, without effect, late or refused."""
    ledger, _ = decided(log)
    tallies = list(ledger.tallies().values())

    assert all(map(conserved, tallies))
    assert conserved([sum(column) for column in zip(*tallies, strict=True)] or [0] * len(COUNTS))


@given(log=logs())
@property_test
def test_no_count_is_ever_negative(log: Log) -> None:
    """After every single record all counts are zero or more."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
        for name in ledger.consultations():
            assert min(ledger.participation(name)) >= 0
        assert all(min(counts) >= 0 for counts in ledger.tallies().values())
    assert ledger.live_votes >= 0


@given(log=logs(), ends=st.lists(st.integers(0, 70), max_size=4))
@property_test
def test_a_prefix_fed_again_changes_nothing(log: Log, ends: list[int]) -> None:
    """Records already decided are dropped, however often they come."""
    expected, _ = decided(log)
    ledger = Ledger(PARTITION, PARTITIONS)
    feeds = sorted(min(end, len(log)) for end in ends)
    for end in [*feeds, *feeds, len(log)]:
        for offset, value in enumerate(log[:end]):
            ledger.decide(offset, value)

    assert expected.state() == ledger.state()


@given(log=logs(), cut=st.integers(0, 70), back=st.integers(0, 9))
@property_test
def test_batches_decide_what_their_records_decide_one_by_one(
    log: Log, cut: int, back: int
) -> None:
    """Wherever a batch begins, also before the end of the last one, and whatever is in it."""
    expected, decisions = decided(log)
    ledger, made = Ledger(PARTITION, PARTITIONS), list[bytes]()
    records = list(enumerate(log))
    ledger.decide_all(records[:cut], made)
    ledger.decide_all(records[max(0, cut - back):], made)

    assert decisions == made
    assert expected.state() == ledger.state()


@given(log=logs())
@property_test
def test_the_same_log_gives_the_same_bytes(log: Log) -> None:
    """Decisions are a pure function of the log."""
    assert decided(log)[1] == decided(log)[1]


@given(log=logs())
@property_test
def test_deciding_and_folding_reach_the_identical_state(log: Log) -> None:
    """Recovery from decisions gives every internal of the ledger that made them."""
    ledger, decisions = decided(log)
    recovered = folded(decisions)

    assert ledger.state() == recovered.state()
    assert ledger.last_link() == recovered.last_link()


@given(log=logs(), cut=st.integers(0, 70))
@property_test
def test_a_ledger_recovered_anywhere_goes_on_with_the_same_bytes(log: Log, cut: int) -> None:
    """What a restarted ledger decides is what the killed one would have decided."""
    ledger, decisions = decided(log)
    recovered = folded(decisions[:cut])
    for offset, value in enumerate(log):
        decision = recovered.decide(offset, value)

        assert decision == (decisions[offset] if offset >= cut else None)
    assert ledger.state() == recovered.state()


@given(log=logs(), noise=st.lists(st.tuples(st.integers(0, 70), st.integers(-70, 9)), max_size=30))
@property_test
def test_repeats_holes_and_strays_fold_to_the_same_state(
    log: Log, noise: list[tuple[int, int]]
) -> None:
    """Decisions repeated or ahead of their turn are skipped: the owner fills every place."""
    ledger, decisions = decided(log)
    recovered = Ledger(PARTITION, PARTITIONS)
    extras: dict[int, list[int]] = {}
    for place, distance in noise:
        extras.setdefault(place, []).append(place + distance)
    for offset, decision in enumerate(decisions):
        for other in extras.get(offset, ()):
            if 0 <= other < len(decisions):
                due = other == recovered.last_offset + 1

                assert due is recovered.apply(decisions[other])
        recovered.apply(decision)

    assert ledger.state() == recovered.state()


@given(log=logs(), place=st.integers(0, 70), byte=st.integers(5, 200))
@property_test
def test_a_repeat_with_other_bytes_is_an_alarm(log: Log, place: int, byte: int) -> None:
    """Two decisions of one record that differ stop whoever sees it."""
    ledger, decisions = decided(log)
    offset = place % len(decisions)
    _, fields = codec.decode(decisions[offset])
    fields["chain"] = bytes(16)
    other = codec.encode("DecisionMade", **fields)
    before = ledger.state()
    with pytest.raises(DecisionsDisagree, match=f"two different decisions of offset {offset}"):
        ledger.apply(other)

    assert before == ledger.state()



def test_a_voter_first_met_in_a_suspension_is_one_voter() -> None:
    """A voter suspended and reinstated before any vote shares nothing with the next voter."""
    log: Log = [
        adopted(), suspended(1), reinstated(2), vote(3, "agree"),
        vote(4, "disagree", voter=voter(1)), vote(5, "agree"), vote(6, "disagree", voter=voter(1)),
    ]
    ledger, decisions = decided(log)
    outcomes = [codec.decode(decision)[1]["outcome"] for decision in decisions]

    assert outcomes == ["adopted", "suspended", "reinstated", "counted", "counted", "unchanged",
                        "unchanged"]
    assert named(ledger.tallies()["jeunes", "p1"]) == {
        "received": 4, "agree": 1, "disagree": 1, "unchanged": 2}
    assert ledger.state() == folded(decisions).state()


def test_a_voter_holds_at_most_5000_live_votes() -> None:
    """The 5,001st live vote is refused; a vote given up makes room; changes go on."""
    log: Log = [adopted(), *(vote(n, proposal=f"p{n}") for n in range(5_000))]
    log += [vote(9_000, proposal="p9000"), vote(9_001, "disagree", proposal="p17"),
            vote(9_002, proposal="p9000", voter=voter(1)),
            vote(9_003, proposal="p9000", consultation=CONSULTATIONS[1]),
            ballot("VoteWithdrawn", event_id=identifier(9_004), proposal="p4999"),
            vote(9_005, proposal="p9000"), vote(9_006, proposal="p4999")]
    ledger, decisions = decided(log)
    found = [codec.decode(decision)[1] for decision in decisions[5_001:]]

    assert [(fields["outcome"], fields["reason"]) for fields in found] == [
        ("refused", "too_many"), ("changed", "none"), ("counted", "none"), ("counted", "none"),
        ("withdrawn", "none"), ("counted", "none"), ("refused", "too_many")]
    assert ledger.state() == folded(decisions).state()


def test_a_suspension_sets_every_vote_aside_and_back() -> None:
    """Suspending a voter of thousands of votes names them all, sorted; reinstating undoes it."""
    proposals = [f"p{number}" for number in range(5_000)]
    log: Log = [adopted(), *(vote(n, proposal=name) for n, name in enumerate(proposals))]
    counted, _ = decided(log)
    ledger, decisions = decided([*log, suspended(9_000), reinstated(9_001)])
    _, suspension = codec.decode(decisions[-2])

    assert [change["proposal"] for change in suspension["changes"]] == sorted(proposals)
    assert {change["after"]["set_aside"] for change in suspension["changes"]} == {"suspended"}
    assert counted.tallies() == ledger.tallies()
    assert counted.participation("jeunes") == ledger.participation("jeunes")
    assert ledger.state() == folded(decisions).state()


def test_suspended_is_shown_before_unproven() -> None:
    """A suspect vote of a suspended voter is set aside once, as suspended."""
    log: Log = [adopted(), vote(1, trust="suspect"), suspended(2)]
    ledger, decisions = decided(log)
    _, fields = codec.decode(decisions[-1])

    assert fields["changes"][0]["before"]["set_aside"] == "unproven"
    assert fields["changes"][0]["after"]["set_aside"] == "suspended"
    assert fields["changes"][0]["after"]["trust"] == "suspect"
    assert named(ledger.tallies()["jeunes", "p1"]) == {"received": 1, "set_aside_suspended": 1}


def test_controls_of_voters_apply_after_the_closing() -> None:
    """Fraud found after the closing is still set aside, and it is counted that it was so late."""
    log: Log = [adopted(), vote(1), suspended(5, voter=voter(1)), closed(2), vote(3, "disagree"),
                suspended(4), suspended(6)]
    ledger, decisions = decided(log)

    assert [codec.decode(decision)[1]["outcome"] for decision in decisions] == [
        "adopted", "counted", "suspended", "closed", "late", "suspended", "unchanged"]
    assert ledger.participation("jeunes").controls_after_closing == 1


def test_a_sealed_consultation_has_counts_but_no_voters() -> None:
    """Who voted what is forgotten, in this consultation alone; what comes later is late."""
    other = vote(5, consultation=CONSULTATIONS[1], voter=voter(1))
    log: Log = [adopted(), vote(1), vote(2, voter=voter(1)), suspended(8_000), other, sealed(8_001),
                closed(9_000), sealed(8_002)]
    open_still, _ = decided(log[:-1])
    ledger, decisions = decided(log)
    late = [vote(1), vote(3), suspended(8_000), reinstated(8_003), sealed(8_004), sealed(8_002)]
    again, verdicts = decided([*log, *late])

    assert (open_still.live_votes, ledger.live_votes, len(ledger.state()["voters"])) == (3, 1, 1)
    assert ledger.tallies() == open_still.tallies()
    assert ledger.participation(CONSULTATIONS[0]) == open_still.participation(CONSULTATIONS[0])
    assert outcomes(verdicts[-7:]) == ["sealed", *["late"] * 4, "unchanged", "repeated"]
    assert outcomes(decisions[5:6]) == ["unchanged"], "an open consultation cannot be sealed"
    assert again.state() == folded(verdicts).state()


def test_voters_met_after_a_sealing_share_nothing_with_others() -> None:
    """Each voter keeps votes of its own."""
    name = CONSULTATIONS[1]
    log: Log = [adopted(), vote(1), vote(2, voter=voter(1), consultation=name), closed(9_000),
                sealed(9_001), vote(3, voter=voter(2), consultation=name)]
    ledger, decisions = decided(log)
    both, _ = decided([*log, suspended(9_002, voter=voter(2), consultation=name)])

    assert ledger.participation(name).participants == 2
    assert both.participation(name).participants == 1
    assert ledger.state() == folded(decisions).state()


@pytest.mark.parametrize(("voters", "proposals", "controlled"), [
    (3_000, 1, 0), (3_000, 3, 0), (30, 300, 0), (1, 1, 0), (1_000, 1, 3_000), (0, 0, 3_000)])
def test_what_a_ledger_takes_in_memory_is_estimated(
    voters: int, proposals: int, controlled: int
) -> None:
    """Not less: verifiers rely on that; and not twice as much either."""
    ledger, _ = decided([adopted(), *(
        vote(number * proposals + place, voter=voter(number), proposal=f"p{place}")
        for number in range(voters) for place in range(proposals)), *(
        event(10_000 * (1 + number), voter=voter(number))
        for number in range(controlled) for event in (suspended, reinstated))])
    tables: list[dict[bytes, Any]] = [
        ledger.votes, *(table for found in ledger.by_name.values()
                        for table in (found.voters, found.voters_control_ids))]
    takes = sum(sys.getsizeof(table) + sum(
        map(sys.getsizeof, (*table, *table.values()))) for table in tables)

    assert takes < ledger.bytes_held() < 2 * takes + (1 + proposals) * NAME_BYTES


def outcomes(decisions: list[bytes]) -> list[str]:
    """Name what became of each record."""
    return [codec.decode(decision)[1]["outcome"] for decision in decisions]
