"""One judgement: what lies between two cuts is folded, and each rule looks at what has grown. Pure.

Theory of operation: `judge` depends on the state, the batch, the rules and the instant it is given,
and on nothing else; the state is what the same judgements before have left. So who replays the
recorded cuts, with the rules and instants that were recorded, gets the same bytes. Of suspensions,
standings and tallies it knows nothing: what one rule finds does not hang on another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from processors.guard.crowds import crowd, spread
from processors.guard.day import DAY_MS, Day
from processors.guard.findings import Finding, Found, named
from processors.guard.hurried import hurried
from processors.guard.inputs import Batch, Cut, Incomplete
from processors.guard.leaning import leaning
from processors.guard.parameters import (
    ASKED,
    BURST,
    CROWD,
    EARLY,
    HURRIED,
    LEANING,
    OFF,
    PARTNER,
    RING,
    SPREAD,
    Rule,
    Rules,
)
from processors.guard.partners import partner
from processors.guard.reports import asked, burst, early
from processors.guard.rings import ring
from processors.guard.state import Consultation, PatrolState, parts_of


CLOCK_TOLERANCE_MS = 60_000
"""No vote moves the log's time further beyond the patrol's clock. A judgement says the same while
clocks of gateways and of the patrol are within half a minute of the true time."""
MAX_FINDINGS = 1_000
"""Of a judgement; the others wait for the next one, by their ids."""
MAX_NAMED = 20_000
"""Voters named in a judgement: 320 kB."""
MAX_EVIDENCE_BYTES = 600_000
"""All else that a judgement's findings say: with the voters it fits a record..."""
FINDING_BYTES, NUMBER_BYTES = 180, 11
"""... for no finding takes more without its numbers, and no number without its name."""

Look = Callable[[Day, Rule, int, int], Iterator[Found]]
LOOKS: dict[int, Look] = {
    CROWD: crowd, SPREAD: spread, RING: ring, HURRIED: hurried, PARTNER: partner, EARLY: early,
    ASKED: asked, LEANING: leaning, BURST: burst}


@dataclass(frozen=True)
class Judgement:
    """What is written of one judgement."""

    number: int
    judged_at: int
    now: int
    """How far the log's time was, in milliseconds since 1970."""
    cut: Cut
    rules: Rules
    findings: tuple[Finding, ...]
    left: int
    """Findings that wait for the next one."""
    voters: int
    """Voters of the day that are looked at."""
    sample: int
    """They are one of two to this power of all."""
    votes_digest: bytes
    networks_digest: bytes


def judge(state: PatrolState, batch: Batch, rules: Rules, judged_at: int) -> Judgement:
    """Fold a batch into the state, in place, and say what the rules find.

    `judged_at` is the patrol's clock, in milliseconds since 1970. Raises Incomplete, before
    anything has changed, for a batch that does not follow the state or lacks records.
    """
    if batch.after != state.cut:
        raise Incomplete(f"the state ends at {state.cut}, the batch begins after {batch.after}")
    casts = batch.ordered()
    state.know(batch)
    state.take_networks(batch)
    asked = state.asked_in(batch)
    latest = max(batch.latest, asked[-1][0][0] if asked else 0)
    now = max(state.now, min(latest, judged_at + CLOCK_TOLERANCE_MS))
    state.number, state.now, state.cut = state.number + 1, now, batch.until
    for day, part, asked_part in parts_of(casts, asked, state.day, now):
        if day != state.day:
            state.roll(day)
        until = min(now, (day + 1) * DAY_MS - 1)
        state.fold(part, until)
        state.fold_asked(asked_part, until)
        state.settle(until)
        for found in _look(state, rules, until - day * DAY_MS):
            state.left.setdefault(found.finding, []).append(found)
    findings = tuple(_taken(state))
    return Judgement(
        state.number, judged_at, now, batch.until, rules, findings,
        sum(map(len, state.left.values())), sum(len(day.voters) for day in state.days()),
        state.level, batch.votes_digest(), batch.networks_digest())


def _look(state: PatrolState, rules: Rules, now: int) -> Iterator[Finding]:
    """Have every rule look at every consultation; `now` is in milliseconds since midnight."""
    for name in sorted(state.consultations):
        consultation = state.consultations[name]
        if consultation.today is not None:
            found = list(_found(consultation, consultation.today, rules, now))
            yield from named(found, name, state.day, consultation.proposals, state.number)


def _found(
    consultation: Consultation, day: Day, rules: Rules, now: int
) -> Iterator[Found]:
    for number, look in LOOKS.items():
        rule = rules.of(consultation.name, number)
        if rule.mode != OFF:
            yield from look(day, rule, now, len(consultation.proposals))


def _taken(state: PatrolState) -> Iterator[Finding]:
    """Take the findings for which there is room, by their ids; what is left waits."""
    findings, voters, size = 0, MAX_NAMED, MAX_EVIDENCE_BYTES
    for finding in sorted(state.left):
        waiting = state.left[finding]
        while waiting:
            one = waiting[0]
            size -= FINDING_BYTES + sum(len(name) + NUMBER_BYTES for name, _ in one.numbers)
            if findings == MAX_FINDINGS or size < 0 or not voters:
                return
            rest = one.voters[voters:]
            waiting[:1] = [replace(one, voters=rest)] if rest else []
            findings, voters = findings + 1, voters - len(one.voters[:voters])
            yield replace(one, voters=one.voters[:len(one.voters) - len(rest)])
        del state.left[finding]
