"""What a supposition changes, for people and for programs."""

from collections.abc import Iterator
from typing import Any

from sinks.recount.what_if import Change, WhatIf, only, sha256


FORMAT = "scrutin-what-if/1"
SHOWN_PROPOSALS = 10
"""Proposals listed as text, those with the most votes moved first; JSON has all."""


def as_json(found: WhatIf) -> dict[str, Any]:
    """Return the report as a document."""
    return {
        "format": FORMAT,
        "consultation": found.published["consultation"]["id"],
        "supposed": found.supposed.described(),
        "published": {"as_of": found.published["as_of"], "sha256": sha256(found.published)},
        "votes": found.positions,
        "catalogue": found.catalogue,
        "changes": [vars(change) for change in found.changes],
        "recomputed": {"sha256": sha256(found.document), "document": found.document},
        "exit_code": found.exit_code,
        "seconds": found.seconds,
    }


def lines(found: WhatIf) -> Iterator[str]:
    """Yield the report as lines of text, the verdict last."""
    yield f"What if, of {found.published['consultation']['id']}:"
    yield from (f"  {sentence}" for sentence in found.supposed.sentences())
    yield (f"published as of votes {found.published['as_of']['votes']}, supposed as of "
           f"{[place['offset'] for place in found.positions]}")
    if not found.document["totals"]["received"] and found.published["totals"]["received"]:
        yield ("No vote of it was received up to there: an instant is compared with Kafka's "
               "timestamps, and ends each partition before its first later record.")
    yield ""
    yield from listed(found.changes)
    yield ""
    yield f"seconds: {found.seconds}"
    yield (f"CHANGED: {len(found.changes)} published numbers would be others." if found.changes
           else "EQUAL: no published number would be another.")


def listed(changes: list[Change]) -> Iterator[str]:
    """Yield what changes: totals, ideas, and the proposals with the most votes moved."""
    for change in only(changes, "totals").get("", []):
        yield f"  {change.name:<26}" + _change(change)
    ideas, proposals = only(changes, "idea"), only(changes, "proposal")
    yield from _entries("ideas", ideas, list(ideas))
    most = sorted(proposals, key=lambda name: -_moved(proposals[name]))
    yield from _entries("proposals", proposals, most[:SHOWN_PROPOSALS])


def _entries(kind: str, changes: dict[str, list[Change]], shown: list[str]) -> Iterator[str]:
    if not changes:
        return
    rest = len(changes) - len(shown)
    yield ""
    yield f"{len(changes)} {kind} change" + (f"; the first {len(shown)}:" if rest else ":")
    for identifier in shown:
        yield f"  {identifier}"
        yield from (f"    {change.name:<24}" + _change(change) for change in changes[identifier])


def _change(change: Change) -> str:
    one, other = change.published, change.supposed
    text = f"{_number(one):>14} → {_number(other):>14}"
    if isinstance(one, int) and isinstance(other, int) and not isinstance(one, bool):
        text += f"  {other - one:+,}"
    return text


def _number(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _moved(changes: list[Change]) -> int:
    """Say how many counted votes move."""
    return max((abs((change.supposed or 0) - (change.published or 0))
                for change in changes if change.name == "votes"), default=0)
