"""What would be published without each rule of the guard: a batch of what-if recounts.

Theory of operation: each supposition has the ledger decide the whole log again (`what_if`), so a
batch takes as many times as long as a recount. It is made when somebody asks for it, and names the
positions that it is of; whoever shows it says its date. Of every entry it has votes, shares and
place before and after, those first whose counted votes move most.
"""

from collections.abc import Iterator
from typing import Any

from processors.guard.parameters import NAMES
from schemas.words import CHOICES, SET_ASIDE
from sinks.catching_up import Say
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document
from sinks.recount.supposing import suppose
from sinks.recount.what_if import what_if


FORMAT = "scrutin-guard-recount/1"
EVERYTHING = "everything"
"""Stands for all rules at once: every vote received and standing counts, unproven or not."""
ENTRIES_MOST = 500
"""Entries listed of a supposition; how many others change is said."""

Block = dict[str, Any]


def suppositions(document: Document) -> dict[str, tuple[str, ...]]:
    """Name what is to be supposed of a document: everything, then each rule that sets aside."""
    by_rule = document["totals"].get("set_aside_by_rule", {})
    return {EVERYTHING: SET_ASIDE, **{
        NAMES[int(cause)]: (cause,) for cause, votes in by_rule.items()
        if votes and int(cause) in NAMES}}


def batch(
    consultation: str, document: Document, reading: Reading, *, say: Say, wait_seconds: float
) -> Block:
    """Recount under each supposition; raise RecountFailed where that cannot be done."""
    found = []
    for name, rules in suppositions(document).items():
        say(f"recounting without {name}" if name != EVERYTHING else "recounting with everything")
        supposed = suppose(as_of=None, without_rules=rules, mapping_as_of=None, scores=None,
                           partitions=len(reading.vector))
        assert supposed is not None, "some rule is taken away"
        made = what_if(consultation, document, supposed, reading, say=say,
                       wait_seconds=wait_seconds).document
        found.append({"without": name, **compared(document, made)})
    return {"format": FORMAT, "consultation": consultation, "as_of": document["as_of"],
            "counted": _figures(document["totals"]), "suppositions": found}


def compared(before: Document, after: Document) -> Block:
    """Compare two documents of one consultation: totals, ideas, proposals."""
    entries = sorted(_changed(before, after), key=lambda entry: (-entry["moved"], entry["id"]))
    return {
        "totals": _figures(after["totals"]),
        "changed": {of: sum(entry["of"] == of for entry in entries)
                    for of in ("idea", "proposal")},
        "entries": [{name: value for name, value in entry.items() if name != "moved"}
                    for entry in entries[:ENTRIES_MOST]]}


def _changed(before: Document, after: Document) -> Iterator[Block]:
    for of, name in (("idea", "ideas"), ("proposal", "proposals")):
        held = {entry["id"]: entry for entry in before[name]}
        for entry in after[name]:
            one, other = _figures(held.get(entry["id"])), _figures(entry)
            if one != other:
                yield {"of": of, "id": entry["id"], "before": one, "after": other,
                       "moved": abs(other["votes"] - one["votes"])}


def _figures(entry: Block | None) -> Block:
    """Return what is told of an entry: votes, shares and place."""
    if entry is None:
        return {"votes": 0, "shares": {}, "rank": None}
    return {"votes": entry["counted"]["votes"],
            "shares": {name: entry["shares"][name] for name in CHOICES if name in entry["shares"]},
            "rank": (entry.get("rank") or {}).get("position")}
