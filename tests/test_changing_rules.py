"""The recipes of docs/changing.md for a rule and for a recount, followed to their ends."""




from tests.recipes import Copy, Recipe


LEDGER = "tests/processors/ledger"
HOUSE = "tests/test_house_rules.py"
MEMORY = "tests/test_bounded_memory.py"


# A rule: a vote has one qualification. The second is one too many.

RULES_1, RULES_2, RULES_3 = (f"processors/ledger/rules_{version}.py" for version in (1, 2, 3))
GOLDEN = "tests/releases/test_golden.py"
NAIVE_3 = '''"""The rules of version 3 told a second time, on top of the naive second ones."""

from tests.processors.ledger.naive import QUALIFICATIONS_OF, Fields, Verdict, Vote
from tests.processors.ledger.naive_2 import NaiveLedger2


class NaiveLedger3(NaiveLedger2):
    """One partition, decided by the rules before until the third are adopted."""

    def _adoption(self, fields: Fields) -> Fields:
        told = super()._adoption(fields)
        if told["outcome"] == "adopted":
            self.version = told["ledger_version"] = fields["ledger_version"]
        return told

    def _qualification_added(self, vote: Vote | None, fields: Fields) -> Verdict:
        name = fields["qualification"]
        if (self.version > 2 and vote is not None and vote.qualifications
                and name in {*QUALIFICATIONS_OF[vote.choice]} - vote.qualifications):
            return "refused", "too_many"
        return super()._qualification_added(vote, fields)
'''
LOGS_3 = '''

def logs_3() -> st.SearchStrategy[Log]:
    """Return logs that rise to rules 3 besides, somewhere or at first."""
    return st.builds(
        lambda log, place, number: [
            *log[:place], adopted_2(number, ledger_version=3), *log[place:]],
        logs_2() | deep_logs(), st.integers(0, 60), st.integers(960, 962))
'''
HELD = """    if held_of(stands) >> place & 1:
        return "unchanged", None, "none"
"""
ONE_MORE = """    if held_of(stands):
        return "refused", None, "too_many"
"""
LATER = """_LATER: dict[int, tuple[Ballots, LaterRules]] = {2: (BALLOTS_2, rules_2)}
"""
LATER_3 = """_LATER: dict[int, tuple[Ballots, LaterRules]] = {
    2: (BALLOTS_2, rules_2), 3: (ballots_by(rules_3.TABLE), rules_3)}
"""
BALLOTS_SQL = "sinks/recount/sql/ballots.sql"
BOXES_3 = '''

def test_all_recounts_follow_rules_3(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A log that rises twice; of two qualifications one counts, also of a voter apart."""
    box = random_box(60, 0)
    voters = [box.voter_in(number % 2) for number in range(4)]
    for rules in (1, 2, 3):
        if rules > 1:
            box.rise(rules)
        for number in range(60):
            box.ballot(voters[number % 4], f"p-{number % 3}")
    for later, again in ((0, 0), (7, 1)):
        one = {"voter": box.voter_in(0), "proposal": "p-0"}
        votes = [of_version_2("VoteCast", number, choice="agree", **one)
                 for number in range(1 + later)]
        qualified = [of_version_2("QualificationAdded", 90 + number, qualification=name, **one)
                     for number, name in enumerate(("like_it", "doable"))]
        for value in (*votes, *votes[:again], *qualified):
            box.put(0, value)
    found = archived(clickhouse.url, topic_prefix, box).audit()

    assert [check for check in found.checks if check.status != "equal"] == []
    assert found.voters_apart > 0
    assert decode(decide(box)[1][0][-1]).reason == REASONS.index("too_many")
'''
ADR = """# 0999: A vote has one qualification

## Context and problem statement

Whoever says everything says nothing.

## Considered options

* One; as many as there are.

## Decision outcome

The second is refused (`too_many`), under rules 3.

### Consequences

* Good, because what is said is meant.
"""


def tell_again(copy: Copy) -> None:
    """Tell the rules a second time, and let random logs rise to them."""
    copy.write(f"{LEDGER}/naive_3.py", NAIVE_3)
    tests = copy.text(f"{LEDGER}/test_rules_2.py")
    for old, new in (("rules 2", "rules 3"), ("naive_2", "naive_3"), ("Ledger2", "Ledger3"),
                     ("deep_logs, logs_2\n", "logs_3\n"), ("logs_2() | deep_logs()", "logs_3()")):
        tests = tests.replace(old, new)
    copy.write(f"{LEDGER}/test_rules_3.py", tests)
    copy.add(f"{LEDGER}/logs_2.py", LOGS_3)


def decide_by_version(copy: Copy) -> None:
    """Write the table beside the others, and let the ledger find it by its version."""
    table = copy.text(RULES_2).replace("version 2", "version 3").replace(
        "VERSION = 2", "VERSION = 3").replace("from version 1:", "from version 1 as well:")
    copy.write(RULES_3, table)
    copy.replace(RULES_3, HELD, HELD + ONE_MORE)
    copy.replace("processors/ledger/rules.py", "VERSIONS = (1, 2)", "VERSIONS = (1, 2, 3)")
    ledger = "processors/ledger/ledger.py"
    copy.replace(ledger, "import layout, rules_1, rules_2\n",
                 "import layout, rules_1, rules_2, rules_3\n")
    copy.replace(ledger, "    Ballots,\n)", "    Ballots,\n    ballots_by,\n)")
    copy.replace(ledger, LATER, LATER_3)


def recount_by_version(copy: Copy) -> None:
    """Tell the recount of the ballot box from where on the rules hold, and what they say."""
    controls, counting = "sinks/recount/controls.py", "sinks/recount/counting.py"
    apart, events = "sinks/recount/voters_apart.py", "sinks/recount/sql/events_apart.sql"
    copy.replace(controls, "    rules_2_at: list[int]\n",
                 "    rules_2_at: list[int]\n    rules_3_at: list[int]\n")
    copy.replace(controls, "    voters: dict[str, _Voter] = {}\n",
                 "    voters: dict[str, _Voter] = {}\n    rules_3_at = [*rules_2_at]\n")
    copy.replace(controls, "            continue\n        version, fields",
                 "            if followed.rules > 2:\n                rules_3_at[partition] = min("
                 "rules_3_at[partition], at)\n            continue\n        version, fields")
    copy.replace(controls, "after_closing, rules_2_at)", "after_closing, rules_2_at, rules_3_at)")
    copy.replace(counting, "after_closing, rules_2_at = controls",
                 "after_closing, rules_2_at, rules_3_at = controls")
    copy.write(counting, copy.text(counting).replace(
        "rules_2_at=rules_2_at", "rules_2_at=rules_2_at, rules_3_at=rules_3_at"))
    copy.replace(BALLOTS_SQL, "bitShiftLeft(toUInt8(1), toUInt8(shown)), 1))))",
                 "bitShiftLeft(toUInt8(1), toUInt8(shown)), 1),\n                "
                 "offset > {rules_3_at:Array(UInt64)}[partition + 1])))")
    copy.replace(BALLOTS_SQL, "                    event.2 = 3, if(",
                 "                    event.2 = 3 AND event.8 AND bitShiftRight("
                 "state.1, 3) != 0, state.1,\n                    event.2 = 3, if(")
    copy.replace(events, " AS way\n", " AS way,\n    offset > {rules_3_at:Array(UInt64)}"
                 "[partition + 1] AS by_rules_3\n")
    copy.replace(apart, "    shown: int\n", "    shown: int\n    by_rules_3: bool\n")
    copy.replace(apart, "    if _is_guarded(pair, event):\n        return "
                 '"refused_unproven_change"\n    (pair', "    if adds and event.by_rules_3 and "
                 'pair.qualifications:\n        return "refused"\n    if _is_guarded(pair, event):'
                 '\n        return "refused_unproven_change"\n    (pair')


def raise_boxes(copy: Copy) -> None:
    """Let random ballot boxes rise to the rules, and recount them."""
    boxes, recounts = "tests/sinks/ballots.py", "tests/sinks/recount/test_recounts.py"
    copy.replace(boxes, 'versions("RulesAdopted")[version - 1]', 'current("RulesAdopted", version)')
    copy.replace(boxes, "import newest, versions", "import current, newest, versions")
    copy.replace(boxes, "def rise(self) -> None:", "def rise(self, rules: int = 2) -> None:")
    copy.replace(boxes, "self.put(partition, self._adoption(2, partition))\n\n    def close",
                 "self.put(partition, self._adoption(rules, partition))\n\n    def close")
    copy.replace(recounts, "import REFUSALS", "import REASONS, REFUSALS")
    copy.replace(recounts, "from tests.sinks.ballots", "from tests.processors.ledger.logs_2 import "
                 "of_version_2\nfrom tests.sinks.ballots")
    copy.add(recounts, BOXES_3)


def test_a_rule(copy: Copy) -> None:
    """Rules 3: the old ones stay, what is known of versions finds them, all recounts follow."""
    recipe = Recipe("A rule", copy)
    for frozen, cast, test in (
            (RULES_1, '_decided(VOTE_CAST, "changed", situation, after=cast)',
             f"{GOLDEN}::test_every_record_is_decided_as_it_was"),
            (RULES_2, 'return "changed", cast, "none"',
             f"{LEDGER}/test_rules_2.py::test_decisions_equal_the_naive_rules")):
        as_it_was = copy.text(frozen)
        copy.replace(frozen, cast, cast.replace("changed", "counted"))
        recipe.lacks(1, test, because="AssertionError")
        copy.write(frozen, as_it_was)
    tell_again(copy)
    naive = f"{LEDGER}/test_rules_3.py::test_decisions_equal_the_naive_rules"
    recipe.lacks(2, naive, because="adopts ledger version 3, unknown here")
    decide_by_version(copy)
    recipe.lacks(3, f"{HOUSE}::test_every_door_names_what_lies_behind_it", because="rules_3")
    copy.replace("processors/ledger/__init__.py", "`rules_2`, with", "`rules_2`, `rules_3`, with")
    recipe.lacks(3, f"{MEMORY}::test_every_cache_says_what_bounds_it", because="rules_3.transition")
    second = '    "processors.ledger.rules_2.transition": OURS,\n'
    copy.replace(MEMORY, second, second + second.replace("rules_2", "rules_3"))
    snapshots = "processors/ledger/snapshots.py"
    recipe.lacks(4, f"{LEDGER}/test_snapshots.py::test_a_file_under_other_rules_is_unreadable",
                 because="no attribute 'rules_3'")
    copy.replace(snapshots, "rules_1, rules_2, settling", "rules_1, rules_2, rules_3, settling")
    copy.replace(snapshots, "rules_2.told()))", "rules_2.told(), rules_3.told()))")
    raise_boxes(copy)
    recipe.lacks(5, "tests/sinks/recount/test_recounts.py::test_all_recounts_follow_rules_3",
                 because="sql.proposals")
    recount_by_version(copy)
    recipe.lacks(6, "tests/schemas/test_genesis.py::test_the_rules_that_are_known_can_be_adopted",
                 because="assert 3 == 2")
    copy.replace("schemas/genesis.py", "NEWEST_RULES = 2", "NEWEST_RULES = 3")
    recipe.lacks(7, "tests/test_docs.py::test_every_version_of_the_rules_is_explained",
                 because="[3]")
    copy.write("docs/adr/0999-one-qualification.md", ADR)
    copy.add("docs/adr/README.md", "\n[0999](0999-one-qualification.md)\n")
    copy.add("docs/upgrade.md", "\n## Rules 3\n\nA vote has one qualification.\n")
    recipe.done(
        f"{LEDGER}/test_rules_3.py::test_folding_decisions_reaches_the_state_of_deciding",
        "tests/schemas/test_genesis.py", "tests/test_docs.py::test_every_decision_is_listed",
        read=("processors/ledger/controls_2.py", "producers/suspending.py", "schemas/findings.py",
              "schemas/keys_in_force.py", "schemas/words.py", "tests/producers/test_suspending.py",
              "tests/sinks/recount/test_controls.py"))


# A recount: the archived decisions, folded as a ledger folds them that recovers.

AUDIT, REPORT = "sinks/recount/audit.py", "sinks/recount/report.py"
LIES, RECOUNTS = "tests/sinks/recount/test_audit.py", "tests/sinks/recount/test_recounts.py"
FOLDING = '''"""Recount (e): the archived decisions, folded as a ledger folds them that recovers."""

from collections.abc import Collection
from itertools import islice

from processors.ledger.alarms import LedgerStopped
from processors.ledger.ledger import Ledger
from processors.results.results_document import Figures
from schemas.codec import Undecodable
from sinks.recount.faults import ArchiveUnreadable
from sinks.recount.pure import accepted
from sinks.recount.reading import Reading
from sinks.recount.summing import figures_of, summed


def from_folding(
    reading: Reading, consultation: str, also: Collection[str] = ()
) -> Figures:
    """Fold every archived decision up to the vector."""
    ledgers = [Ledger(partition, len(reading.vector)) for partition in range(len(reading.vector))]
    for ledger, last in zip(ledgers, reading.vector, strict=True):
        for value in islice(accepted(reading, ledger.partition), last + 1):
            try:
                ledger.apply(value)
            except (LedgerStopped, Undecodable) as error:
                raise ArchiveUnreadable(str(error)) from error
    return summed([figures_of(ledger, consultation, also=also) for ledger in ledgers])
'''


def expect_lies_to_be_found(copy: Copy) -> None:
    """Say what the recount shall find, in the tests of lies."""
    copy.replace(LIES, '"changes.proposals"}\n', '"changes.proposals", "folded.proposals"}\n')
    copy.replace(LIES, 'for method in ("pure", "sql", "changes") for name',
                 'for method in ("pure", "sql", "changes", "folded") for name')
    copy.replace(LIES, '- {"sql.document", "changes.document"}',
                 '- {"sql.document", "changes.document", "folded.document"}')


def compare(copy: Copy) -> None:
    """Run the recount with the others, and compare what it gives."""
    copy.replace(AUDIT, "import counting, pure\n", "import counting, folding, pure\n")
    copy.replace(AUDIT, '        say("SQL: counting', '        with found.timed("folded"):\n'
                 "            folded = folding.from_folding(reading, consultation, also)\n"
                 '        say("SQL: counting')
    copy.replace(AUDIT, "ballots=ballots, changes=changes)\n",
                 "ballots=ballots, changes=changes,\n             folded=folded)\n")
    copy.replace(AUDIT, "    ballots: BallotRecount, changes: Recounted,\n) -> None:",
                 "    ballots: BallotRecount, changes: Recounted, folded: Figures,\n) -> None:")
    copy.replace(AUDIT, '"sql": ballots, "changes": changes}',
                 '"sql": ballots, "changes": changes, "folded": folded}')


def test_a_recount(copy: Copy) -> None:
    """A fifth computation finds the lies it ought to, and stands in report and documentation."""
    recipe = Recipe("A recount", copy)
    expect_lies_to_be_found(copy)
    recipe.lacks(1, f"{LIES}::test_a_changed_count_is_found", because="folded.proposals")
    copy.replace(RECOUNTS, "(counting.from_ballots, counting.from_decisions):",
                 "(counting.from_ballots, counting.from_decisions, folding.from_folding):")
    copy.replace(RECOUNTS, "import counting, pure\n", "import counting, folding, pure\n")
    recipe.lacks(2, f"{RECOUNTS}::test_recounts_end_at_the_vector", because="'folding'")
    copy.write("sinks/recount/folding.py", FOLDING)
    recipe.lacks(3, f"{LIES}::test_what_is_told_of_drawn_votes_is_recounted[path0-found_by0]",
                 because="folded.routes")
    compare(copy)
    recipe.lacks(4, f"{LIES}::test_each_computation_has_a_column", because="5")
    copy.replace(REPORT, '"Σ changes")', '"Σ changes", "folded")')
    recipe.lacks(5, "tests/test_docs.py::test_every_computation_of_a_recount_is_explained",
                 because="'folded'")
    row = "| Σ changes |"
    copy.replace("docs/audit.md", row, f"| folded | the decisions, folded | a sum |\n{row}")
    recipe.done(read=(
        "sinks/recount/sql/", "sinks/recount/counting.py", "sinks/recount/pure.py"))
