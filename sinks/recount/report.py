"""A verdict for people, and for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sinks.recount.audit import Audit
from sinks.recount.checks import (
    DIFFERENT,
    EQUAL,
    EXIT_CODES,
    INVALID,
    NOT_COMPARED,
    UNREADABLE,
    Check,
    concealed,
)
from sinks.recount.pure import PureRecount


FORMAT = "scrutin-recount/2"
SENTENCES = {
    EQUAL: "EQUAL: every recomputed number is the published one.",
    DIFFERENT: "DIFFERENT: what was recomputed is not what was published.",
    INVALID: "INVALID: the archive contradicts itself, or its decisions are not of its votes.",
    UNREADABLE: "UNREADABLE: archived records cannot be read.",
}
_COLUMNS = ("live", "pure", "SQL", "Σ changes")


def without_numbers(audit: Audit) -> Audit:
    """Return what may be told while how people vote is hidden: what is equal and what is not."""
    return replace(audit, checks=concealed(audit.checks), table=[], pure=None,
                   voters_apart=0)


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
        "voters_apart": audit.voters_apart,
        "seconds": audit.seconds,
    }


def lines(audit: Audit) -> Iterator[str]:
    """Yield the report as lines of text, the verdict last."""
    yield f"Recount of {audit.consultation} as of votes {audit.as_of['votes']}"
    yield ""
    yield from _table(audit)
    yield from _apart(audit)
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


def _apart(audit: Audit) -> Iterator[str]:
    if audit.voters_apart:
        yield (f"The recount by SQL followed {audit.voters_apart:,} voters event by event: the "
               "bounds of what the ledger remembers may concern them.")
        yield ""


def failed(checks: Sequence[Check]) -> Iterator[str]:
    """Say of each check that is not equal what was found."""
    equal = sum(check.status == EQUAL for check in checks)
    yield f"{equal} of {len(checks)} checks equal"
    for check in checks:
        if check.status == NOT_COMPARED:
            yield f"  {check.id}: not compared, {check.actual}"
        elif check.status != EQUAL:
            yield f"  {check.id}: {check.status.upper()}, expected {check.expected}"
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
