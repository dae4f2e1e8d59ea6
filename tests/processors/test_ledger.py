"""The pure ledger: its laws on random logs, and its answer to every kind of wrong input."""

import copy
import functools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import DecisionsDisagree, HoleInVotes, Ledger, LedgerStopped
from processors.rules import REMEMBERED_EVENTS
from schemas import codec
from schemas.registry import UnknownSchema
from schemas.words import CHOICES, COUNTS
from tests.processors.logs import (
    BALLOT_EVENTS,
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    ballot,
    closed,
    identifier,
    logs,
    property_test,
    reinstated,
    suspended,
    vote,
    voter,
)
from tests.processors.naive import NaiveLedger


def decided(log: Log) -> tuple[Ledger, list[bytes]]:
    """Decide a whole log."""
    ledger = Ledger(PARTITION, PARTITIONS)
    decisions = [ledger.decide(offset, value) for offset, value in enumerate(log)]
    assert None not in decisions
    return ledger, [decision for decision in decisions if decision is not None]


def folded(decisions: list[bytes]) -> Ledger:
    """Fold decisions read back."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for decision in decisions:
        ledger.apply(decision)
    return ledger


def named(counts: list[int]) -> dict[str, int]:
    """Give the counts that are not zero, by name."""
    return {name: count for name, count in zip(COUNTS, counts, strict=True) if count}


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
        actual.append(fields)

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
        )

        assert expected == ledger.participation(name)
    assert sum(map(len, naive.votes.values())) == ledger.live_votes


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


@given(log=logs(), again=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=20))
@property_test
def test_redelivered_events_change_nothing(log: Log, again: list[tuple[int, int]]) -> None:
    """Events delivered again while remembered leave every vote and count as it was."""
    once = once_each(log)
    expected, _ = decided(once)
    twice = redelivered(once, again)
    ledger, _ = decided(twice)

    assert held(expected) == held(ledger)
    assert without_repeats(expected) == without_repeats(ledger)


def once_each(log: Log) -> Log:
    """Keep the first record of each event id."""
    seen: set[bytes] = set()
    kept: Log = []
    for value in log:
        identity = (value or b"")[5:21]
        if identity not in seen:
            kept.append(value)
        seen.add(identity)
    return kept


def redelivered(log: Log, again: list[tuple[int, int]]) -> Log:
    """Deliver some records again anywhere after the first time, while they are remembered."""
    result = list(log)
    for source, later in again:
        record = log[source % len(log)]
        first = result.index(record)
        places = [first + 1]
        others: set[bytes | None] = set()
        for place, other in enumerate(result[first + 1:], first + 1):
            if remembered_under(other) == remembered_under(record):
                others.add(other)
            if len(others) == REMEMBERED_EVENTS:
                break
            places.append(place + 1)
        result.insert(places[later % len(places)], record)
    return result


@functools.lru_cache(maxsize=10_000)
def remembered_under(value: bytes | None) -> tuple[object, ...]:
    """Name what an event's id is remembered under."""
    try:
        event, fields = codec.decode(value)
    except codec.Undecodable:
        return ()
    names = ("consultation", "voter", "proposal")
    return (event in BALLOT_EVENTS or event, *(fields.get(name) for name in names))


def held(ledger: Ledger) -> dict[tuple[str, bytes], list[tuple[str, int]]]:
    """Give what every voter holds."""
    return {
        (name, key[:16]): sorted(
            (proposal.name, kept) for proposal, kept in ledger.votes_of(key) if kept & 3)
        for key in ledger.state()["voters"]
        for name in [ledger.consultations()[int.from_bytes(key[16:], "big")]]
    }


def without_repeats(ledger: Ledger) -> dict[tuple[str, str], dict[str, int]]:
    """Give the counts without those that only say how often something came."""
    delivered = ("received", "repeated", "late", "refused_misplaced")
    return {
        met: {name: count for name, count in named(counts).items() if name not in delivered}
        for met, counts in ledger.tallies().items()
    }


def test_the_ninth_oldest_event_is_forgotten() -> None:
    """Eight event ids are remembered per voter and proposal: the documented limit."""
    log: Log = [adopted(), *(vote(number, CHOICES[number % 2]) for number in range(1, 10))]
    eighth, decisions = decided([*log, vote(2, CHOICES[0])])
    ninth, others = decided([*log, vote(1, CHOICES[0])])

    assert codec.decode(decisions[-1])[1]["outcome"] == "repeated"
    assert codec.decode(others[-1])[1]["outcome"] == "changed"
    assert eighth.live_votes == ninth.live_votes == 1


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
    """Fraud found after the closing is still set aside; votes come too late."""
    log: Log = [adopted(), vote(1), closed(2), vote(3, "disagree"), suspended(4)]
    _, decisions = decided(log)

    assert [codec.decode(decision)[1]["outcome"] for decision in decisions] == [
        "adopted", "counted", "closed", "late", "suspended"]


# Inputs that stop the partition: nothing may have changed


@given(log=logs(), distance=st.integers(2, 1_000))
@property_test
def test_a_hole_in_the_input_stops_the_partition(log: Log, distance: int) -> None:
    """A record that is not the next one raises, and the ledger stands where it stood."""
    ledger, _ = decided(log)
    before = copy.deepcopy(ledger.state())
    with pytest.raises(HoleInVotes, match="Records are missing from the ballot box"):
        ledger.decide(ledger.last_offset + distance, vote(1))

    assert before == ledger.state()


@pytest.mark.parametrize("size", [0, 40, 5_000])
def test_an_unknown_schema_id_is_never_a_decision(size: int) -> None:
    """A record of a later version stops the partition, whatever its size, and changes nothing."""
    ledger, _ = decided([adopted(), vote(1)])
    before = copy.deepcopy(ledger.state())
    with pytest.raises(UnknownSchema, match=r"unknown schema id 9999.*Install the version"):
        ledger.decide(2, b"\0" + (9_999).to_bytes(4, "big") + bytes(size))

    assert before == ledger.state()
    assert ledger.decide(2, vote(2)) is not None


def test_an_event_of_another_topic_is_undecodable() -> None:
    """A known event that has no place in a ballot box is refused: no later version reads it."""
    strange = codec.encode("TalliesFlushed", source_offset=1, ledger_version=1, decided={},
                           undecodable=0)
    _, decisions = decided([adopted(), strange])

    assert codec.decode(decisions[-1])[1]["reason"] == "undecodable"


@pytest.mark.parametrize("fields", [{"partition": 0}, {"partitions": 4}, {"ledger_version": 2}])
def test_rules_for_another_place_or_version_stop_the_partition(fields: dict[str, int]) -> None:
    """Rules adopted for another partition, count or version raise, at the start and later."""
    ledger, _ = decided([adopted(), vote(1)])
    before = copy.deepcopy(ledger.state())
    for found, offset in ((Ledger(PARTITION, PARTITIONS), 0), (ledger, 2)):
        with pytest.raises(LedgerStopped, match=r"never changes|unknown here"):
            found.decide(offset, adopted(901, **fields))

    assert before == ledger.state()


@pytest.mark.parametrize("value", [vote(1), suspended(1), closed(1), None, b"{}", b"\0\0\0\0\5"])
def test_the_first_record_must_adopt_rules(value: bytes | None) -> None:
    """No record can be decided before the rules are adopted; nothing changes."""
    ledger = Ledger(PARTITION, PARTITIONS)
    before = copy.deepcopy(ledger.state())
    with pytest.raises(LedgerStopped, match=r"first record is not RulesAdopted.*scrutin provision"):
        ledger.decide(0, value)

    assert before == ledger.state()


def test_every_consultation_keeps_its_own_voters() -> None:
    """Tens of thousands of consultations, which any client can name, stop nobody."""
    ledger, _ = decided([adopted(), vote(1)])
    for number in range(66_000):
        ledger.consultation(f"c{number}")
    ledger.decide(2, vote(2, consultation="c65999"))
    ledger.decide(3, vote(3, consultation="c65600"))

    assert ledger.live_votes == 3
    assert ledger.participation("c65999") == ledger.participation("c65600") == (1, 1, 0, False)


def test_the_last_link_proves_the_ballot_box() -> None:
    """The last vote decided verifies against the chain; any other record is an alarm."""
    ledger, _ = decided([adopted(), vote(1), None])
    ledger.last_link().verify(None)
    with pytest.raises(LedgerStopped, match="replaced or rewritten"):
        ledger.last_link().verify(vote(1))


@pytest.mark.parametrize("value", [
    b"", b"\0\0\0\0\1", b"\0\0\0\0\x14", b"\0\0\0\0\x14" + b"\2" * 80, vote(1)])
def test_bytes_that_are_no_decision_are_not_folded(value: bytes) -> None:
    """A record of the decisions topic that nobody can read raises Undecodable."""
    with pytest.raises(codec.Undecodable):
        Ledger(PARTITION, PARTITIONS).apply(value)
