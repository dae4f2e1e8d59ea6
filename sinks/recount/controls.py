"""What the controls of a consultation come to, told apart from the ledger. Pure.

Under the first rules a voter's last control counts. Under the second a voter is suspended while a
finding stands: a suspension of version 1 is a finding of its own, under cause 0, and a
reinstatement of version 1 clears those; version 2 names cause and finding, and what is cleared
stays so. A control that the partition does not take, by the keys it has there, is passed over.
"""

import heapq
from collections import Counter
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

ADOPTION = "rules_adopted"

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


class _Voter:
    """What controls have said of a voter."""

    def __init__(self) -> None:
        self.is_suspended = False
        self.pairs: dict[Pair, bool] = {}
        """Findings met, and whether they stand: since rules 2."""
        self.immune: set[int] = set()
        self.has_risen = False

    def follow(self, control: str, fields: dict[str, Any], *, version: int, rules: int) -> bool:
        """Take a control under the rules in force; say whether it took effect."""
        if rules > 1:
            self.rise()
            return self.take(control, fields, version=version)
        before, self.is_suspended = self.is_suspended, control == "voter_suspended"
        return before != self.is_suspended

    def rise(self) -> None:
        """Take what the first rules left into the terms of the second."""
        if not self.has_risen and self.is_suspended:
            self.pairs[0, bytes(16)] = True
        self.has_risen = True

    def take(self, control: str, fields: dict[str, Any], *, version: int) -> bool:
        """Take a control under rules 2; say whether it took effect."""
        if control == "voter_suspended":
            pair = (fields["cause"], fields["finding"]) if version > 1 else (0, fields["event_id"])
            pairs, immune, stands = [pair], set[int](), True
            known = pair in self.pairs or pair[0] in self.immune
        else:
            pairs = [(each["cause"], each["finding"]) for each in fields["findings"]]
            if version == 1:
                pairs = [pair for pair, each in self.pairs.items() if each and pair[0] == 0]
            immune, stands = set(fields["immune"]), False
            known = self.immune >= immune and all(self.pairs.get(pair) is False for pair in pairs)
        if known or self._is_full_for(pairs):
            return False
        self.pairs.update(dict.fromkeys(pairs, stands))
        self.immune |= immune
        self.is_suspended = any(self.pairs.values())
        return True

    def lowest(self) -> int:
        """Return the lowest cause that stands: rules 1 know none but an operator's."""
        return min((cause for (cause, _), stands in self.pairs.items() if stands), default=0)

    def _is_full_for(self, pairs: Iterable[Pair]) -> bool:
        new = {*pairs} - self.pairs.keys()
        met = Counter(cause for cause, _ in {*self.pairs, *new})
        return any(met[cause] > FINDINGS_MAX for cause, _ in new)


def fold(
    rows: Iterable[Row], adoptions: Iterable[Row], first_adoptions: Sequence[Container[int]],
) -> Controls:
    """Fold the rows of controls.sql and adoptions.sql, each in the order of the log.

    `first_adoptions` are by partition the offsets at which adoptions are recorded to have taken
    effect: the one thing that is taken from decisions, for which first keys are right only ledgers
    were told.
    """
    partitions = len(first_adoptions)
    closed_at, sealed_at, rules_2_at = ([NEVER] * partitions for _ in range(3))
    voters: dict[str, _Voter] = {}
    after_closing, seen = 0, set[tuple[object, ...]]()
    in_force: dict[int, KeysInForce] = {}
    for partition, at, control, voter, event_id, value in _merged(rows, adoptions):
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
        if control == "consultation_closed":
            closed_at[partition] = min(closed_at[partition], at)
        elif control == "consultation_sealed":
            if at > closed_at[partition]:
                sealed_at[partition] = min(sealed_at[partition], at)
        elif at < sealed_at[partition]:
            name = _hexadecimal(voter)
            if version == 1 and (name, event_id) in seen:
                continue
            seen.add((name, event_id))
            takes_effect = voters.setdefault(name, _Voter()).follow(
                control, fields, version=version, rules=followed.rules)
            after_closing += takes_effect and at > closed_at[partition]
    suspended = {name: found.lowest() for name, found in voters.items() if found.is_suspended}
    return Controls(closed_at, sealed_at, suspended, after_closing, rules_2_at)


def _merged(rows: Iterable[Row], adoptions: Iterable[Row]) -> Iterable[Row]:
    """Put adoptions among the controls, in the order of each partition."""
    others = ((partition, at, ADOPTION, None, None, value) for partition, at, value in adoptions)
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


def _read(value: Any) -> tuple[int, dict[str, Any]]:
    """Return the version of a control and its fields; version 0 where nobody can read it."""
    raw = bytes.fromhex(value)
    try:
        return codec.schema_of(raw).version, codec.decode(raw)[1]
    except Undecodable:
        return 0, {}


def _hexadecimal(voter: object) -> str:
    return voter.hex() if isinstance(voter, bytes) else str(voter)
