"""Plays a campaign through the pure ledger: what a plan promises is compared with what it finds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from processors.ledger.ledger import Ledger
from producers import closing
from producers.campaign.events import Campaign, Event
from producers.campaign.plan import Plan
from schemas import codec
from schemas.words import COUNTS


PARTITIONS = 4
PARTICIPANT = slice(21, 37)
"""Where the participant stands in a ParticipantDescribed."""


@dataclass
class Played:
    """A campaign after its last record, as the ledger and a reader of descriptions see it."""

    proposals: dict[str, dict[str, int]] = field(default_factory=dict)
    participants: int = 0
    participants_received: int = 0
    undecodable: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    descriptions: dict[bytes, bytes] = field(default_factory=dict)
    """The last ParticipantDescribed of each participant, as written."""
    records: int = 0

    def totals(self) -> dict[str, int]:
        return {name: sum(row[name] for row in self.proposals.values()) for name in COUNTS}


def records(plan: Plan, partitions: int = PARTITIONS) -> Iterator[Event]:
    """Yield every record of votes and participants in order, closing and late votes included."""
    campaign = Campaign(plan, partitions)
    for events in campaign.events():
        yield from events
    at = plan.published.closes_at
    control = codec.encode("ConsultationClosed", **closing.closing_fields(
        plan.published.consultation, closes_at=at, occurred_at=at, salt=bytes(16),
        origin="simulation"))
    yield from ((at, partition, at, control) for partition in range(partitions))
    yield from campaign.late_events()


def play(plan: Plan) -> Played:
    """Decide a campaign from an empty log; the rules are adopted first, as in every partition."""
    played = Played()
    ledgers = [Ledger(partition, PARTITIONS) for partition in range(PARTITIONS)]
    for ledger in ledgers:
        ledger.decide(0, codec.encode(
            "RulesAdopted", event_id=bytes(16), ledger_version=1, partition=ledger.partition,
            partitions=PARTITIONS, salt=bytes(16), origin="operator", occurred_at=0))
    for _, partition, _, value in records(plan):
        played.records += 1
        if partition == PARTITIONS:
            played.descriptions[value[PARTICIPANT]] = value
        else:
            ledgers[partition].decide(ledgers[partition].last_offset + 1, value)
    _gather(played, ledgers, plan.published.consultation)
    return played


def _gather(played: Played, ledgers: list[Ledger], consultation: str) -> None:
    for ledger in ledgers:
        for (_, proposal), counts in ledger.tallies().items():
            row = played.proposals.setdefault(proposal, dict.fromkeys(COUNTS, 0))
            for name, count in zip(COUNTS, counts, strict=True):
                row[name] += count
        participation = ledger.participation(consultation)
        played.participants += participation.participants
        played.participants_received += participation.participants_received
        played.undecodable += ledger.decided[ledger.undecodable_slot]
        played.outcomes.update(ledger.decided_by_outcome())
