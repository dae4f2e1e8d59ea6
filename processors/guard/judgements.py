"""Judgements as records of the log: the bytes of each, and what a replay needs of them. Pure."""

from collections.abc import Iterable
from typing import Any

from processors.guard.findings import Finding
from processors.guard.inputs import Cut
from processors.guard.judging import Judgement
from processors.guard.parameters import (
    MODES,
    BadParameter,
    Rule,
    Rules,
    changed,
    parameters_of,
)
from schemas import codec
from schemas.codec import Undecodable
from schemas.words import CHOICES


VOTES_MOST = 100_000
"""Votes that one judgement reads: about a second's work. Whoever repeats it holds them all."""
MAX_RULES = 256
"""Rules that a record names: the first by consultation and number. The catalogue has all."""


def encoded(judgement: Judgement) -> bytes:
    """Return the record of a judgement; of equal ones it is equal."""
    return codec.encode(
        "PatrolJudged", number=judgement.number, judged_at=judgement.judged_at,
        log_time=judgement.now, votes=list(judgement.cut.votes), networks=judgement.cut.networks,
        catalogue=judgement.cut.catalogue,
        rules=[_rule(place[0], rule) for place, rule in named_rules(judgement.rules)],
        findings=[_finding(finding) for finding in judgement.findings], left=judgement.left,
        voters=judgement.voters, sample=judgement.sample, votes_digest=judgement.votes_digest,
        networks_digest=judgement.networks_digest)


def named_rules(rules: Rules) -> list[tuple[tuple[str | None, int], Rule]]:
    """List the changed rules that a record names, by consultation and number."""
    return sorted(rules.changes.items(), key=lambda item: (item[0][0] or "", item[0][1]))[
        :MAX_RULES]


def by_operators(rules: Rules) -> list[tuple[tuple[str | None, int], Rule]]:
    """List what operators changed, as far as a record names it."""
    return named_rules(Rules(rules.by_operators()))


def judged_in(values: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """Return the judgements among records; UnknownSchema where only a later version can tell."""
    found = []
    for value in values:
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            continue
        if event == "PatrolJudged":
            found.append(fields)
    return found


class LaterRule(ValueError):
    """A judgement went by a rule of a later release: only that can tell what it did."""


def goes_on(fields: dict[str, Any], after: Cut) -> bool:
    """Whether a judgement can be the one after a cut: by rules there are, and of so many votes.

    Of a release that does not know its rules no word is worth anything: raises LaterRule.
    """
    for rule in fields["rules"]:
        if parameters_of(rule["rule"], rule["version"]) is None:
            raise LaterRule(
                f"judgement {fields['number']} went by rule {rule['rule']} of version "
                f"{rule['version']}, unknown here: install the version that made it.")
    try:
        rules_of(fields)
    except BadParameter:
        return False
    until = cut_of(fields)
    return len(until.votes) == len(after.votes) and all(map(
        int.__le__, (*after.votes, *after[1:]), (*until.votes, *until[1:]))) and (
        sum(until.votes) - sum(after.votes) <= VOTES_MOST)


def _rule(consultation: str | None, rule: Rule) -> dict[str, Any]:
    return {"consultation": consultation, "rule": rule.rule, "version": rule.version,
            "mode": MODES[rule.mode], "parameters": _numbers(sorted(rule.parameters.items()))}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "finding": finding.finding, "rule": finding.rule, "version": finding.version,
        "mode": MODES[finding.mode], "consultation": finding.consultation, "day": finding.day,
        "proposal": finding.proposal,
        "choice": None if finding.choice < 0 else CHOICES[finding.choice],
        "marks": list(finding.marks), "numbers": _numbers(finding.numbers),
        "voters": list(finding.voters)}


def _numbers(numbers: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in numbers]


def cut_of(fields: dict[str, Any]) -> Cut:
    """Return the cut of a recorded judgement."""
    return Cut(tuple(fields["votes"]), fields["networks"], fields["catalogue"])


def rules_of(fields: dict[str, Any]) -> Rules:
    """Return the rules of a recorded judgement; BadParameter for one that is not known here."""
    rules = Rules()
    for one in fields["rules"]:
        numbers = {each["name"]: each["value"] for each in one["parameters"]}
        rules.changes[one["consultation"], one["rule"]] = changed(
            one["rule"], one["version"], MODES.index(one["mode"]), numbers)
    return rules


def findings_of(fields: dict[str, Any]) -> tuple[Finding, ...]:
    """Return the findings of a recorded judgement."""
    return tuple(Finding(
        one["finding"], one["rule"], one["version"], MODES.index(one["mode"]),
        one["consultation"], one["day"], one["proposal"],
        -1 if one["choice"] is None else CHOICES.index(one["choice"]),
        tuple((each["name"], each["value"]) for each in one["numbers"]),
        tuple(one["marks"]), tuple(one["voters"])) for one in fields["findings"])


__all__ = ["BadParameter", "by_operators", "cut_of", "encoded", "findings_of", "goes_on",
           "judged_in", "named_rules", "rules_of"]
