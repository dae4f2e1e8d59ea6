"""A ledger without a partition is ready where others have them all and it is one of their group."""

from pathlib import Path

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from processors.ledger.ledger import Ledger
from processors.workers.decision_store import Held
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from processors.workers.membership import Group, Membership, group_of
from schemas.kafka_members import Member, client_id, place
from schemas.topics import Topics
from scrutin.process.figures import role, waiting_for
from tests.processors.workers.test_tally_flushes import Written


def member(name: str, at: str, *partitions: int) -> Member:
    """Describe a member that runs at a place and holds partitions of two topics alike."""
    assignment = ConsumerProtocolMemberAssignment(
        0, [("votes", [*partitions]), ("decisions", [7])], b"").encode()
    return Member(f"{name}-{'0' * 36}", at, assignment if partitions else b"")


async def test_it_is_ready_as_soon_as_the_group_says_so(tmp_path: Path) -> None:
    """And until then it says what it waits for: it may have been thrown out."""
    worker = LedgerWorker(LedgerPolicy(
        "nowhere:9", Topics("test", 2), "1", 60.0, 1.0, tmp_path, 10**9))
    worker.producer = Written()
    before = worker.status()
    worker.membership.others_hold.set()
    after = worker.status()

    assert not before["ready"]
    assert "not known yet that others have them" in waiting_for("ledger", before)
    assert (after["ready"], role(after)) == (True, "ready: standing by")


async def test_partitions_that_come_are_recovered_first(tmp_path: Path) -> None:
    """Who takes over does not stand by any more, whatever the group said before."""
    worker = LedgerWorker(LedgerPolicy(
        "nowhere:9", Topics("test", 2), "1", 60.0, 1.0, tmp_path, 10**9))
    worker.producer = Written()
    worker.membership.others_hold.set()
    worker.held[0] = Held(Ledger(0, 2), None)
    recovering = worker.status()
    worker.held[0].generation = 3
    recovered = worker.status()

    assert (recovering["ready"], waiting_for("ledger", recovering)) == (
        False, "recovering partitions 0")
    assert (recovered["ready"], role(recovered)) == (True, "ready")


@pytest.mark.parametrize(("own", "has_us"), [("", False), ("ours", True)])
def test_a_member_that_was_thrown_out_is_none(own: str, *, has_us: bool) -> None:
    """Though others hold everything: it would never be given a partition."""
    membership = Membership("kafka:9092", "ledger", "votes", 2, "one", holds=lambda: False,
                            rebalances=lambda: 0)
    members = [member("ledger-1", "ledger-1@elsewhere:1", 0, 1)]
    members += [member("ledger-2", client_id("ledger-2"))] if own else []

    assert group_of(membership, members) == Group(
        {0: "elsewhere:1", 1: "elsewhere:1"}, has_us), place()
