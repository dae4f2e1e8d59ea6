"""What was compared, what came of it, and the verdict over all of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from schemas.exit_codes import (
    EXIT_FAILED,
    EXIT_INVALID,
    EXIT_MISSING,
    EXIT_OWN_KEYS,
    EXIT_UNREADABLE,
)
from schemas.words import COUNTS


EQUAL = "equal"
EQUAL_BY_OWN_KEYS = "equal, by keys that came with the bundle"
"""Everything fits, but whoever made the bundle brought the keys too: anybody can make such one."""
NOT_COMPARED = "not compared"
DIFFERENT = "different"
INVALID = "invalid"
UNREADABLE = "unreadable"
MISSING = "missing"

EXIT_CODES = {
    EQUAL: 0, NOT_COMPARED: 0, DIFFERENT: EXIT_FAILED, MISSING: EXIT_MISSING,
    INVALID: EXIT_INVALID, UNREADABLE: EXIT_UNREADABLE, EQUAL_BY_OWN_KEYS: EXIT_OWN_KEYS,
}
"""Of all that audits; docs/audit.md has it in words."""
_FROM_THE_TOP = (EQUAL, DIFFERENT, INVALID, UNREADABLE, MISSING)
"""Faults by layer: numbers rest on decisions, those on bytes, those on records being there."""
DIFFERENCES_MAX = 10
"""Differences listed of one check: the first ones tell the story, all of them fill a screen."""


@dataclass(frozen=True)
class Check:
    """One comparison."""

    id: str
    status: str
    expected: Any
    actual: Any


def check(name: str, expected: Any, actual: Any) -> Check:
    """Compare two values."""
    return Check(name, EQUAL if expected == actual else DIFFERENT, expected, actual)


def verdict(checks: Iterable[Check]) -> str:
    """Return the status of the whole: the lowest layer's fault wins."""
    found = {found.status for found in checks}
    return next((status for status in reversed(_FROM_THE_TOP) if status in found), EQUAL)


NOTHING = "nothing is said of it"
"""Stands for what one document says, if only null, and the other does not."""
HIDDEN = "hidden until voting has closed"


def concealed(checks: Iterable[Check]) -> list[Check]:
    """Return checks without a number: what was compared, what came of it, and why what was not."""
    return [one if one.status == NOT_COMPARED else Check(one.id, one.status, HIDDEN, HIDDEN)
            for one in checks]


Counts = Mapping[str, Sequence[int]]


def compare_counts(
    name: str, live: Counts, found: Counts, names: Sequence[str] = COUNTS,
) -> Check:
    """Compare every count of every proposal or idea; zero and absent are the same."""
    differences = []
    nothing = [0] * len(names)
    for key in sorted({*live, *found}):
        pairs = zip(names, live.get(key, nothing), found.get(key, nothing), strict=True)
        wrong = [(count, one, other) for count, one, other in pairs if one != other]
        differences += [
            {"id": key, "count": count, "expected": one, "actual": other}
            for count, one, other in wrong
        ]
    if not differences:
        return Check(name, EQUAL, f"{len(live)} entries", f"{len(live)} entries")
    return Check(name, DIFFERENT, f"{len(live)} entries", differences[:DIFFERENCES_MAX])


def compare_documents(name: str, live: Any, recomputed: Any) -> Check:
    """Compare two documents number by number and word by word; the first differences are held."""
    differences = iter(_differences(live, recomputed, ""))
    first = list(islice(differences, DIFFERENCES_MAX))
    if not first:
        return Check(name, EQUAL, "every number", "every number")
    number = len(first) + sum(1 for _ in differences)
    return Check(name, DIFFERENT, f"{number} differences", first)


def _differences(live: Any, recomputed: Any, path: str) -> Iterable[dict[str, Any]]:
    if isinstance(live, dict) and isinstance(recomputed, dict):
        for key in chain(live, (key for key in recomputed if key not in live)):
            one, other = live.get(key, NOTHING), recomputed.get(key, NOTHING)
            if not _plainly_equal(one, other):
                yield from _differences(one, other, f"{path}.{key}".strip("."))
    elif isinstance(live, list) and isinstance(recomputed, list) and len(live) == len(recomputed):
        for number, (one, other) in enumerate(zip(live, recomputed, strict=True)):
            if not _plainly_equal(one, other):
                yield from _differences(one, other, f"{path}[{_name(one, number)}]")
    elif live != recomputed or isinstance(live, bool) != isinstance(recomputed, bool):
        yield {"path": path, "expected": live, "actual": recomputed}


_PLAIN = (int, str, float, bool, type(None))


def _plainly_equal(one: Any, other: Any) -> bool:
    """Whether both are one number or word, as nearly all of a document are: nothing to go into."""
    return type(one) is type(other) in _PLAIN and bool(one == other)


def _name(entry: Any, number: int) -> Any:
    return entry.get("id", number) if isinstance(entry, dict) else number
