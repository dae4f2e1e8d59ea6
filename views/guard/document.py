"""What is published of the guard: one document a consultation, its findings in pages. Pure.

Theory of operation: counts are those of the results document beside it, by the rule that sets them
aside; findings are those of the judgements up to the one that is named. Findings stand in the order
in which they were first said, so that a page of them keeps its place while others come; each page
says the judgement it is of. While shares are hidden, a finding tells neither its item nor its
evidence: both say how people vote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from processors.guard import published
from processors.guard.published import Findings, Said
from processors.guard.rule_changes import RuleChanges
from processors.results.results_document import shares_hidden
from schemas.finding_acts import Acts
from views import paging
from views.guard import door


FORMAT = "scrutin-guard/1"
PAGE_FINDINGS = 1_000
"""Findings of a page, at most."""

Block = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """The part of the findings that an address asks for."""

    limit: int = PAGE_FINDINGS
    first: int = 0


def asked(query: Mapping[str, str]) -> Asked:
    """Read `limit` and `first`. Raises paging.BadPage."""
    limit = paging.number(query.get("limit", str(PAGE_FINDINGS)))
    if not 1 <= limit <= PAGE_FINDINGS:
        raise paging.BadPage
    return Asked(limit, paging.number(query.get("first", "0")))


def recount_shown(found: Block | None, *, hidden: bool) -> Block | None:
    """Return what is shown of a batch of recounts: while shares are hidden, how many count."""
    if found is None or not hidden:
        return found
    return {
        **found, "counted": _votes(found["counted"]),
        "suppositions": [{"without": each["without"], "totals": _votes(each["totals"]),
                          "changed": None, "entries": None} for each in found["suppositions"]],
        "noticed": {**found["noticed"], "hours": None}}


def _votes(figures: Mapping[str, Any]) -> Block:
    return {"votes": figures["votes"], "shares": None, "rank": None}


@dataclass(frozen=True)
class Told:
    """What is known of one consultation at one moment, beside its results."""

    findings: tuple[Said, ...]
    judgement: int
    judged_at: int
    gone: int
    rules: Sequence[Block]
    changes: Sequence[Block]
    acts: Acts
    """What people decided about findings; it grows with the catalogue alone."""
    recount: Block | None = None
    """The last batch of recounts."""
    at_the_door: door.Told | None = None
    """What was counted at the door."""

    @classmethod
    def of(
        cls, consultation: str, findings: Findings, rules: RuleChanges,
        recount: Block | None = None, at_the_door: door.Told | None = None,
    ) -> "Told":
        """Take it from what is followed."""
        return cls(findings.of(consultation), findings.judgement, findings.judged_at,
                   findings.gone, rules.in_force(consultation), rules.of(consultation), rules.acts,
                   recount, at_the_door)

    @cached_property
    def days(self) -> list[Block]:
        """Findings by day and rule."""
        return published.days(self.findings)

    def now(self, published_at: int | None) -> int:
        """Return the time that the logs have, in whole seconds, in milliseconds since 1970."""
        return max(self.judged_at, published_at or 0) // 1_000 * 1_000


def document(
    frame: Mapping[str, Any], told: Told, published_at: int | None, wanted: Asked
) -> Block:
    """Make the document; `frame` is the results document, with or without its proposals."""
    hidden, now = shares_hidden(frame), told.now(published_at)
    after = wanted.first + wanted.limit
    shown = told.findings[wanted.first:after]
    return {
        "format": FORMAT,
        "consultation": frame["consultation"]["id"],
        "state": frame["state"],
        "as_of": {**frame["as_of"], "judgement": told.judgement,
                  "judged_at": published.instant(told.judged_at) if told.judgement else None,
                  "time": published.instant(now)},
        **({"embargoed_until": frame["embargoed_until"]} if hidden else {}),
        "totals": published.totals(frame["totals"]),
        "rules": list(told.rules), "changes": list(told.changes),
        "days": told.days,
        "unanswered": sum(published.is_unanswered(said, now, told.acts) for said in told.findings),
        "findings": [published.described(said, now, told.acts, hidden=hidden) for said in shown],
        "page": {
            "first": wanted.first, "limit": wanted.limit, "findings": len(told.findings),
            "gone": told.gone,
            "next": _address(frame["consultation"]["id"], wanted.limit, after)
            if after < len(told.findings) else None},
    }


def _address(consultation: str, limit: int, first: int) -> str:
    query = urlencode({"limit": limit, "first": first})
    return f"/v1/consultations/{quote(consultation, safe='')}/guard?{query}"
