"""What of a judgement follows from votes alone, once its networks are forgotten. Pure.

Theory of operation: names of networks live a fortnight, votes for ever. Rules 4, 5 and 7 look at
votes alone, so their findings must come out again, byte for byte. Of the others every count that
votes allow is held against what is recorded: who is named is a fresh voter who came for the item,
no group is larger than all who did, a score is that of its own numbers. How many voters one network
had, n_g on an item and N_g in all, is trusted then, and what follows from it.

Votes that do not count make a voter of the day where the door asked something for them, which is
recorded beside networks. So whoever cast such a vote may be one, and may not; and on a day with
such votes what rests on all voters' votes is not held against them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from processors.guard.chances import g_test, geometric_tail, tail
from processors.guard.day import CHOICE_BITS, DAY_MS, EARLY_VOTES, Day
from processors.guard.findings import Finding, finding_id
from processors.guard.flags import FRESH, was_served
from processors.guard.inputs import Batch
from processors.guard.judgements import findings_of
from processors.guard.judging import CLOCK_TOLERANCE_MS, MAX_FINDINGS, Judgement
from processors.guard.leaning import score_of
from processors.guard.parameters import (
    ASKED,
    BURST,
    CROWD,
    EARLY,
    FIRST_VERSION,
    HURRIED,
    LEANING,
    NAMES,
    PARTNER,
    RING,
    SPREAD,
    Rule,
    Rules,
)
from processors.guard.reports import CHOICES as WORDS
from processors.guard.state import PatrolState
from schemas.hot import short_string


BY_VOTES = frozenset((HURRIED, PARTNER, ASKED))
"""Rules whose findings votes alone give again."""
TRUSTED: Mapping[int, tuple[str, ...]] = {
    CROWD: ("voters", "network_voters", "popularity"),
    SPREAD: ("voters", "network_voters", "networks", "popularity"),
    RING: (), EARLY: ("network_voters",),
    LEANING: ("votes", "agreed", "deviation", "usual_least", "usual_most"),
    BURST: ("voters", "expected", "span")}
"""By rule whose findings rest on networks: the numbers that are trusted without these; the marks of
all of them are, too."""
SUSPECTS_MOST = 200_000
"""Votes of a day that do not count and are remembered; of more, whoever is named is believed."""
SEEN_MOST = 200_000
"""Ids of a day that are remembered; of more, none is held against what it is made of."""
ORDINALS = 64
"""Groups that one judgement may find on an item, by a rule: few networks or strata."""
Said = tuple[str, str]
"""Whose finding differs, and in what."""


class _AllEarly(Rules):
    """Rules under which rule 6 tells of every proposal: whatever it recorded is among that."""

    def of(self, consultation: str, rule: int) -> Rule:
        found = super().of(consultation, rule)
        if rule != EARLY:
            return found
        return found._replace(parameters={**found.parameters, "network_voters": 0})


def rules_for(rules: Rules) -> Rules:
    """Return the rules by which votes alone are judged, where these were recorded."""
    return _AllEarly(rules.changes)


class Suspects:
    """Votes of today and yesterday that do not count."""

    def __init__(self) -> None:
        self._day, self._latest = -1, 0
        self._today, self._yesterday = set[tuple[Any, ...]](), set[tuple[Any, ...]]()
        self.count = 0
        """How many there were: of voters no more."""

    def take(self, batch: Batch, state: PatrolState, fields: dict[str, Any]) -> None:
        """Take those of a batch, and go by the log's time as recorded, if they allow it."""
        day = fields["log_time"] // DAY_MS
        if day != self._day:
            self._day, self._yesterday, self._today = day, self._today, set()
            self.count = len(self._yesterday)
        for time, *_, (_, voter, choice, *_, span) in batch.suspect:
            self._latest = max(self._latest, time)
            self.count += 1
            if len(self._today) < SUSPECTS_MOST:
                self._today.add((voter, choice, span))
        most = fields["judged_at"] + CLOCK_TOLERANCE_MS
        least = min(max((time for time, *_ in batch.casts), default=0), most)
        if max(state.now, least) <= fields["log_time"] <= min(self._latest, most):
            state.now = fields["log_time"]

    def may_have_come(self, voter: bytes, choice: int, span: bytes) -> bool:
        """Whether somebody cast such a vote, as far as is remembered."""
        one = voter, choice, span
        return one in self._today or one in self._yesterday or len(self._today) == SUSPECTS_MOST


class Told:
    """The findings that one day's judgements have told of already, by their ids."""

    def __init__(self) -> None:
        self.suspects = Suspects()
        self._day, self._seen = -1, dict[bytes, tuple[Any, ...]]()
        self._is_whole = True
        """Whether all of the day's ids were seen."""

    def compared(
        self, state: PatrolState, rules: Rules, fields: dict[str, Any], again: Judgement, *,
        left_before: int,
    ) -> Iterator[Said]:
        """Compare the findings of a recorded judgement with what votes alone gave."""
        recorded = findings_of(fields)
        whole = not left_before and not fields["left"]
        if whole and not again.left and len(again.findings) < MAX_FINDINGS and (
                not self.suspects.count):
            yield from _again(recorded, again.findings)
        looked = _Looked(state, self.suspects)
        for one in recorded:
            said = NAMES.get(one.rule, str(one.rule))
            place = f"{one.finding.hex()} {said}/{one.version} {one.proposal}".rstrip()
            for what in (*self._of_its_id(one, fields["number"], whole=whole),
                         *looked.of(one, rules, again)):
                yield one.consultation, f"{place}: {what}"

    def _of_its_id(self, one: Finding, number: int, *, whole: bool) -> Iterator[str]:
        """Hold an id that is new against what it is made of."""
        if one.day != self._day:
            self._day, self._seen, self._is_whole = one.day, {}, True
        about = one.rule, one.version, one.consultation, one.proposal, one.choice
        if one.finding in self._seen:
            if self._seen[one.finding] != about:
                yield "its id is that of another finding"
            return
        if len(self._seen) == SEEN_MOST or not whole:
            self._is_whole = False
        else:
            self._seen[one.finding] = about
        rule = Rule(one.rule, one.version, one.mode, {})
        if self._is_whole and one.finding not in (
                finding_id(rule, one.consultation, one.day, (one.proposal, one.choice), number, at)
                for at in range(ORDINALS)):
            yield "its id is not that of such a finding of this judgement"


def _again(recorded: Sequence[Finding], made: Sequence[Finding]) -> Iterator[Said]:
    """Compare the findings that votes alone give again."""
    theirs, ours = (Counter(one for one in some if one.rule in BY_VOTES)
                    for some in (recorded, made))
    for some, what in ((theirs - ours, "votes do not give it again"),
                       (ours - theirs, "votes give it, and it is not recorded")):
        for one in some:
            yield one.consultation, f"{one.finding.hex()} {NAMES[one.rule]}/{one.version}: {what}"


class _Looked:
    """The days of a state after a judgement, as its findings are held against them."""

    def __init__(self, state: PatrolState, suspects: Suspects) -> None:
        self._state, self._suspects = state, suspects
        self._fresh: dict[str, Counter[int]] = {}

    def of(self, one: Finding, rules: Rules, again: Judgement) -> Iterator[str]:
        """Say what of a finding votes contradict."""
        if one.rule not in NAMES:
            yield "there is no such rule"
            return
        rule = rules.of(one.consultation, one.rule)
        if (one.version, one.mode) != (rule.version, rule.mode):
            yield "version or mode is not that of the rules"
        numbers = dict(one.numbers)
        try:
            yield from _of_itself(one.rule, numbers, rule)
        except (KeyError, ValueError, ZeroDivisionError, ArithmeticError):
            yield "its numbers are not those of such a finding"
            return
        consultation = self._state.consultations.get(one.consultation)
        if consultation is None:
            yield "nobody knows its consultation"
            return
        day = consultation.today
        if day is None or day.number != one.day:
            return  # It had ended when the judgement told of it: its rows are gone.
        if one.rule in (CROWD, SPREAD):
            yield from self._of_group(day, one, numbers, consultation.proposals)
        elif one.rule == RING and not self._suspects.count:
            yield from _of_ring(day, one)
        elif one.rule == EARLY:
            yield from _of_early(one, again)

    def _of_group(
        self, day: Day, one: Finding, numbers: dict[str, int], proposals: Sequence[str]
    ) -> Iterator[str]:
        """Hold a group of rule 1 or 2 against the day's fresh voters."""
        try:
            item = proposals.index(one.proposal) << CHOICE_BITS | one.choice
        except ValueError:
            yield "nobody knows its proposal"
            return
        span = short_string(one.consultation) + short_string(one.proposal)
        if not all(_came_for(day, voter, item) or self._suspects.may_have_come(
                voter, one.choice, span) for voter in one.voters):
            yield "it names somebody who did not come for it first, that day"
        fresh = self._fresh.setdefault(one.consultation, _fresh_of(day))
        more = self._suspects.count
        if numbers and not self._state.level:  # A sample holds fewer than were counted before.
            if numbers["voters"] > fresh[item] + more:
                yield "voters are more than came for it from all networks"
            if numbers["network_voters"] > fresh.total() + more:
                yield "network_voters are more than all fresh voters of the day"


def _came_for(day: Day, voter: bytes, item: int) -> bool:
    """Whether a voter is fresh, and came for an item as those do who make groups."""
    row = day.rows.get(voter)
    return row is not None and day.items[row] == item and _makes_groups(day.flags[row])


def _makes_groups(flags: int) -> bool:
    return bool(flags & FRESH) and not was_served(flags)


def _fresh_of(day: Day) -> Counter[int]:
    """Count fresh voters by first item; those it was drawn for count under -1."""
    return Counter(
        item if _makes_groups(flags) else -1
        for item, flags in zip(day.items, day.flags, strict=True) if flags & FRESH)


def _of_ring(day: Day, one: Finding) -> Iterator[str]:
    """Hold a ring against the one that votes alone give now."""
    group = day.groups.get(RING, {}).get(0)
    if group is None or group.numbers != one.numbers:
        yield "items, keen or members are others by the votes"
    elif not {*one.voters} <= {day.voters[row] for row in group.members}:
        yield "it names somebody who is not in the ring"


def _of_early(one: Finding, again: Judgement) -> Iterator[str]:
    """Hold a proposal's first votes against what votes alone give."""
    for other in again.findings:
        if (other.rule, other.consultation, other.proposal) == (
                EARLY, one.consultation, one.proposal):
            theirs, ours = dict(one.numbers), dict(other.numbers)
            yield from (f"{name} is another" for name in theirs
                        if name != "network_voters" and theirs[name] != ours.get(name))
            return
    if again.left == 0 and len(again.findings) < MAX_FINDINGS:
        yield "votes do not give it again"


def _of_itself(rule: int, numbers: dict[str, int], asked: Rule) -> Iterator[str]:
    """Hold a finding's numbers against each other; KeyError and the like where one is missing."""
    if rule in (CROWD, SPREAD):
        yield from _of_keys(rule, numbers, asked)
    elif rule == EARLY:
        tables = [[numbers[f"{name}_{word}"] for word in WORDS] for name in ("first", "next")]
        if numbers["score"] != (g_test(tables) if sum(tables[1]) else 0):
            yield "score is not that of its numbers"
        if sum(tables[0]) != EARLY_VOTES or not 0 <= numbers["network_voters"] <= EARLY_VOTES:
            yield "its first votes are not so many"
    elif rule == BURST and numbers["score"] != geometric_tail(
            numbers["voters"], numbers["expected"]):
        yield "score is not that of its numbers"
    elif rule == LEANING:
        yield from _of_leaning(numbers, asked)


def _of_leaning(numbers: dict[str, int], asked: Rule) -> Iterator[str]:
    if not 0 <= numbers["agreed"] <= numbers["votes"]:
        yield "more agreed than voted"
    elif asked.version != FIRST_VERSION and numbers["score"] != score_of(*(
            numbers[name] for name in ("agreed", "votes", "usual_least", "usual_most"))):
        yield "score is not that of its numbers"


def _of_keys(rule: int, numbers: dict[str, int], asked: Rule) -> Iterator[str]:
    """Hold the figures of the two keys against each other; there are none where neither held."""
    if not numbers:
        return
    voters, of_network = numbers["voters"], numbers["network_voters"]
    if not 0 < voters <= of_network:
        yield "voters are more than network_voters"
    elif numbers["score"] != tail(voters, of_network, numbers["popularity"]) and not (
            rule == SPREAD and not numbers["score"]):
        yield "score is not that of its numbers"
    if not (asked.parameters["popularity_least"] <= numbers["popularity"]
            <= asked.parameters["popularity_most"]):
        yield "popularity is out of its bounds"
    if "ballot_score" in numbers and numbers["ballot_score"] != tail(
            numbers["ballot_held"], numbers["ballot_of"], numbers["ballot_bound"]):
        yield "ballot_score is not that of its numbers"
    if "gaps" in numbers and not 25 * (
            numbers["gaps"] * numbers["gaps_squared"] - numbers["gaps_total"] ** 2) < 4 * (
            numbers["gaps_total"] ** 2):
        yield "its gaps are not even"
    if "pace_held" in numbers and numbers["pace_held"] > numbers["pace_of"]:
        yield "pace_held is more than pace_of"
