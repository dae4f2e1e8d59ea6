"""The findings as tables to take away. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from processors.guard import published
from processors.results.results_document import shares_hidden
from views import downloads
from views.cells import Column
from views.guard.document import Told


ROWS_MOST = 10_000
"""Findings of a table: the last ones. The document has all in pages."""

Block = Mapping[str, Any]


def _field(name: str) -> Callable[[Block], Any]:
    return lambda row: row[name]


FINDINGS = [
    Column("finding", "names the group for ever; empty while shares are hidden", _field("finding")),
    Column("rule", "rule of the guard that found it", _field("rule")),
    Column("version", "version of the rule", _field("version")),
    Column("mode", "what the rule did when the group was named last", _field("mode")),
    Column("day", "day of the votes, UTC", _field("day")),
    Column("judgement", "number of the judgement that said it first", _field("judgement")),
    Column("judged_at", "when that was, UTC", _field("judged_at")),
    Column("proposal",
           "what they came for; empty where it is about none, and while shares are hidden",
           _field("proposal")),
    Column("choice", "what they chose; empty as proposal", _field("choice")),
    Column("marks", "marks of machines that they bear, with spaces between",
           lambda row: " ".join(row["marks"])),
    Column("voters", "voters of the group; empty under 10", _field("voters")),
    Column("marked", "of them who bear a mark; empty under 10", _field("marked")),
    Column("set_aside", "of them who were set aside by it; empty under 10", _field("set_aside")),
    Column("unanswered", "1 where a report has had no answer for 72 hours",
           lambda row: int(row["unanswered"])),
    Column("numbers", "the evidence as name=value; withheld counts have no value",
           lambda row: " ".join(f"{name}={'' if value is None else value}"
                                for name, value in (row["numbers"] or {}).items())),
]

DAYS = [
    Column("day", "day of the votes, UTC", _field("day")),
    Column("rule", "rule of the guard", _field("rule")),
    Column("findings", "groups that it found", _field("findings")),
    Column("voters", "voters of these groups; empty under 10", _field("voters")),
    Column("marked", "of them who bear a mark; empty under 10", _field("marked")),
    Column("set_aside", "of them who were set aside; empty under 10", _field("set_aside")),
]


def findings_csv(frame: Block, told: Told, published_at: int | None) -> bytes:
    """Write the last findings, the last first."""
    hidden, now = shares_hidden(frame), told.now(published_at)
    last = told.findings[:-ROWS_MOST - 1:-1]
    return downloads.table(
        FINDINGS, (published.described(said, now, hidden=hidden) for said in last))


def days_csv(told: Told) -> bytes:
    """Write the findings by day and rule."""
    return downloads.table(DAYS, told.days)
