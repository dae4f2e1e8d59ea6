"""The ledger under rules 2, against the same rules told a second time, on random logs."""

from typing import Any

from hypothesis import given

from schemas import codec
from schemas.words import EVERY_COUNT
from tests.processors.ledger.logs import (
    PARTITION,
    PARTITIONS,
    Log,
    decided,
    folded,
    property_test,
)
from tests.processors.ledger.logs_2 import deep_logs, logs_2
from tests.processors.ledger.naive_2 import NaiveLedger2


def naive(log: Log) -> tuple[NaiveLedger2, list[dict[str, Any]]]:
    """Let the naive ledger decide a log."""
    ledger = NaiveLedger2(PARTITION, PARTITIONS)
    return ledger, [ledger.take(value) for value in log]


@given(log=logs_2() | deep_logs())
@property_test
def test_decisions_equal_the_naive_rules(log: Log) -> None:
    """Every decision, before and after the rise, says what the rules told a second time say."""
    _, expected = naive(log)
    _, decisions = decided(log)
    actual = []
    for told, decision in zip(expected, decisions, strict=True):
        _, fields = codec.decode(decision)
        if fields["ledger_version"] == 1:
            assert all(change.pop("route") == "unknown" for change in fields["changes"])
        actual.append({name: fields[name] for name in told})

    assert expected == actual


@given(log=logs_2() | deep_logs())
@property_test
def test_tallies_equal_a_naive_recount(log: Log) -> None:
    """The running counts, by cause and by route, are what counting everything anew gives."""
    ledger, _ = naive(log)
    counted, _ = decided(log)

    assert {met: dict(+counts) for met, counts in ledger.recount().items()} == {
        met: {name: count for name, count in zip(EVERY_COUNT, counts, strict=True) if count}
        for met, counts in counted.every_count().items()}
    assert all(counted.participation(name).participants == ledger.participants(name)
               for name in counted.consultations() if name not in ledger.sealed)


@given(log=logs_2() | deep_logs())
@property_test
def test_folding_decisions_reaches_the_state_of_deciding(log: Log) -> None:
    """State folded from decisions alone equals decided state, whatever was adopted when."""
    ledger, decisions = decided(log)

    assert folded(decisions).state() == ledger.state()


@given(log=logs_2() | deep_logs())
@property_test
def test_parts_are_never_more_than_the_whole(log: Log) -> None:
    """Causes are parts of what suspensions set aside; drawn and asked votes of those counted."""
    ledger, _ = decided(log)
    for counts in ledger.every_count().values():
        found = dict(zip(EVERY_COUNT, counts, strict=True))
        counted = sum(found[name] for name in ("agree", "disagree", "neutral"))
        drawn = sum(found[f"drawn_{name}"] for name in ("agree", "disagree", "neutral"))

        assert all(number >= 0 for number in counts)
        assert drawn + found["counted_asked"] <= counted
        assert sum(found[f"set_aside_cause_{cause}"] for cause in range(1, 16)) <= (
            found["set_aside_suspended"])
