"""Whom findings set aside, as a voter may be told of themselves. Pure.

Theory of operation: judgements name voters; a rule that sets aside, or a person's confirmation,
sets aside those who were named. A person's dismissal of the finding, or answer to that voter,
undoes it. So judgements and the catalogue tell a voter's standing without the ballot box. What an
operator set aside or let count by `scrutin suspend` and `scrutin reinstate` is not in them. Of each
voter the first FINDINGS_MOST findings are held, and of voters the last VOTERS_MOST: who was named
before is told nothing.
"""

from collections import OrderedDict
from typing import NamedTuple

from processors.guard.judgements import findings_of
from processors.guard.recorded import Sequence
from schemas.corrections import FINDING_CONFIRMED
from schemas.finding_acts import Acts


VOTERS_MOST = 100_000
"""Some forty megabytes."""
FINDINGS_MOST = 4


class Named(NamedTuple):
    """A voter is named for a finding."""

    consultation: str
    finding: bytes
    rule: int
    judgement: int
    """Number of the judgement that named them."""
    marked: bool
    suspends: bool
    """Whether the rule set aside."""


class SetAside:
    """Who is named, by pseudonym; show it every record of the judgements, in order."""

    def __init__(self) -> None:
        self._sequence = Sequence()
        self._by_voter: OrderedDict[bytes, tuple[Named, ...]] = OrderedDict()

    def take(self, value: bytes | None) -> None:
        """Take a record; strays are passed over. UnknownSchema where only a later version can."""
        fields = self._sequence.next_of(value)
        for found in findings_of(fields) if fields else ():
            for voter in found.voters:
                self._note(voter, Named(
                    found.consultation, found.finding, found.rule, self._sequence.number,
                    bool(found.marks), found.suspends))

    def _note(self, voter: bytes, named: Named) -> None:
        held = self._by_voter.get(voter, ())
        if len(held) < FINDINGS_MOST:
            self._by_voter[voter] = (*held, named)
        if len(self._by_voter) > VOTERS_MOST:
            self._by_voter.popitem(last=False)

    def of(
        self, voter: bytes, consultation: str, acts: Acts, answered: frozenset[int]
    ) -> Named | None:
        """Return by what a voter is set aside, the lowest rule first; None where by nothing.

        `answered` are the rules that a person let set this voter aside no more.
        """
        return min((named for named in self._by_voter.get(voter, ())
                    if named.consultation == consultation and named.rule not in answered
                    and _holds(named, acts)), key=lambda named: named.rule, default=None)


def _holds(named: Named, acts: Acts) -> bool:
    """Whether a finding sets aside somebody whom it named."""
    about = named.consultation, named.finding
    if acts.lets_count(*about):
        return False
    act = acts.standing(*about).in_force
    confirmed = (act is not None and act.event == FINDING_CONFIRMED
                 and named.judgement <= act.judgement and (named.marked or not act.marked_only))
    return named.suspends or confirmed
