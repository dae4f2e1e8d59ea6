"""At which places the door is to ask more: those that rule 1 told of. Pure.

Theory of operation: a group of one network and item is told of long before anybody is set aside for
it, if ever. Meanwhile whoever else comes from there for the proposal is asked for work or patience;
nobody loses anything by it but some seconds. A group that is told of again is asked for more. No
judgement reads this: what the door then does, the patrol sees in the votes and their networks.
"""

import hashlib
from collections.abc import Iterable, Iterator

from processors.guard.findings import Finding
from processors.guard.judging import Judgement
from processors.guard.parameters import CROWD
from processors.guard.state import PatrolState
from processors.guard.window import ITEM_BITS
from schemas import codec
from schemas.hot import long


RAISED_MS = 3_600_000
"""So long the door asks more, each time a group is told of."""
LEVEL_MOST = 2
_IDENTIFIER_BYTES = 16


class Challenges:
    """How often each group of the day was told of, and what the door is to be asked for it."""

    def __init__(self) -> None:
        self._day = -1
        self._told: dict[bytes, int] = {}
        """Judgements that told of a group, by finding; of the newest day, which bounds them."""

    def __len__(self) -> int:
        return len(self._told)

    def note(self, findings: Iterable[Finding]) -> None:
        """Take the findings of a judgement that holds."""
        for one in findings:
            if one.rule != CROWD or one.day < self._day:
                continue
            if one.day > self._day:
                self._day = one.day
                self._told.clear()
            self._told[one.finding] = self._told.get(one.finding, 0) + 1

    def raised(self, state: PatrolState, judgement: Judgement, now: int) -> list[bytes]:
        """Return the records for the door of a judgement that left this state, now (ms since 1970).

        There are none for what lies further back than they would hold: a backlog raises nothing.
        """
        if abs(now - judgement.now) > RAISED_MS:
            return []
        return [codec.encode(
            "ChallengeRaised", network=network, day=one.day, consultation=one.consultation,
            proposal=one.proposal, until=now + RAISED_MS, occurred_at=now,
            level=min(LEVEL_MOST, self._told.get(one.finding, 0) + 1),
            event_id=_event_id(one.finding, judgement.number))
            for one, network in _places(state, judgement.findings)]


def _places(
    state: PatrolState, findings: Iterable[Finding]
) -> Iterator[tuple[Finding, bytes]]:
    """Find the network of each group that rule 1 tells of today."""
    told = {one.finding: one for one in findings if one.rule == CROWD and one.day == state.day}
    for name in sorted({one.consultation for one in told.values()}):
        today = state.consultations[name].today
        if today is None:
            continue
        networks = list(today.numbers)
        for pair, group in sorted(today.watched.by_pair.items()):
            if group.finding in told:
                yield told.pop(group.finding), networks[pair >> ITEM_BITS]


def _event_id(finding: bytes, number: int) -> bytes:
    said = b"scrutin challenge 1\n" + finding + long(number)
    return hashlib.sha256(said).digest()[:_IDENTIFIER_BYTES]
