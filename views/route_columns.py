"""The columns that the tables of results have besides where rules 2 are in force. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from processors.results.routes import PUBLISHED_WORDS, RULES, others
from schemas.words import CHOICES, QUALIFICATIONS
from views.cells import Column


LAST_RULE = 15
"""Rules of the guard are numbered from 1 to here."""

Entry = Mapping[str, Any]


def _within(name: str, *path: str | int) -> Callable[[Entry], Any]:
    """Return what reads a figure of an entry; None where it is hidden or not there."""
    def cell(entry: Entry) -> Any:
        found = entry[name]
        for step in path:
            if not found or (isinstance(step, str) and step not in found):
                return None
            found = found[step]
        return found
    return cell


def _set_aside_by(rule: int) -> Callable[[Entry], int]:
    return lambda entry: int(entry["set_aside_by_rule"].get(str(rule), 0))


def _of_others(*path: str | int) -> Callable[[Entry], Any]:
    """Return what reads a figure of the votes that were not drawn; None where it is hidden."""
    cell = _within("others", *path)
    return lambda entry: cell({"others": others(entry)}) if "agree" in entry["drawn"] else None


_ROUTES = {
    "drawn": "counted votes whose proposal was drawn for the voter, each time",
    "asked": "counted votes whose voter asked for the proposal: by a link, a search or a widget",
    "unknown": "counted votes of which nobody can tell how the voter reached the proposal",
}
COLUMNS = [
    *(Column(f"route_{name}", meaning, _within("routes", name))
      for name, meaning in _ROUTES.items()),
    *(Column(f"drawn_{name}", f"drawn votes that choose {name}", _within("drawn", name))
      for name in CHOICES),
    *(Column(f"drawn_{name}", f"drawn votes qualified {name}",
             _within("drawn", "qualifications", name)) for name in QUALIFICATIONS),
    *(Column(f"drawn_share_{name}", f"drawn_{name} / route_drawn, rounded half up to six digits",
             _within("drawn", "shares", name)) for name in PUBLISHED_WORDS),
    *(Column(f"drawn_{name}_{end}", f"{end} end of the Wilson interval at 95 % of "
             f"drawn_share_{name}", _within("drawn", "intervals", name, place))
      for name in CHOICES for place, end in enumerate(("low", "high"))),
    *(Column(f"other_share_{name}", f"counted votes of other routes (asked, unknown) that choose "
             f"{name}, divided by all of these", _of_others("shares", name))
      for name in CHOICES),
    *(Column(f"other_{name}_{end}", f"{end} end of the Wilson interval at 95 % of "
             f"other_share_{name}", _of_others("intervals", name, place))
      for name in CHOICES for place, end in enumerate(("low", "high"))),
    Column("apart", "choices whose intervals of drawn and of other votes do not meet",
           lambda entry: " ".join(entry["apart"] or ()) or None),
    *(Column(f"drawn_rank_{name}", meaning, _within("drawn_rank", name)) for name, meaning in (
        ("position", "place by drawn votes alone, among entries with 100 of them"),
        ("best", "best place their intervals allow"), ("worst", "worst place they allow"))),
    *(Column(f"set_aside_rule_{rule}", f"part of set_aside_suspended: by rule {rule} of the guard",
             _set_aside_by(rule)) for rule in range(1, LAST_RULE + 1)),
]


def columns(document: Entry) -> list[Column]:
    """Return these columns where the document tells of routes, else none."""
    return COLUMNS if document["rules_version"] >= RULES else []
