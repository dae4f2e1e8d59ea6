"""Rules 1 and 2: honest crowds are told at most, naive attacks are set aside, at exact sizes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from processors.guard.findings import Finding
from processors.guard.judging import Judgement, judge
from processors.guard.parameters import CROWD, MODES, SPREAD, Rules
from processors.guard.state import PatrolState
from tests.processors.guard.traffic import (
    AGREE,
    ASKED,
    BEGAN_AT,
    FIRST_CHANGE,
    IMPORT,
    PARTITIONS,
    SERVED,
    Crowds,
    Vote,
    batches,
    judged,
    kinds,
    log_of,
    named,
)


MATURE_MS = 130_000


def found(votes: Sequence[Vote], rules: Rules | None = None) -> list[Judgement]:
    """Judge votes until all ballots are read."""
    last = max(votes, key=lambda vote: vote.time)
    crowds = Crowds(99)
    later = Vote(last.time + MATURE_MS, crowds.voter(b"last"), crowds.network(b"last"), 0,
                 shown=SERVED)
    log = log_of([*votes, later])
    return judged(log, rules)[1]


def setting_aside(version: int = 2) -> Rules:
    """Have every rule set aside."""
    rules = Rules()
    for rule in (CROWD, SPREAD):
        rules.apply("GuardRuleChanged", {"consultation": None, "rule": rule, "version": version,
                                         "mode": MODES[2], "parameters": [], **FIRST_CHANGE})
    return rules


def group(crowds: Crowds, members: int, others: int = 0) -> list[Vote]:
    """Make fresh voters of one network on one item, and more of it on what is served."""
    network = crowds.network(b"grp")
    return [*(Vote(BEGAN_AT + number * number * 700, crowds.voter(b"grp"), network, 30)
              for number in range(members)),
            *(Vote(BEGAN_AT + number * 900, crowds.voter(b"oth"), network, number % 9,
                   shown=SERVED) for number in range(others))]


@pytest.mark.parametrize(("members", "others", "told"), [
    (9, 0, 0), (10, 0, 10), (10, 20, 10), (10, 400, 0), (30, 400, 30)])
def test_a_group_is_told_from_ten_on_where_chance_does_not_explain_it(
        members: int, others: int, told: int) -> None:
    """Nine are never judged; ten are, unless their network holds so many that some ten must."""
    crowds = Crowds(1)
    judgements = found([*crowds.ordinary(800, 5), *group(crowds, members, others)])

    assert len(named(judgements, CROWD, marked=False)) == told
    assert named(judgements, CROWD) == set()


def test_an_item_that_all_want_explains_its_networks() -> None:
    """Where a third of all others came for it too, ten of ten are no finding."""
    crowds = Crowds(2)
    popular = list(crowds.people(
        b"tv", 600, lambda _: BEGAN_AT + crowds.chance.randrange(60_000),
        lambda _: crowds.network(b"home"), (30, AGREE, 80)))

    assert named(found([*crowds.ordinary(400, 5), *group(crowds, 10)]), CROWD, marked=False)
    assert not named(found([*crowds.ordinary(400, 5), *popular, *group(crowds, 10)]), CROWD,
                     marked=False)


def test_popularity_is_not_made_in_one_place() -> None:
    """However many robots one network holds, it counts as fifty, and hides no other."""
    crowds = Crowds(3)
    background, robots = crowds.ordinary(2_000, 5), crowds.robots(2_000, 1, 100)
    hidden = [replace(vote, proposal=11) for vote in group(crowds, 20)]
    members = {vote.voter for vote in hidden}

    told = named(found([*background, *robots, *hidden]), CROWD, marked=False)
    assert len(members & told) > 15


def test_whoever_answers_for_votes_otherwise_is_in_no_group() -> None:
    """Imported, suspect and served votes, and voters of earlier hours, make no group."""
    crowds, votes = Crowds(4), []
    for number, vote in enumerate(group(crowds, 48)):
        kind = number % 3
        votes.append(Vote(vote.time, vote.voter, vote.network, 30,
                          shown=SERVED if kind == 0 else ASKED, origin=IMPORT if kind == 1 else 0,
                          trust=1 if kind == 2 else 0))

    assert not named(found([*crowds.ordinary(400, 5), *votes]), marked=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_honest_crowds_are_not_set_aside(seed: int) -> None:
    """A lycée on what is served and an association are not even told; a lycée's own proposal is."""
    crowds = Crowds(seed)
    judgements = found([*crowds.ordinary(4_000, 50), *crowds.school(own=False),
                        *crowds.mailing()])
    own = found([*crowds.ordinary(4_000, 50), *crowds.school(own=True), *crowds.mailing()],
                setting_aside())

    assert named(judgements, marked=False) == set()
    assert kinds(named(own, marked=False)).keys() == {b"scho"}
    assert named(own) == set()


ATTACKS = {
    "A1, one prefix by script": (1_500, 1, 600, 0.1, False),
    "A2, one prefix at human pace": (1_500, 1, 900, 0.5, True),
    "A4, 100 prefixes": (3_000, 100, 500, 0.1, False),
    "A8, drip": (240, 1, 14_000, 0.2, True),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_naive_attacks_are_set_aside(attack: str) -> None:
    """At least 95 % of their voters, and nobody else."""
    count, prefixes, gap_ms, spread, human = ATTACKS[attack]
    crowds = Crowds(5)
    robots = crowds.robots(count, prefixes, gap_ms, spread=spread, human=human)
    judgements = found([*crowds.ordinary(3_000, 50), *crowds.school(own=False), *robots],
                       setting_aside())
    suspended = {voter for one in judgements for finding in one.findings if finding.suspends
                 for voter in finding.voters}

    assert kinds(suspended).keys() == {b"bots"}
    assert len(suspended) >= 0.95 * count


def test_a_voter_is_named_once_and_a_group_keeps_its_id() -> None:
    """In each mode: however often a group is found again, and whoever else joins it."""
    crowds = Crowds(6)
    judgements = found([*crowds.ordinary(1_000, 20), *crowds.robots(1_000, 1, 500)],
                       setting_aside())
    findings = [each for one in judgements for each in one.findings if each.rule == CROWD]
    named_voters = [voter for each in findings if each.marks for voter in each.voters]

    assert len({each.finding for each in findings}) == 1
    assert len(named_voters) == len(set(named_voters)) == 1_000


def test_a_rule_that_begins_to_set_aside_names_whom_it_had_told() -> None:
    """Who bore a mark while the rule only reported is suspended when it no longer does."""
    crowds = Crowds(7)
    log = log_of([*crowds.ordinary(1_000, 12), *crowds.robots(500, 1, 800)])
    rules, cuts = Rules.of_code(), log.cuts()
    state = PatrolState(PARTITIONS)
    findings: list[Finding] = []
    for number, batch in enumerate(batches(log, cuts)):
        if number == len(cuts) - 3:
            rules = setting_aside()
        findings += judge(state, batch, rules, 2**42).findings
    told = {voter for each in findings if each.marks and not each.suspends
            for voter in each.voters}
    suspended = {voter for each in findings if each.suspends for voter in each.voters}

    assert len(told) > 400
    assert told <= suspended


def test_a_mark_binds_only_while_the_group_bears_it() -> None:
    """Robots first, then a school that comes by classes: the next look sees no rhythm any more."""
    crowds = Crowds(8)
    robots = crowds.robots(200, 1, 400, human=True)
    start = robots[-1].time
    school = [replace(vote, time=start + vote.time - BEGAN_AT, network=robots[0].network,
                      proposal=11 if vote.shown == ASKED else vote.proposal)
              for vote in crowds.school(own=True, count=800)]
    marked = kinds(named(found([*crowds.ordinary(2_000, 60), *robots, *school]), CROWD))

    assert marked[b"bots"] >= 150
    assert marked.get(b"scho", 0) <= 50
