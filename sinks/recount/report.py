"""A verdict for people, and for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sinks.recount.audit import Audit
from sinks.recount.checks import (
    DIFFERENCES_MAX,
    DIFFERENT,
    EQUAL,
    EXIT_CODES,
    EXPLAINED,
    INVALID,
    NOT_COMPARED,
    UNREADABLE,
    Check,
    concealed,
)
from sinks.recount.pure import PureRecount


FORMAT = "scrutin-recount/1"
SENTENCES = {
    EQUAL: "EQUAL: every recomputed number is the published one.",
    DIFFERENT: "DIFFERENT: what was recomputed is not what was published.",
    INVALID: "INVALID: the archive contradicts itself, or its decisions are not of its votes.",
    UNREADABLE: "UNREADABLE: archived records cannot be read.",
}
_COLUMNS = ("live", "pure", "SQL", "Σ changes")


def without_numbers(audit: Audit) -> Audit:
    """Return what may be told while how people vote is hidden: what is equal and what is not."""
    return replace(audit, checks=concealed(audit.checks), table=[], pure=None)


def as_json(audit: Audit) -> dict[str, Any]:
    """Return the report as a document."""
    return {
        "format": FORMAT,
        "consultation": audit.consultation,
        "as_of": audit.as_of,
        "verdict": audit.verdict,
        "exit_code": EXIT_CODES[audit.verdict],
        "checks": [vars(check) for check in audit.checks],
        "first_differences": [vars(one) for one in audit.pure.differences] if audit.pure else [],
        "divergences": [vars(one) for one in audit.divergences],
        "seconds": audit.seconds,
    }


def lines(audit: Audit) -> Iterator[str]:
    """Yield the report as lines of text, the verdict last."""
    yield f"Recount of {audit.consultation} as of votes {audit.as_of['votes']}"
    yield ""
    yield from _table(audit)
    yield from _divergences(audit)
    yield from failed(audit.checks)
    yield from first_differences(audit.pure) if audit.pure else ()
    yield "seconds: " + ", ".join(f"{name} {took}" for name, took in audit.seconds.items())
    yield SENTENCES[audit.verdict]


def _table(audit: Audit) -> Iterator[str]:
    if not audit.table:
        return
    width = max(len(name) for name, _ in audit.table)
    yield f"{'':{width}}" + "".join(f"{name:>14}" for name in _COLUMNS) + "  equal"
    for name, values in audit.table:
        equal = "yes" if len(set(values)) == 1 else "NO"
        yield f"{name:{width}}" + "".join(f"{value:>14,}" for value in values) + f"  {equal}"
    yield ""


def _divergences(audit: Audit) -> Iterator[str]:
    if not audit.divergences:
        return
    yield ("The SQL recount knows every event id and no limit of votes; the ledger remembers 8 ids "
           "and allows 5,000. They may differ on:")
    for one in audit.divergences[:DIFFERENCES_MAX]:
        yield f"  partition {one.partition} offset {one.offset}: {one.why} ({one.proposal})"
    if len(audit.divergences) > DIFFERENCES_MAX:
        yield f"  and {len(audit.divergences) - DIFFERENCES_MAX} more"
    yield ""


def failed(checks: Sequence[Check]) -> Iterator[str]:
    """Say of each check that is not equal what was found."""
    equal = sum(check.status == EQUAL for check in checks)
    yield f"{equal} of {len(checks)} checks equal"
    for check in checks:
        if check.status == NOT_COMPARED:
            yield f"  {check.id}: not compared, {check.actual}"
        elif check.status != EQUAL:
            mark = "explained" if check.status == EXPLAINED else check.status.upper()
            yield f"  {check.id}: {mark}, expected {check.expected}"
            found = check.actual if isinstance(check.actual, list) else [check.actual]
            yield from (f"    {one}" for one in found)
    yield ""


def first_differences(recount: PureRecount) -> Iterator[str]:
    """Yield both decisions at the first votes offset of each partition where they differ."""
    if not recount.differences:
        return
    yield f"{recount.differing_decisions:,} decisions differ; the first of each partition:"
    for one in recount.differences:
        what = "the chain shows other votes" if one.chain_differs else "same votes, other decision"
        yield f"  partition {one.partition}, votes offset {one.source_offset}: {what}"
        yield f"    recomputed {json.dumps(one.recomputed, ensure_ascii=False)}"
        yield f"    archived   {json.dumps(one.archived, ensure_ascii=False)}"
    yield ""
