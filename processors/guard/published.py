"""Findings as everybody may read them: evidence and counts, never who. Pure.

Theory of operation: a judgement names its voters, and says of a group again under its id when more
belong to it. Here the names are counted and let go. That is exact: a voter is named for a finding
once as a member, and once as bearing a mark in each of two modes; whoever is to be suspended under
`set_aside` bore a mark before, so the larger of the two counts is that of those who bear one.
Counts of people under LEAST_SHOWN are withheld. What is held weighs a bounded number of bytes: the
oldest findings go first, and how many went is said.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from processors.guard.findings import Finding
from processors.guard.judgements import findings_of
from processors.guard.parameters import MODES, NAMES
from processors.guard.recorded import Sequence
from schemas import finding_acts
from schemas.finding_acts import ANSWER_SECONDS, Act, Acts
from schemas.moments import moment, zone_of
from schemas.words import CHOICES


LEAST_SHOWN = 10
"""Smaller counts of people and votes are withheld."""
HELD_BYTES = 64 << 20
"""What is held of all findings weighs no more: some thirty thousand of them."""
SAID_BYTES, NUMBER_BYTES = 1_024, 160
"""What a finding takes, and each of its numbers beside its name."""
OPERATOR = "operator"
"""Who is suspended by no rule is so by an operator."""
MARKS = {1: "even_arrivals", 2: "one_ballot", 3: "one_pace", 4: "no_hands", 5: "hurry",
         6: "flood", 7: "one_place"}
MEASURES = frozenset((
    "ballot_bound", "ballot_score", "band", "deviation", "expected", "fastest_milliseconds",
    "gaps_squared", "gaps_total", "pace_bucket", "pace_buckets", "partner", "popularity", "score",
    "score_most", "span"))
"""Numbers of the evidence that count neither people nor votes."""
_DAYS_MOST = (date.max - date(1970, 1, 1)).days

Block = dict[str, Any]


class Said(NamedTuple):
    """A finding as it was said last, and how many were named for it so far."""

    last: Finding
    """Without names."""
    judgement: int
    """Number of the judgement that said it first..."""
    judged_at: int
    """... and when that was, in milliseconds since 1970."""
    named: int
    """Members that bore no mark when they were named."""
    reported: int
    """Who bears a mark, named while the rule reported..."""
    to_suspend: int
    """... and while it set aside: they are suspended."""

    @property
    def marked(self) -> int:
        """How many bear a mark."""
        return max(self.reported, self.to_suspend)

    @property
    def size(self) -> int:
        """How many belong to the group, as its evidence says, or else as they were named."""
        numbers = dict(self.last.numbers)
        return max(0, numbers.get("members", numbers.get("voters", 0)), self.named, self.marked)

    @property
    def weight(self) -> int:
        """What it takes in memory, in bytes, at most."""
        return SAID_BYTES + sum(NUMBER_BYTES + len(name) for name, _ in self.last.numbers)


class Findings:
    """What all judgements so far have found; each kept as one that nobody changes."""

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._sequence = Sequence()
        self._held: OrderedDict[bytes, Said] = OrderedDict()
        self._of: dict[str, dict[bytes, None]] = {}
        """Ids by consultation; those that were first said first come first."""
        self._held_bytes, self._bytes = held_bytes, 0
        self.judged_at = 0
        """When the last judgement was made, by its patrol's clock."""
        self.gone = 0
        """Findings of all consultations that had to go."""

    @property
    def judgement(self) -> int:
        """Number of the last judgement; 0 before the first."""
        return self._sequence.number

    @property
    def size_bytes(self) -> int:
        """What is held weighs so much."""
        return self._bytes

    def take(self, value: bytes | None) -> bool:
        """Take the next record of the topic; say whether it is a judgement. UnknownSchema."""
        fields = self._sequence.next_of(value)
        if fields is None:
            return False
        self.judged_at = fields["judged_at"]
        for found in findings_of(fields):
            if found.rule in NAMES and 0 <= found.day <= _DAYS_MOST:
                self._say(found)
        return True

    def of(self, consultation: str) -> tuple[Said, ...]:
        """Return the findings of a consultation that are held, the first said first."""
        return tuple(self._held[name] for name in self._of.get(consultation, ()))

    @property
    def count(self) -> int:
        """How many findings of all consultations are held."""
        return len(self._held)

    def newest(self) -> Iterator[Said]:
        """Yield the findings of all consultations, the one that was said first last."""
        return reversed(self._held.values())

    def _say(self, found: Finding) -> None:
        before = self._held.get(found.finding)
        if before is None:
            before = Said(found, self.judgement, self.judged_at, 0, 0, 0)
            self._of.setdefault(found.consultation, {})[found.finding] = None
        elif before.last.consultation != found.consultation:
            return  # No patrol says one finding of two consultations.
        else:
            self._bytes -= before.weight
        voters = len(found.voters)
        said = before._replace(
            last=_nameless(found), named=before.named + (0 if found.marks else voters),
            reported=before.reported + (voters if found.marks and not found.suspends else 0),
            to_suspend=before.to_suspend + (voters if found.suspends else 0))
        self._held[found.finding] = said
        self._bytes += said.weight
        while self._bytes > self._held_bytes:
            self._let_go()

    def _let_go(self) -> None:
        name, said = self._held.popitem(last=False)
        self._bytes -= said.weight
        self.gone += 1
        ids = self._of[said.last.consultation]
        del ids[name]
        if not ids:
            del self._of[said.last.consultation]


def _nameless(found: Finding) -> Finding:
    return Finding(
        found.finding, found.rule, found.version, found.mode, found.consultation, found.day,
        found.proposal, found.choice, found.numbers, found.marks, ())


def shown_count(count: int) -> int | None:
    """Return a count of people or votes, None where it is withheld."""
    return None if 0 < count < LEAST_SHOWN else count


def described(said: Said, now: int, acts: Acts, *, hidden: bool) -> Block:
    """Say a finding in plain values, and what people did; `now` in milliseconds since 1970.

    Where it is hidden how people vote, neither item nor evidence are told, nor the id, which is a
    digest of them.
    """
    found = said.last
    of = found.consultation, found.finding
    standing = acts.standing(*of)
    about: Block = {"finding": None, "proposal": None, "choice": None, "numbers": None} if (
        hidden) else {
        "finding": found.finding.hex(), "proposal": found.proposal or None,
        "choice": None if found.choice < 0 else CHOICES[found.choice],
        "numbers": {name: value if name in MEASURES else shown_count(value)
                    for name, value in found.numbers}}
    return {
        **about, "rule": NAMES[found.rule], "version": found.version, "mode": MODES[found.mode],
        "day": day_of(found.day).isoformat(), "judgement": said.judgement,
        "judged_at": instant(said.judged_at),
        "marks": [MARKS[mark] for mark in found.marks if mark in MARKS],
        "voters": shown_count(said.size), "marked": shown_count(said.marked),
        "set_aside": shown_count(said.to_suspend), "unanswered": is_unanswered(said, now, acts),
        "state": standing.state,
        "acts": [] if hidden else [_act(each) for each in acts.of(*of)]}


def _act(act: Act) -> Block:
    """Say what a person decided: who, when, why, and how much it moved."""
    return {**finding_acts.described(act), "at": instant(act.at), "catalogue": act.catalogue,
            "voters": shown_count(act.voters), "votes": shown_count(act.votes)}


def is_unanswered(said: Said, now: int, acts: Acts) -> bool:
    """Whether a report has waited for an answer for longer than it should."""
    return (not said.to_suspend and now - said.judged_at > 1_000 * ANSWER_SECONDS
            and acts.standing(said.last.consultation, said.last.finding).in_force is None)


def shown_sum(counts: Iterable[int]) -> int | None:
    """Add counts up, each of which is shown somewhere; None where the sum is to be withheld.

    Also where it would give away the one among them that is withheld.
    """
    held = list(counts)
    hidden = sum(shown_count(count) is None for count in held)
    return None if hidden == 1 else shown_count(sum(held))


def days(found: Iterable[Said]) -> list[Block]:
    """Add findings up by day and rule, the last day first."""
    def place(said: Said) -> tuple[int, int]:
        return -said.last.day, said.last.rule

    rows = []
    for (day, rule), group in groupby(sorted(found, key=place), key=place):
        held = list(group)
        rows.append({
            "day": day_of(-day).isoformat(), "rule": NAMES[rule], "findings": len(held),
            "voters": shown_sum(said.size for said in held),
            "marked": shown_sum(said.marked for said in held),
            "set_aside": shown_sum(said.to_suspend for said in held)})
    return rows


def instant(milliseconds: int) -> str:
    """Write an instant in UTC."""
    return moment(milliseconds, zone_of("UTC")).isoformat(timespec="seconds")


def totals(found: Mapping[str, Any]) -> Block:
    """Say what became of the votes of a results document: received, counted, set aside by what."""
    by_rule = {NAMES.get(int(number), number): count
               for number, count in found.get("set_aside_by_rule", {}).items()}
    suspended = found["set_aside"]["suspended"]
    return {
        "received": found["received"], "counted": found["counted"]["votes"],
        "set_aside": {"unproven": found["set_aside"]["unproven"], **by_rule,
                      OPERATOR: suspended - sum(by_rule.values())},
        "suspended_voters": found["suspended_voters"],
    }


def day_of(number: int) -> date:
    """Return a day by its number since 1970."""
    return date(1970, 1, 1) + timedelta(number)
