"""Each published number: recomputed from what, or trusted for what reason. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from sinks.bundle.layout import AUDITOR


RECOMPUTED, TRUSTED = "recomputed", "trusted"


@dataclass(frozen=True)
class Claim:
    """What the document says, whether it was recomputed, and on what that rests."""

    what: str
    how: str
    why: str


_ROWS = "from the rows, one a vote, and the log's leaves"
_RECORDS = "from every record of the ballot box, decided again"
_SUMS = ("counts of proposals: received, counted, qualifications",
         "counts of ideas and of the consultation")
_AS_CAST = "that each row says what was cast"
_STATE = "open, closed or final"
_HELD = "that no partition was held open after the closing"
_DERIVED = "shares, intervals, scores, zones"
_PER_VOTER = {
    _AS_CAST:
        "rows are counted against the log's leaves, and not joined to them",
    "participants, received participants, suspended voters, suspensions after the closing":
        "rows do not show which are of one voter; they bound these numbers",
    "which votes are set aside, repeated, late, refused":
        "sums were recomputed; rules look at events, which rows do not hold",
    "how many records are suspensions, and of which consultation each leaf is":
        "the log's leaves are counted by the name signed with them; the records are not here",
    "records of the log, by outcome": "those of other consultations are not in this bundle",
}
"""Of each claim why rows cannot show it."""
_BY_ROUTE = {
    "by which route each vote came, and by which rule it is set aside":
        "sums were recomputed; rules look at events, which rows do not hold",
    "which rules are in force": "their adoptions are not in this bundle",
}
"""The same, of what rules 2 add."""


def words_claims(*, corrections: int, recounted: int, withheld: int, unbound: int
) -> list[Claim]:
    """Say of words how what was done to them was checked."""
    found = []
    if recounted:
        found.append(Claim(f"votes before {recounted:,} corrections", RECOMPUTED, _RECORDS))
    if corrections > recounted:
        found.append(Claim(
            f"votes before {corrections - recounted:,} corrections", TRUSTED, "rows have no "
            "offsets, or these lie behind the result; an auditor's bundle of a later one "
            "recomputes them"))
    if withheld > unbound:
        found.append(Claim(
            f"{withheld - unbound:,} records of the catalogue whose words are hidden", TRUSTED,
            "each is what was said in the log when its words were hidden; these are not here, and "
            "whether it was said rightly then, who has the log can see"))
    if unbound:
        found.append(Claim(
            f"{unbound:,} records of the catalogue whose words are hidden, and that no retirement "
            "names", TRUSTED, "the hash of each is that of its leaf; its words are not here, and "
            "that the digests and all else that is said beside the hash are the record's own "
            "cannot be seen"))
    return found


def claims(
    kind: str, *, ranked: bool, final: bool, foreign: Sequence[str] = (), by_route: bool = False,
) -> list[Claim]:
    """List every number of a document that holds, and the files that are not of this version.

    `by_route` where it tells of routes, as under rules 2.
    """
    auditor = kind == AUDITOR
    source = _RECORDS if auditor else _ROWS
    found = [Claim(what, RECOMPUTED, source) for what in _SUMS]
    found.append(Claim(_DERIVED, RECOMPUTED, "from these counts"))
    found.append(
        Claim("ranks and the controversial", RECOMPUTED, "from these scores") if ranked else
        Claim("ranks and the controversial", TRUSTED, "made before the last votes were counted; a "
              "final result has ranks of all its votes"))
    found += [
        Claim("words, ideas and their proposals", RECOMPUTED, "from the catalogue's records"),
        Claim(_STATE, RECOMPUTED, "from the closing in each partition") if final or auditor else
        Claim(_STATE, TRUSTED, "a closing that is not shown may hide among the suspensions; an "
              "auditor's bundle recomputes it"),
        Claim(_HELD, RECOMPUTED, "from the times of events, to ten minutes") if auditor else
        Claim(_HELD, TRUSTED, "rows have days and no offsets; an auditor's bundle recomputes it"),
        Claim("records of the log, in all", RECOMPUTED, "from the leaves"),
        Claim("pages and schemas", RECOMPUTED, "they are this version's own") if not foreign else
        Claim("pages and schemas", TRUSTED, "not as this version writes them, follow no advice in "
              f"them unread: {', '.join(foreign)}"),
    ]
    per_voter = {**_PER_VOTER, **(_BY_ROUTE if by_route else {})}
    if auditor:
        found += [Claim(what, RECOMPUTED, _RECORDS) for what in per_voter if what != _AS_CAST]
    else:
        found += [Claim(what, TRUSTED, f"{why}; an auditor's bundle recomputes it")
                  for what, why in per_voter.items()]
    found += [
        Claim("that no record of the catalogue is signed under another's name", TRUSTED,
              "those of others are not in this bundle; `scrutin audit log --archive` compares all"),
        Claim("descriptions: number, gender, age, region, and their offset", TRUSTED,
              "kept apart from votes, on purpose; not in any bundle"),
        Claim("voters are people", TRUSTED, "nobody can see which pseudonyms are invented"),
    ]
    return found
