"""What was changed of words, as pages show it: corrections with diff, date and votes. Pure."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple


CHANGES_SHOWN = 20
"""Corrected proposals, and retired ones, that the results page lists; the data has all."""
SAME, GONE, NEW = "same", "gone", "new"
_PIECES = re.compile(r"\s+|[^\s]+")

Entry = Mapping[str, Any]


class Part(NamedTuple):
    """A piece of a diff: `kind` is SAME, GONE or NEW."""

    kind: str
    text: str


def diff(before: str, after: str) -> list[Part]:
    """Compare two texts word by word."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    parts: list[Part] = []
    for kind, begin, end, first, last in difflib.SequenceMatcher(
            None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(Part(SAME, "".join(old[begin:end])))
            continue
        parts += [Part(name, text) for name, text in (
            (GONE, "".join(old[begin:end])), (NEW, "".join(new[first:last]))) if text]
    return parts


def marked(entry: Entry) -> dict[str, Any]:
    """Return what a list shows of an entry beside its figures."""
    retired = entry.get("retired")
    return {"changed": of_proposal(entry),
            "retired_at": retired and datetime.fromisoformat(retired["at"])}


def of_proposal(entry: Entry) -> dict[str, Any] | None:
    """Arrange the corrections of a proposal; None where none concerns a vote."""
    told = [each for each in entry.get("corrections", ()) if _concerns(each)]
    if not told:
        return None
    counted = [each["votes"] for each in entry["corrections"]]
    return {
        "corrections": [{**_when(each), "votes": each["votes"], "diffs": _diffs(each)}
                        for each in told],
        # Where one was not counted nobody can say on which words the votes before it were cast.
        "since": None if None in counted else max(entry["received"] - sum(counted), 0),
    }


def _concerns(correction: Entry) -> bool:
    """Whether somebody may have voted on the words before."""
    return bool(correction["votes"] != 0 or correction["after_closing"])


def _when(correction: Entry) -> dict[str, Any]:
    return {"at": datetime.fromisoformat(correction["at"]), "reason": correction["reason"],
            "after_closing": correction["after_closing"]}


def _diffs(correction: Entry) -> list[tuple[str, list[Part]]]:
    """Return the diff of each language that changed; none where the words are hidden."""
    before, after = correction["before"], correction["after"]
    if before is None or after is None:
        return []
    return [(language, diff(before.get(language, ""), after.get(language, "")))
            for language in sorted({*before, *after})
            if before.get(language) != after.get(language)]


def hidden_in(proposals: Iterable[Entry]) -> frozenset[str]:
    """Name the proposals whose words are hidden."""
    return frozenset(entry["id"] for entry in proposals
                     if (entry.get("retired") or {}).get("text_hidden"))


def page(document: Entry, proposals: Iterable[Entry]) -> dict[str, Any] | None:
    """Arrange everything that was changed, of these proposals too; None where nothing was."""
    found = [entry for entry in proposals if entry.get("retired") or entry.get("corrections")]
    retired = [entry for entry in found if entry.get("retired")]
    corrected = [entry for entry in found
                 if any(map(_concerns, entry.get("corrections", ())))]
    described = [each for each in document.get("corrections", ()) if _concerns(each)]
    if not (retired or corrected or described):
        return None
    return {
        "described": [_described(each) for each in described[-CHANGES_SHOWN:]],
        "corrected": [{"entry": entry, **(of_proposal(entry) or {})}
                      for entry in corrected[:CHANGES_SHOWN]],
        "retired": [{"entry": entry, **marked(entry)} for entry in retired[:CHANGES_SHOWN]],
        "number_described": len(described), "number_corrected": len(corrected),
        "number_retired": len(retired),
    }


def _described(correction: Entry) -> dict[str, Any]:
    return {
        **_when(correction), "subject": correction["subject"], "id": correction["id"],
        "votes": correction["votes"],
        "changes": [_change(each) for each in correction["changes"]],
    }


def _change(change: Entry) -> dict[str, Any]:
    field, _, language = change["field"].partition(".")
    ends = change["before"], change["after"]
    if field in ("opens_at", "closes_at"):
        instants = [end and datetime.fromisoformat(end) for end in ends]
        return {"field": field, "language": "", "diff": [], "instants": instants}
    return {"field": field, "language": language, "instants": [],
            "diff": diff(*(end or "" for end in ends))}


def totals_after_closing(totals: Entry) -> int:
    """Count what was changed after the closing, of any kind."""
    return sum(totals.get(name, 0) for name in (
        "controls_after_closing", "groupings_after_closing", "corrections_after_closing",
        "retirements_after_closing"))
