"""What a day came to: of attacks what is set aside, told or neither; who is harmed. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.attacks import background
from benchmarks.attacks.conditions import holds
from benchmarks.attacks.crowds import BLIND_SPOTS, CROWDS
from benchmarks.attacks.made import Attack
from benchmarks.attacks.naive import NAIVE, Maker
from benchmarks.attacks.trial import Trial, rules_in
from benchmarks.attacks.world import DAY_MS, Vote, World
from processors.guard.day import Day as Days
from processors.guard.judging import Judgement


LEAST = 30
"""No mark asks for fewer."""
STILL = 26
"""So many judgements after an item has grown last all its ballots are read."""
EVERYBODY = "the campaign's own voters"
BESIDE = "those beside "
"""Prefix of the honest people among whom an attack hides."""


@dataclass
class Attacked:
    """What became of an attack by the end of the day, in votes of its voters."""

    cast: int
    not_taken: int
    """Neither counted nor suspended: unproven, or one vote that was sent again."""
    set_aside: int
    reported: int
    """Counted, and their voters named by a finding."""
    neither: int
    counted_most: int
    """The most that counted at once."""
    requests: int
    dollars: float
    seconds: float | None
    """From the first vote to the first that is set aside."""
    judgements: int | None
    """From that which could have known, by the definition of rules 1 and 2, to the one that did;
    of naive attacks, for which it is promised."""


@dataclass
class Harmed:
    """What became of honest voters."""

    voters: int
    reported: int
    set_aside: int


@dataclass
class Day:
    """What a day came to, as plain numbers."""

    attacks: dict[str, Attacked]
    crowds: dict[str, Harmed]
    findings: dict[int, int]
    """Different findings, by rule."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


class _Following:
    """Follows the attacks of a trial, judgement by judgement."""

    def __init__(self, trial: Trial, world: World, attacks: Mapping[str, Attack]) -> None:
        self._trial, self._begins = trial, world.begins
        self._attacks = attacks
        self._items = {name: one.items for name, one in attacks.items() if name in NAIVE}
        self._sizes: dict[int, tuple[int, int]] = {}
        """Of each item: its voters, and in how many judgements on end they were no more."""
        self._could: dict[str, int] = {}
        """Number of the first judgement that could have known."""
        self._since = {name: min(vote.time for vote in one.votes)
                       for name, one in attacks.items()}
        self._seconds: dict[str, float] = {}
        self._did: dict[str, int] = {}

    def after(self, judgement: Judgement) -> None:
        """Look at what a judgement changed."""
        day = self._trial.state.days()[0]
        for name in self._attacks:
            if judgement.judged_at < self._since[name]:
                continue
            if name not in self._could and name not in self._did and any(
                    self._looked_at(day, item) and holds(
                        day, item, judgement.now - self._begins, len(self._trial.proposals))
                    for item in self._items.get(name, ())):
                self._could[name] = judgement.number
            if name not in self._did and self._trial.told[name].suspended:
                self._did[name] = judgement.number
                self._seconds[name] = (judgement.judged_at - self._since[name]) / 1_000

    def _looked_at(self, day: Days, item: int) -> bool:
        """Whether an item has grown lately: what it is depends on that, and on ballots read."""
        size, (before, still) = len(day.rows_of.get(item, ())), self._sizes.get(item, (0, 0))
        self._sizes[item] = size, still + 1 if size == before else 0
        return size >= LEAST and (size > before or still == STILL)

    def came_to(self, name: str) -> tuple[float | None, int | None]:
        """Return seconds and judgements until the first was set aside."""
        if name not in self._did:
            return None, None
        late = self._did[name] - self._could.get(name, self._did[name])
        return round(self._seconds[name], 1), late if name in self._items else None


def day_of(
    seed: int, scale: float, attacks: Mapping[str, Maker], *, crowds: bool = True,
    mode: str = "set_aside", telling: bool = False,
    progress: Callable[[Judgement], None] = lambda _: None,
) -> Day:
    """Make a day with attacks and crowds, have it judged and counted; say what it came to."""
    campaign = background.planned(seed, scale)
    world = background.world_of(campaign, scale)
    groups: dict[str, list[Vote]] = {EVERYBODY: background.busiest_day(campaign, world)}
    for name, make_crowd in ({**CROWDS, **BLIND_SPOTS} if crowds else {}).items():
        groups[name] = list(make_crowd(world))
    made = {name: make(world) for name, make in attacks.items()}
    for name, one in made.items():
        groups[name] = list(one.votes)
        if one.beside:
            groups[BESIDE + name] = list(one.beside)
    for name, votes in groups.items():
        groups[name] = [vote for vote in votes if vote.time < world.begins + DAY_MS]
    trial = Trial(groups, [(one.id, one.idea) for one in campaign.proposals],
                  rules_in(mode, telling=telling))
    following = _Following(trial, world, made)
    for judgement in trial.run():
        following.after(judgement)
        progress(judgement)
    return Day({name: _attacked(trial, name, one, following) for name, one in made.items()},
               {name: _harmed(trial, name) for name in groups if name not in made},
               _findings(trial))


def _attacked(trial: Trial, name: str, attack: Attack, following: _Following) -> Attacked:
    told = trial.told[name]
    votes = {(vote.voter, vote.proposal): vote for vote in trial.groups[name]}
    counted = [vote for vote in votes.values() if trial.counts(vote)]
    reported = sum(vote.voter in told.reported for vote in counted)
    set_aside = sum(vote.voter in told.suspended for vote in votes.values())
    assert not any(vote.voter in told.suspended for vote in counted), "the ledger counts as said"
    return Attacked(
        len(trial.groups[name]), len(trial.groups[name]) - len(counted) - set_aside, set_aside,
        reported, len(counted) - reported, trial.counted_most[name], attack.requests,
        round(attack.dollars, 4), *following.came_to(name))


def _harmed(trial: Trial, name: str) -> Harmed:
    told, voters = trial.told[name], {vote.voter for vote in trial.groups[name]}
    return Harmed(len(voters), len(told.reported), len(told.suspended))


def _findings(trial: Trial) -> dict[int, int]:
    found = {finding.finding: finding.rule for one in trial.judgements for finding in one.findings}
    return dict(sorted(Counter(found.values()).items()))
