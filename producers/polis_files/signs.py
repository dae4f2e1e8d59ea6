"""Which sign an agreement has in votes.csv: by what is declared, and by what is counted.

Theory of operation: Polis stores an agreement as -1 and exports it as 1, so that a file of either
sign may come, and the wrong one turns every vote round. Two witnesses tell it: the declaration of
newer exports, and comments.csv, whose agrees and disagrees are counts of the rows of votes.csv.
With agree = 1 the file is read where one of them says so and the other does not contradict. Votes
are turned round only where both say so, or the operator. Everything else is asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from producers.errors import InvalidInput
from producers.polis_files.declared import Declared
from producers.polis_files.places import Notes


CLEARLY = 4
"""Counts speak for a sign where they are off by at most a quarter of what the other is off by."""


@dataclass(frozen=True)
class Fit:
    """How far the counts of comments.csv are off, by either sign of an agreement."""

    plus: int
    minus: int

    @property
    def agree(self) -> int | None:
        """The sign that the counts speak for clearly."""
        if self.plus * CLEARLY <= self.minus and self.minus:
            return 1
        if self.minus * CLEARLY <= self.plus and self.plus:
            return -1
        return None

    def off(self, agree: int) -> int:
        """How many votes the counts are off by a sign."""
        return self.plus if agree == 1 else self.minus


def fit(
    claimed: Iterable[tuple[str, tuple[int, int]]], rows: Mapping[tuple[str, int], int]
) -> Fit:
    """Compare the claimed counts (agrees, disagrees) of comments with the rows of votes.csv."""
    plus = minus = 0
    for comment, (agrees, disagrees) in claimed:
        positive, negative = rows.get((comment, 1), 0), rows.get((comment, -1), 0)
        plus += abs(agrees - positive) + abs(disagrees - negative)
        minus += abs(agrees - negative) + abs(disagrees - positive)
    return Fit(plus, minus)


def sign(
    asked: int | None, declared: Declared, found: Fit, *, has_signs: bool, notes: Notes
) -> int:
    """Return the value of an agreement; raise InvalidInput where it must be asked for.

    `has_signs` tells whether any vote is 1 or -1: without, nothing depends on the sign.
    """
    if asked is not None:
        _note(asked, "as --agree-is says", found, notes)
        if found.agree == -asked:
            notes.add(f"comments.csv speaks against it: its counts fit agree = {-asked} better")
        return asked
    if not has_signs:
        return 1
    if declared.agree is not None:
        return _declared(declared, found, notes)
    if found.agree == 1:
        _note(1, "as Polis exports it", found, notes)
        return 1
    raise InvalidInput(f"{notes.file}: {_undeclared(found)}")


def _declared(declared: Declared, found: Fit, notes: Notes) -> int:
    agree = declared.agree
    assert agree is not None, "somebody declared it"
    if found.agree == -agree:
        raise InvalidInput(
            f"{notes.file}: {declared.agree_in} declares that agree is {agree}, but the counts of "
            f"comments.csv are off by {found.off(agree):,} votes then, and by "
            f"{found.off(-agree):,} with agree = {-agree}. The wrong sign would turn every vote "
            "round: find out which is right, and say --agree-is 1 or --agree-is -1.")
    if agree == -1 and found.agree != -1:
        raise InvalidInput(
            f"{notes.file}: {declared.agree_in} declares that agree is -1, and the counts of "
            "comments.csv do not tell whether that is so. The wrong sign would turn every vote "
            "round: if it is right, say --agree-is -1.")
    _note(agree, f"as {declared.agree_in} declares", found, notes)
    return agree


def _undeclared(found: Fit) -> str:
    if found.agree == -1:
        return (f"the counts of comments.csv are off by {found.plus:,} votes with agree = 1, as "
                f"Polis exports it, and by {found.minus:,} with agree = -1, as Polis stores it. "
                "Is it a copy of the database? Then say --agree-is -1; else --agree-is 1.")
    return ("nothing declares whether agree is 1 or -1, and the counts of comments.csv do not "
            f"tell: they are off by {found.plus:,} votes with agree = 1 and by {found.minus:,} "
            "with agree = -1. Polis exports agree as 1 and stores it as -1: say --agree-is 1 or "
            "--agree-is -1.")


def _note(agree: int, why: str, found: Fit, notes: Notes) -> None:
    turned = " Every vote is turned round" if agree == -1 else ""
    off = found.off(agree)
    counts = ("the counts of comments.csv are those of its rows" if not off else
              f"the counts of comments.csv are off by {off:,} votes, by {found.off(-agree):,} with "
              "the other sign")
    notes.add(f"agree is {agree}, {why}; {counts}.{turned}")
