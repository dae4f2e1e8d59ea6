"""Judgements as records: they replay to the same bytes, and stay within one record."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from processors.guard.findings import Finding
from processors.guard.inputs import Cut
from processors.guard.judgements import cut_of, encoded, findings_of, rules_of
from processors.guard.judging import (
    FINDING_BYTES,
    MAX_EVIDENCE_BYTES,
    MAX_FINDINGS,
    MAX_NAMED,
    NUMBER_BYTES,
    Judgement,
    judge,
)
from processors.guard.parameters import (
    CROWD,
    HURRIED,
    LEANING,
    MODES,
    SPREAD,
    BadParameter,
    Rules,
    default,
)
from processors.guard.state import PatrolState
from schemas import codec
from schemas.codec import MAX_VALUE_BYTES
from tests.processors.guard.test_judging import CUTS, LOG
from tests.processors.guard.traffic import FIRST_CHANGE, PARTITIONS, batches, judged


GOLDEN = Path(__file__).with_name("golden-judgements.bin.gz")
"""The judgements of one evening, as bytes: on every machine, for ever. By first versions."""
GOLDEN_2 = Path(__file__).with_name("golden-judgements-2.bin.gz")
"""The same by second versions of rules 1, 2 and 8."""


def some_rules(rules: Rules | None = None, version: int = 1) -> Rules:
    """Set two rules for all and one consultation."""
    rules = rules or Rules()
    for rule, mode, consultation in ((CROWD, 2, None), (SPREAD, 2, None), (HURRIED, 0, "jeunes")):
        rules.apply("GuardRuleChanged", {
            "consultation": consultation, "rule": rule,
            "version": 1 if rule == HURRIED else version, "mode": MODES[mode],
            "parameters": [], **FIRST_CHANGE})
    return rules


def second_versions() -> Rules:
    """Have the rules report that have a second version, by it."""
    return Rules({(None, rule): default(rule, 2) for rule in (CROWD, SPREAD, LEANING)})


@pytest.mark.parametrize(("path", "both"), [
    (GOLDEN, (Rules(), some_rules())),
    (GOLDEN_2, (second_versions(), some_rules(second_versions(), 2)))])
def test_a_golden_evening_is_judged_to_the_same_bytes(
        path: Path, both: tuple[Rules, Rules]) -> None:
    """Whatever machine, Python or seed of hashes: each byte of each judgement."""
    values = [encoded(one) for rules in both for one in judged(LOG, rules, cuts=CUTS)[1]]
    golden = gzip.decompress(path.read_bytes())

    assert hashlib.sha256(b"".join(values)).hexdigest() == hashlib.sha256(golden).hexdigest()
    assert b"".join(values) == golden
    assert len(golden) > 50_000


def test_a_recorded_judgement_is_repeated_from_what_it_says() -> None:
    """Cuts, rules and instants of the records, with the log, give the records again."""
    values = [encoded(one) for one in judged(LOG, some_rules(), cuts=CUTS)[1]]
    records = [codec.decode(value)[1] for value in values]
    patrol = PatrolState(PARTITIONS)
    again = [encoded(judge(patrol, batch, rules_of(fields), fields["judged_at"]))
             for fields, batch in zip(
                 records, batches(LOG, [cut_of(fields) for fields in records]), strict=True)]

    assert again == values


def test_what_a_record_says_can_be_read() -> None:
    """Findings, cut and digests are those of the judgement; modes and choices are words."""
    judgements = judged(LOG, some_rules(), cuts=CUTS)[1]
    fields = [codec.decode(encoded(one))[1] for one in judgements]
    words = {(finding["mode"], finding["choice"]) for one in fields for finding in one["findings"]}

    assert [findings_of(one) for one in fields] == [one.findings for one in judgements]
    assert [cut_of(one) for one in fields] == [one.cut for one in judgements]
    assert words == {("set_aside", "agree"), ("report", None)}
    assert len({one["votes_digest"] for one in fields}) == len(fields)


def largest() -> Judgement:
    """Make a judgement that says all it may, as long as it can be said."""
    numbers = tuple((f"pace_others_held_{number:02}", 2**62) for number in range(13))
    long = "x" * 63
    findings = [Finding(number.to_bytes(16, "big"), 1, 1, 2, long, 30_000, long, 2, numbers,
                        (1, 2, 3, 4), ()) for number in range(MAX_FINDINGS)]
    assert sum(FINDING_BYTES + sum(len(name) + NUMBER_BYTES for name, _ in numbers)
               for _ in findings) >= MAX_EVIDENCE_BYTES * 95 // 100
    voters = tuple(number.to_bytes(16, "big") for number in range(MAX_NAMED))
    findings[0] = replace(findings[0], voters=voters)
    rules = Rules()
    for number in range(300):
        rules.apply("GuardRuleChanged", {
            "consultation": f"{number}".rjust(63, "c"), "rule": CROWD, "version": 1, "mode": "off",
            "parameters": [], **FIRST_CHANGE})
    return Judgement(2**40, 2**41, 2**41, Cut((2**50,) * 1_024, 2**50, 2**40), rules,
                     tuple(findings), 2**30, 2**30, 32, bytes(32), bytes(32))


def test_the_largest_judgement_is_one_record() -> None:
    """A thousand findings, twenty thousand voters, a thousand partitions."""
    value = encoded(largest())

    assert 800_000 < len(value) < MAX_VALUE_BYTES
    assert len(codec.decode(value)[1]["rules"]) == 256


def test_one_finding_or_voter_more_is_refused() -> None:
    """The bounds of the schema are those of the judgement."""
    most = largest()
    one = most.findings[-1]
    more = replace(most, findings=(*most.findings, one))
    crowded = replace(most, findings=(replace(
        most.findings[0], voters=(*most.findings[0].voters, bytes(16))),))
    for judgement in (more, crowded):
        with pytest.raises(codec.OutOfBounds, match="are allowed"):
            encoded(judgement)


def test_rules_that_are_not_known_here_are_said() -> None:
    """A record of a later program cannot be repeated by this one, and says so."""
    fields = codec.decode(encoded(judged(LOG, some_rules(), cuts=CUTS[:1])[1][0]))[1]
    fields["rules"][0]["version"] = 9
    with pytest.raises(BadParameter, match="no rule 1 of version 9"):
        rules_of(fields)
