"""What an export says of itself: summary.csv and format.json. Both may be missing.

Theory of operation: a declaration is never overlooked in silence. Spreadsheets save summary.csv
with other separators, with the whole row as one field, or with the declaration cut into fields; so
it is looked for in the row's fields joined again, and a file that names it in a way that cannot be
read is refused.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from producers.errors import InvalidInput, Missing
from producers.polis_files.instants import Unit
from producers.polis_files.places import Assumed, Notes, shown
from producers.polis_files.tables import SEPARATORS, folded, parsed
from producers.polis_files.texts import find_file, read_text


KEYS = frozenset((
    "topic", "url", "views", "voters", "voters-in-conv", "commenters", "comments", "groups",
    "conversation-description", "vote-convention"))
"""First fields of the rows of a summary, over the years."""
CONVENTION = "vote-convention"
FORMATS = ("polis-export/1",)
_VALUE = re.compile(r"(agree|disagree|pass)\s*=\s*([+-]?[01])", re.ASCII)


@dataclass
class Declared:
    """What an export declares."""

    summary: dict[str, str] = field(default_factory=dict)
    agree: int | None = None
    """The value that stands for an agreement."""
    agree_in: str = ""
    """The file that says so."""
    unit: Unit | None = None


def read_declared(directory: Path, assumed: Assumed) -> Declared:
    """Read what an export says of itself; raise InvalidInput where that cannot be understood."""
    found = Declared()
    notes = assumed.about(str(directory / "summary.csv"))
    summary = find_file(directory, "summary.csv", notes)
    try:
        text = read_text(summary, notes)
    except Missing:
        notes.add("no such file: the consultation is asked in default words")
    else:
        found.summary = _summary(summary, text)
        _take(found, summary, found.summary.get(CONVENTION), names_one=CONVENTION in text.lower())
    form = directory / "format.json"
    _read_format(form, found, assumed.about(str(form)))
    return found


def _summary(path: Path, text: str) -> dict[str, str]:
    """Read rows of a key and its value; a value that was cut into fields is joined again."""
    tables = {separator: parsed(text, separator) for separator in SEPARATORS}
    known = Counter({separator: sum(folded(row[0]) in KEYS for row in rows if len(row) > 1)
                     for separator, rows in tables.items()})
    best = max(SEPARATORS, key=lambda separator: known[separator])
    if text.strip() and not tables[best]:
        raise InvalidInput(f"{path}: no CSV of keys and values. Is a quotation mark missing? Mend "
                           "the file, or take it out.")
    found: dict[str, str] = {}
    for row in tables[best]:
        whole = next(iter(parsed(row[0], ",")), row) if len(row) == 1 else row
        if len(whole) > 1 and (name := folded(whole[0])) in KEYS:
            found[name] = best.join(whole[1:]).rstrip(best) if whole is row else ",".join(whole[1:])
    return found


def _take(found: Declared, path: Path, said: str | None, *, names_one: bool) -> None:
    if said is None and not names_one:
        return
    values = dict(_VALUE.findall((said or "").replace("−", "-").lower()))
    agree, disagree, passed = (int(values.get(name, 0)) for name in ("agree", "disagree", "pass"))
    if len(values) != 3 or agree * disagree != -1 or passed:
        raise InvalidInput(
            f"{path}: declares a {CONVENTION} that cannot be read"
            f"{'' if said is None else f' ({shown(said)})'}. Written should be "
            f"{CONVENTION},agree=+1;disagree=-1;pass=0 with the signs of votes.csv. Mend the row, "
            "or take it out and say --agree-is 1 or --agree-is -1.")
    if found.agree is not None and found.agree != agree:
        raise InvalidInput(
            f"{path}: declares that agree is {agree}, while {found.agree_in} says "
            f"{found.agree}. Take the wrong one out.")
    found.agree, found.agree_in = agree, found.agree_in or path.name


def _read_format(path: Path, found: Declared, notes: Notes) -> None:
    try:
        document = json.loads(read_text(path, notes))
    except Missing:
        return
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: not JSON ({error}). Export the set again, or take the file "
                           "out.") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{path}: not an object. Export the set again, or take the file out.")
    said = document.get(CONVENTION)
    if said is not None:
        _take(found, path, str(said), names_one=True)
    if document.get("timestamp") == "milliseconds since 1970":
        found.unit = Unit.MILLISECONDS
