"""What is published of the guard, held against the archive.

Theory of operation: the document names its positions. Votes set aside are summed anew from the
decisions up to them; findings are those of the archived judgements up to the one it names, by the
functions that publish them; changes of rules those of the catalogue. So a number that is another is
found, whoever changed it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from processors.guard import published
from processors.guard.published import Findings
from processors.guard.rule_changes import RuleChanges
from processors.results import results_document, routes
from processors.results.results_document import pooled, shares_hidden
from schemas import codec
from schemas.codec import Undecodable
from schemas.finding_acts import Acts
from sinks.catching_up import WAIT_SECONDS, Say, still_lacking
from sinks.recount import counting
from sinks.recount.checks import Check, compare_documents
from sinks.recount.faults import ArchiveLacks
from sinks.recount.reading import Reading


Block = Mapping[str, Any]


def check_guard(
    document: Block, reading: Reading, *, say: Say, wait_seconds: float = WAIT_SECONDS
) -> list[Check]:
    """Compare a guard document with the archive; raise ArchiveLacks where that stays behind it."""
    as_of = document["as_of"]
    reading.at(as_of["votes"]).wait(as_of["catalogue"], say=say, seconds=wait_seconds)
    return compared(document, recomputed(document, reading, say=say, wait_seconds=wait_seconds))


def compared(document: Block, made: Block) -> list[Check]:
    """Compare what a document says with what `recomputed` gives for its positions."""
    said = {
        "totals": document["totals"],
        "rules": {"in force": document["rules"], "changes": document["changes"]},
        "findings": {
            "judged_at": document["as_of"]["judged_at"], "days": document["days"],
            "unanswered": document["unanswered"], "findings": document["findings"],
            "number": document["page"]["findings"], "gone": document["page"]["gone"]}}
    return [compare_documents(f"guard.{name}", said[name], made[name]) for name in said]


def recomputed(
    document: Block, reading: Reading, *, say: Say, wait_seconds: float = WAIT_SECONDS
) -> Block:
    """Make anew from the archive what a document says, as of the positions that it names."""
    consultation, as_of = document["consultation"], document["as_of"]
    findings = judged(reading, as_of["judgement"], say=say, wait_seconds=wait_seconds)
    rules = _rules(as_of["catalogue"], reading)
    return {
        "totals": _totals(consultation, reading.at(as_of["votes"])),
        "rules": {"in force": rules.in_force(consultation), "changes": rules.of(consultation)},
        "findings": _findings(document, findings, rules.acts)}


def _totals(consultation: str, reading: Reading) -> Block:
    found = counting.from_decisions(reading, consultation)
    counts = results_document.named(pooled(found.proposals.values()))
    by_route = routes.routed(pooled(found.routes.values(), routes.ROUTE_COUNTS))
    return published.totals({
        **results_document.entry(counts), "set_aside_by_rule": by_route["set_aside_by_rule"],
        "suspended_voters": found.suspended})


def _rules(catalogue: int, reading: Reading) -> RuleChanges:
    rules = RuleChanges()
    for offset, value in reading.catalogue_records(catalogue):
        try:
            rules.follow(offset, *codec.decode(value), value)
        except Undecodable:
            continue
    return rules


def judged(
    reading: Reading, judgement: int, *, say: Say, wait_seconds: float = WAIT_SECONDS
) -> Findings:
    """Fold the archived judgements up to one; raise ArchiveLacks where it does not come."""
    findings, first = Findings(), 0

    def lacking() -> str:
        nonlocal first
        for offset, value in reading.judgements(first):
            if findings.judgement >= judgement:
                break
            findings.take(value)
            first = offset + 1
        return "" if findings.judgement >= judgement else (
            f"it has {findings.judgement} judgements of the patrol, the document is of number "
            f"{judgement}")

    if behind := still_lacking(lacking, say=say, seconds=wait_seconds):
        raise ArchiveLacks(f"the archive is behind the document, after {wait_seconds:.0f} s: "
                           f"{behind}. See that `scrutin archive` runs and what it logs.")
    return findings


def _findings(document: Block, findings: Findings, acts: Acts) -> Block:
    held = findings.of(document["consultation"])
    now = round(datetime.fromisoformat(document["as_of"]["time"]).timestamp() * 1_000)
    first, hidden = document["page"]["first"], shares_hidden(document)
    return {
        "judged_at": published.instant(findings.judged_at) if findings.judgement else None,
        "days": published.days(held),
        "unanswered": sum(published.is_unanswered(said, now, acts) for said in held),
        "findings": [published.described(said, now, acts, hidden=hidden)
                     for said in held[first:first + document["page"]["limit"]]],
        "number": len(held), "gone": findings.gone}
