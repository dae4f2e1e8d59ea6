"""What the controls of a consultation come to, told apart from the ledger. Pure.

Under the first rules a voter's last control counts. Under the second a voter is suspended while a
finding stands: a suspension of version 1 is a finding of its own, under cause 0, and a
reinstatement of version 1 clears those; version 2 names cause and finding, and what is cleared
stays so. A control that the partition does not take, by the keys it has there, is passed over; so
is one of version 1 that the ledger still remembers.
"""

import heapq
from collections import Counter, deque
from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple

from processors.ledger.decisions import decode
from schemas import codec
from schemas.codec import Undecodable
from schemas.keys_in_force import KeysInForce
from schemas.words import OUTCOMES


NEVER = 2**63 - 1
"""Stands for the offset of a closing or an adoption where there is none."""
FINDINGS_MAX = 8
"""A voter has so many findings of a cause, cleared ones counted."""

IDS_REMEMBERED, ID_END_BYTES = 8, 8
"""The ledger remembers so many ids of controls of version 1 of a voter, and of endings, by their
last bytes."""

ADOPTION = "rules_adopted"
ENDINGS = ("consultation_closed", "consultation_sealed")
CHANGES, UNCHANGED, REFUSED = "changes", "unchanged", "refused"
"""What a control of a voter comes to."""

Pair = tuple[int, bytes]
Row = Sequence[Any]
"""What a query gives of a control."""


class Controls(NamedTuple):
    """What a recount needs of them."""

    closed_at: list[int]
    """By partition, the offset of the closing."""
    sealed_at: list[int]
    suspended: dict[str, int]
    """Voters who are suspended in the end, and the lowest cause that stands."""
    after_closing: int
    """Suspensions and reinstatements that took effect after the closing."""
    rules_2_at: list[int]
    """By partition, the offset from which rules 2 are in force."""


class _Ids:
    """Controls of version 1 that the ledger knows again: the last eight that it did not refuse.

    It keeps the ends of their ids. One delivered again after eight others is decided anew.
    """

    def __init__(self) -> None:
        self._ends: deque[bytes] = deque(maxlen=IDS_REMEMBERED)

    def have(self, event_id: bytes) -> bool:
        """Whether a control is remembered."""
        return event_id[-ID_END_BYTES:] in self._ends

    def remember(self, event_id: bytes) -> None:
        """Remember a control as the newest."""
        self._ends.append(event_id[-ID_END_BYTES:])


class _Voter:
    """What controls have said of a voter."""

    def __init__(self) -> None:
        self.is_suspended = False
        self.pairs: dict[Pair, bool] = {}
        """Findings met, and whether they stand: since rules 2."""
        self.immune: set[int] = set()
        self.has_risen = False
        self.ids = _Ids()

    def follow(self, control: str, fields: dict[str, Any], *, version: int, rules: int) -> bool:
        """Take a control under the rules in force; say whether it took effect."""
        if rules > 1:
            self.rise()
        if version == 1 and self.ids.have(fields["event_id"]):
            return False
        if rules > 1:
            effect = self.take(control, fields, version=version)
        else:
            before, self.is_suspended = self.is_suspended, control == "voter_suspended"
            effect = CHANGES if before != self.is_suspended else UNCHANGED
        if version == 1 and effect != REFUSED:
            self.ids.remember(fields["event_id"])
        return effect == CHANGES

    def rise(self) -> None:
        """Take what the first rules left into the terms of the second."""
        if not self.has_risen and self.is_suspended:
            self.pairs[0, bytes(16)] = True
        self.has_risen = True

    def take(self, control: str, fields: dict[str, Any], *, version: int) -> str:
        """Take a control under rules 2; say what it came to."""
        refused = False
        if control == "voter_suspended":
            pair = (fields["cause"], fields["finding"]) if version > 1 else (0, fields["event_id"])
            pairs, immune, stands = [pair], set[int](), True
            known = pair in self.pairs
            refused = pair[0] in self.immune
        else:
            pairs = [(each["cause"], each["finding"]) for each in fields["findings"]]
            if version == 1:
                pairs = [pair for pair, each in self.pairs.items() if each and pair[0] == 0]
            immune, stands = set(fields["immune"]), False
            known = self.immune >= immune and all(self.pairs.get(pair) is False for pair in pairs)
        if known:
            return UNCHANGED
        if refused or self._is_full_for(pairs):
            return REFUSED
        self.pairs.update(dict.fromkeys(pairs, stands))
        self.immune |= immune
        self.is_suspended = any(self.pairs.values())
        return CHANGES

    def lowest(self) -> int:
        """Return the lowest cause that stands: rules 1 know none but an operator's."""
        return min((cause for (cause, _), stands in self.pairs.items() if stands), default=0)

    def _is_full_for(self, pairs: Iterable[Pair]) -> bool:
        new = {*pairs} - self.pairs.keys()
        met = Counter(cause for cause, _ in {*self.pairs, *new})
        return any(met[cause] > FINDINGS_MAX for cause, _ in new)


class _Ends:
    """Where a consultation ends, partition by partition."""

    def __init__(self, partitions: int) -> None:
        self.closed_at, self.sealed_at = [NEVER] * partitions, [NEVER] * partitions
        self._ids = [_Ids() for _ in range(partitions)]

    def follow(self, partition: int, at: int, control: str, event_id: bytes, version: int) -> None:
        """Take a closing or a sealing; what is not closed cannot be sealed."""
        if version == 1:
            if self._ids[partition].have(event_id):
                return
            self._ids[partition].remember(event_id)
        if control == "consultation_closed":
            self.closed_at[partition] = min(self.closed_at[partition], at)
        elif at > self.closed_at[partition]:
            self.sealed_at[partition] = min(self.sealed_at[partition], at)


def fold(
    rows: Iterable[Row], adoptions: Iterable[Row], first_adoptions: Sequence[Container[int]],
) -> Controls:
    """Fold the rows of controls.sql and adoptions.sql, each in the order of the log.

    `first_adoptions` are by partition the offsets at which adoptions are recorded to have taken
    effect: the one thing that is taken from decisions, for which first keys are right only ledgers
    were told.
    """
    rules_2_at, ends = [NEVER] * len(first_adoptions), _Ends(len(first_adoptions))
    voters: dict[str, _Voter] = {}
    after_closing = 0
    in_force: dict[int, KeysInForce] = {}
    for partition, at, control, voter, value in _merged(rows, adoptions):
        followed = in_force.setdefault(
            partition, KeysInForce(partition, first_adoptions[partition]))
        if control == ADOPTION:
            followed.follow(at, bytes.fromhex(value))
            if followed.rules > 1:
                rules_2_at[partition] = min(rules_2_at[partition], at)
            continue
        version, fields = _read(value)
        if version == 0 or not followed.takes(bytes.fromhex(value)):
            continue
        if control in ENDINGS:
            ends.follow(partition, at, control, fields["event_id"], version)
        elif at < ends.sealed_at[partition]:
            takes_effect = voters.setdefault(_hexadecimal(voter), _Voter()).follow(
                control, fields, version=version, rules=followed.rules)
            after_closing += takes_effect and at > ends.closed_at[partition]
    suspended = {name: found.lowest() for name, found in voters.items() if found.is_suspended}
    return Controls(ends.closed_at, ends.sealed_at, suspended, after_closing, rules_2_at)


def _merged(rows: Iterable[Row], adoptions: Iterable[Row]) -> Iterable[Row]:
    """Put adoptions among the controls, in the order of each partition."""
    others = ((partition, at, ADOPTION, None, value) for partition, at, value in adoptions)
    return heapq.merge(rows, others, key=lambda row: (row[0], row[1]))


def suspended_by(rows: Iterable[Row]) -> dict[str, int]:
    """Return who is suspended after the decisions of suspensions.sql, and the lowest cause of each.
    """
    standing: dict[str, set[Pair]] = {}
    for voter, value in rows:
        decision = decode(bytes.fromhex(value))
        pairs = {(pair.cause, pair.finding) for pair in decision.findings}
        if decision.ledger_version == 1:
            pairs = {(0, bytes(16))}
        found = standing.setdefault(_hexadecimal(voter), set())
        if OUTCOMES[decision.outcome] == "suspended":
            found |= pairs
        else:
            found -= pairs
    return {voter: min(cause for cause, _ in found) for voter, found in standing.items() if found}


def reinstated_by(rows: Sequence[Row]) -> int:
    """Count who was reinstated and is not suspended after the decisions of suspensions.sql."""
    freed = {_hexadecimal(voter) for voter, value in rows
             if OUTCOMES[decode(bytes.fromhex(value)).outcome] == "reinstated"}
    return len(freed - suspended_by(rows).keys())


def _read(value: Any) -> tuple[int, dict[str, Any]]:
    """Return the version of a control and its fields; version 0 where nobody can read it."""
    raw = bytes.fromhex(value)
    try:
        return codec.schema_of(raw).version, codec.decode(raw)[1]
    except Undecodable:
        return 0, {}


def _hexadecimal(voter: object) -> str:
    return voter.hex() if isinstance(voter, bytes) else str(voter)
