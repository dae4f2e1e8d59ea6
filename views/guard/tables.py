"""The findings as tables to take away. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from processors.guard import published
from processors.results.results_document import shares_hidden
from schemas.words import CHOICES
from views import downloads
from views.cells import Column
from views.guard import door
from views.guard.document import Told, recount_shown


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
    Column("state", "what people decided: open, waiting for a second person, confirmed, dismissed, "
           "reinstated", _field("state")),
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


def _at(*path: str) -> Callable[[Block], Any]:
    def cell(row: Block) -> Any:
        found: Any = row
        for step in path:
            found = found.get(step)
        return found
    return cell


_BOTH = ("before", "after")
WITHOUT = [
    Column("without", "rule of the guard that is taken away, or everything: all votes count",
           _field("without")),
    Column("of", "proposal or idea", _field("of")), Column("id", "its identifier", _field("id")),
    *(Column(f"votes_{when}", f"counted votes {when} the rule is taken away",
             _at(when, "votes")) for when in _BOTH),
    *(Column(f"share_{name}_{when}", f"share of {name} {when} it",
             _at(when, "shares", name))
      for name in CHOICES for when in _BOTH),
    *(Column(f"rank_{when}", f"place {when} it", _at(when, "rank"))
      for when in _BOTH),
]


def without_csv(frame: Block, told: Told) -> bytes:
    """Write what the last batch of recounts says of proposals and ideas that would be others."""
    found = recount_shown(told.recount, hidden=shares_hidden(frame))
    return downloads.table(WITHOUT, (
        {"without": each["without"], **entry} for each in (found or {"suppositions": ()})[
            "suppositions"] for entry in each["entries"] or ()))


def findings_csv(frame: Block, told: Told, published_at: int | None) -> bytes:
    """Write the last findings, the last first."""
    hidden, now = shares_hidden(frame), told.now(published_at)
    last = told.findings[:-ROWS_MOST - 1:-1]
    return downloads.table(
        FINDINGS, (published.described(said, now, told.acts, hidden=hidden) for said in last))


def days_csv(told: Told) -> bytes:
    """Write the findings by day and rule."""
    return downloads.table(DAYS, told.days)


DOOR = [
    Column("minute", "begin of the minute, UTC", _field("begins")),
    *(Column(name, f"{meaning}; empty under 10", _field(name)) for name, meaning in (
        ("raised", "networks raised for a proposal"), ("asked", "votes taken with a challenge"),
        ("solved", "of these, came back with the work done"),
        ("waited", "came back after their wait"), ("left", "challenges nobody answered"))),
    Column("refusals", "reasons as name=count; withheld counts have no value",
           lambda row: " ".join(f"{name}={'' if count is None else count}"
                                for name, count in row["refusals"].items())),
]


def door_csv(told: Told) -> bytes:
    """Write what was counted at the door, by minute, the last first."""
    found = door.document("", told.at_the_door) if told.at_the_door else {"minutes": ()}
    return downloads.table(DOOR, found["minutes"])


def made(name: str, frame: Block, told: Told, published_at: int | None) -> bytes:
    """Write the table of a name."""
    if name == "guard-days.csv":
        return days_csv(told)
    if name == "guard-door.csv":
        return door_csv(told)
    if name == "guard-without.csv":
        return without_csv(frame, told)
    return findings_csv(frame, told, published_at)
