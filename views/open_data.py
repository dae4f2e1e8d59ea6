"""Votes one by one, as anybody may have them: no pseudonym of the log, no time within a day. Pure.

Theory of operation: a vote's name is an HMAC of voter and proposal under a key that is drawn for
one export and kept nowhere. So nobody can join two votes of one voter, within a file or over two,
nor find a receipt's vote. Rows are sorted by these names, so their order tells nothing either.
Counting the rows gives the published counts; an export whose rows do not is refused.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from processors.ledger import standing
from schemas.moments import moment, zone_of
from schemas.words import CHOICES, SET_ASIDE


NAME_BYTES = 16
"""A vote's name: no two of any export are the same."""


class FiguresDiffer(Exception):
    """The votes do not give the counts that were published; the message names the first."""


@dataclass(slots=True)
class Cast:
    """One VoteCast that stands, or stood until its voter cast another."""

    at: int
    """Milliseconds since 1970."""
    choice: int
    public: bool
    """Whether it came from an import: its time is public already."""


@dataclass(slots=True)
class Ballot:
    """What a voter's votes on one proposal came to."""

    voter: bytes
    proposal: str
    situation: int
    """Packed as in `processors.ledger.standing`; always a live vote."""
    casts: list[Cast] = field(default_factory=list)
    """Since the last withdrawal, in the order of the log."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of votes.csv."""

    proposal: str
    name: str
    choice: str
    qualifications: Sequence[str]
    set_aside: str | None
    day: str


def rows(ballots: Iterable[Ballot], key: bytes, time_zone: str) -> list[Row]:
    """Return the live votes under names of this key."""
    zone = zone_of(time_zone)
    return sorted((_row(ballot, key, zone) for ballot in ballots),
                  key=lambda row: (row.proposal, row.name))


def _row(ballot: Ballot, key: bytes, zone: ZoneInfo) -> Row:
    shown = standing.fields(ballot.situation)
    assert shown is not None, "a ballot is a live vote"
    content = ballot.voter + ballot.proposal.encode()
    return Row(
        ballot.proposal, hmac.digest(key, content, "sha256")[:NAME_BYTES].hex(), shown["choice"],
        shown["qualifications"], shown["set_aside"],
        day_of(ballot.casts[-1].at, zone).date().isoformat())


def day_of(milliseconds: int, zone: ZoneInfo) -> datetime:
    """Return the beginning of an instant's day in a time zone."""
    return moment(milliseconds, zone).replace(
        hour=0, minute=0, second=0, microsecond=0)


def require_same_figures(document: Mapping[str, Any], ballots: Iterable[Ballot]) -> None:
    """Raise FiguresDiffer unless counting the ballots gives the counts of the document."""
    found: dict[str, Counter[str]] = {}
    for ballot in ballots:
        reason = standing.set_aside_of(ballot.situation)
        name = reason or CHOICES[standing.choice_of(ballot.situation)]
        found.setdefault(ballot.proposal, Counter())[name] += 1
    for entry in document["proposals"]:
        published = {**{choice: entry["counted"][choice] for choice in CHOICES},
                     **{reason: entry["set_aside"][reason] for reason in SET_ASIDE}}
        counted = found.pop(entry["id"], Counter())
        for name, count in published.items():
            if counted[name] != count:
                raise FiguresDiffer(
                    f"proposal {entry['id']!r}: {count} {name} are published, the votes give "
                    f"{counted[name]}. Nothing was exported: run `scrutin audit recount`.")
    if found:
        raise FiguresDiffer(f"proposal {min(found)!r} has votes and is not published. Nothing was "
                            "exported: run `scrutin audit recount`.")
