"""When undecodable records stop a ledger: the same answer before and after a restart."""

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import undecodable_share
from processors.ledger.ledger import Ledger
from schemas import codec
from tests.processors.ledger.logs import PARTITION, PARTITIONS, adopted, vote


@given(st.lists(st.booleans(), max_size=2_500))
def test_a_ledger_started_again_counts_what_the_one_before_it_counted(bad: list[bool]) -> None:
    """What is remembered along the way is what the last decisions say, and the window's share."""
    ledger, remembered = Ledger(PARTITION, PARTITIONS), list[int]()
    decisions = [ledger.decide(0, adopted())]
    for offset, is_bad in enumerate(bad, start=1):
        decisions.append(ledger.decide(offset, b"{}" if is_bad else vote(offset)))
        undecodable_share.remember(remembered, [offset] if is_bad else [])
    recalled = undecodable_share.offsets(decisions[-undecodable_share.WINDOW_RECORDS:])

    assert undecodable_share.count(remembered, ledger) == undecodable_share.count(recalled, ledger)
    assert undecodable_share.count(recalled, ledger) == sum(bad[-undecodable_share.WINDOW_RECORDS:])
    assert len(remembered) <= undecodable_share.WINDOW_RECORDS


def test_an_acceptance_holds_for_its_partition_up_to_its_offset() -> None:
    """The furthest one counts; other partitions and other events of the catalogue do not."""
    catalogue = [
        codec.encode("UndecodableAccepted", event_id=bytes(16), partition=partition,
                     until_offset=until, reason="mended", salt=bytes(16), origin="operator",
                     occurred_at=0)
        for partition, until in ((3, 90), (3, 70), (2, 500))]

    assert undecodable_share.accepted_until([None, b"{}", *catalogue], 3) == 90
    assert undecodable_share.accepted_until(catalogue, 1) == -1
