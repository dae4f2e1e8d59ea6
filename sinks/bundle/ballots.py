"""The public table: one row a vote, under a pseudonym that no other row shares. Pure.

Theory of operation: a row is a voter's vote on one proposal, with all that became of the events
about it, so every count of a proposal is the sum of a column, and rows obey the same conservation
law as counts do. The pseudonym is an HMAC, under a key that is drawn for one export and thrown
away, of partition, voter and proposal: nobody, the operator included, can tell which rows are of
one voter. Rows stand in the order of their pseudonyms, and times are whole days.

Why a vote is set aside says something of its voter. So a suspended vote's row bears its cause only
where at least SHARED_VOTERS voters with such a row share it; else the row withholds cause, choice,
qualifications and day: what is left of it is in the published counts of its proposal, too.
"""

import csv
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from processors.ledger.standing import choice_of, qualifications_of, set_aside_of
from processors.results.routes import ROUTE_COUNTS, RULES
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS, ROUTES, SET_ASIDE
from sinks.bundle.faults import BundleFault, Different, Unreadable
from sinks.bundle.layout import CAUSES_SINCE, PROPOSALS_MAX, VERSION


PSEUDONYM_BYTES = 16
KEY_BYTES = 32
LINE_BYTES_MAX = 1_024
"""No row comes near it."""
ROW_LINES_MAX = 64
"""A quoted cell may hold ends of lines; the names in a row are too short to have more."""
SHARED_VOTERS = 20
"""So many voters share a cause that rows bear."""
WITHHELD = "withheld"
"""Stands for a choice that is in force and not told."""
SUSPENDED = "suspended"
DIGITS_MAX = 19
"""As many as an offset of Kafka can have: no row has more events."""

BECAME = tuple(name for name in COUNTS if name not in {
    "received", *CHOICES, *QUALIFICATIONS, *(f"set_aside_{reason}" for reason in SET_ASIDE)})
"""What became of a received vote that is not in force: superseded to refused_too_many."""
MEANINGS = {
    "proposal": "identifier of the proposal; see proposals in results.json",
    "vote": "pseudonym of this vote, in hexadecimal: its voter has another one on every other "
            "proposal and in every other export",
    "day": "day of the first event about it, in the consultation's time zone; empty where the "
           "choice is withheld",
    "events": "records of the log about it: votes, withdrawals and qualifications",
    "received": "how many of them are votes",
    "choice": "agree, disagree or neutral; empty if none is in force; withheld where fewer than "
              f"{SHARED_VOTERS} voters with such a row share the cause of a suspension",
    "qualifications": "qualifications in force, with a space between them",
    "set_aside": "why the vote in force is kept and not counted: unproven or suspended; empty if "
                 "it is counted",
    "superseded": "votes replaced by another choice", "withdrawn": "votes taken back",
    "unchanged": "votes that made the choice in force again",
    "repeated": "votes delivered again", "proven": "votes that made one set aside count",
    "late": "votes after the closing", "refused_misplaced": "refused: in another's partition",
    "refused_unproven_change": "refused: unproven, and the vote in force is proven",
    "refused_too_many": "refused: the voter held the greatest number of votes",
}
MEANINGS_BY_ROUTE = {
    "route": "how the voter reached the proposal: drawn, asked or unknown; empty if the vote is "
             "not counted",
    "rule": "number of the guard's rule by which a suspended vote is set aside; empty if none is, "
            "and where the choice is withheld",
}
"""Of the columns at the end of a table where rules 2 are in force."""
_NAMED = re.compile(rf"[0-9a-f]{{{2 * PSEUDONYM_BYTES}}} \d{{4}}-\d\d-\d\d", re.ASCII).fullmatch
"""Pseudonym and day of a row."""
NO_DAY = "0000-00-00"
"""Takes the place of a day that is withheld, where one is looked for."""
_NUMBERS = ("events", "received", *BECAME)
_BY_ROUTE = {name: place for place, name in enumerate(ROUTE_COUNTS)}
_RULES = {str(rule): f"set_aside_cause_{rule}" for rule in range(1, 16)}
_COUNTED_ROUTES = tuple(route for route in ROUTES if route != "none")


def columns(rules: int) -> tuple[str, ...]:
    """Name the columns of a table where these rules are in force."""
    return (*MEANINGS, *(MEANINGS_BY_ROUTE if rules >= RULES else ()))


@dataclass
class Row:
    """One vote: what the log holds about it."""

    partition: int
    voter: bytes
    day: str
    standing: int
    """What is in force, packed (see processors.ledger.standing)."""
    numbers: Sequence[int]
    """Events, votes received, then as BECAME."""
    route: int = ROUTES.index("unknown")
    rule: int = 0
    """The lowest rule by which the voter is suspended; 0 none, or an operator."""
    withheld: bool = False
    """Whether too few voters share the cause by which it is suspended."""

    @property
    def is_suspended(self) -> bool:
        """Whether a vote is in force and set aside, its voter being suspended."""
        return choice_of(self.standing) >= 0 and set_aside_of(self.standing) == SUSPENDED


def write_rows(proposal: str, rows: Iterable[Row], key: bytes, rules: int = 1) -> bytes:
    """Write the rows of one proposal; proposals follow each other in their own order."""
    lines = []
    for row in rows:
        named = b"%d\0%b\0%b" % (row.partition, row.voter, proposal.encode())
        pseudonym = hmac.digest(key, named, hashlib.sha256)[:PSEUDONYM_BYTES].hex()
        events, received, *became = map(str, row.numbers)
        lines.append((pseudonym, ",".join((
            pseudonym, "" if row.withheld else row.day, events, received, *_told(row), *became,
            *(_by_route(row) if rules >= RULES else ())))))
    quoted = quote(proposal)
    return "".join(f"{quoted},{line}\n" for _, line in sorted(lines)).encode()


def _told(row: Row) -> tuple[str, str, str]:
    """Return choice, qualifications, and why it is set aside, of a vote that is in force."""
    choice = choice_of(row.standing)
    if row.withheld:
        return WITHHELD, "", SUSPENDED
    if choice < 0:
        return "", "", ""
    return (CHOICES[choice],
            " ".join(QUALIFICATIONS[index] for index in qualifications_of(row.standing)),
            set_aside_of(row.standing) or "")


def _by_route(row: Row) -> tuple[str, str]:
    """Return route and rule of a vote; of one that is not in force, or withheld, neither."""
    if choice_of(row.standing) < 0 or row.withheld:
        return "", ""
    aside = set_aside_of(row.standing)
    if aside is None:
        return ROUTES[row.route], ""
    return "", str(row.rule) if aside == SUSPENDED and row.rule else ""


def quote(text: str) -> str:
    """Write a cell as RFC 4180 has it."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def header(rules: int = 1) -> bytes:
    """Write the first line."""
    return f"{','.join(columns(rules))}\n".encode()


@dataclass
class Summed:
    """The sums of a public table."""

    proposals: dict[str, list[int]] = field(default_factory=dict)
    """Counts by proposal, in the order of words.COUNTS."""
    routes: dict[str, list[int]] = field(default_factory=dict)
    """Counts by proposal, in the order of routes.ROUTE_COUNTS; none before rules 2."""
    events: int = 0
    rows: int = 0
    received_rows: int = 0
    """Rows of which a vote was received."""
    counted: Counter[str] = field(default_factory=Counter)
    in_force: Counter[str] = field(default_factory=Counter)
    """Rows of each proposal whose vote counts, and those that hold a vote at all."""
    withheld: Counter[str] = field(default_factory=Counter)
    """Rows of each proposal whose choice is withheld."""
    causes: Counter[str] = field(default_factory=Counter)
    """Rows that bear a cause, by rule; an operator's is empty."""

    @property
    def most_counted(self) -> int:
        return max(self.counted.values(), default=0)

    @property
    def most_in_force(self) -> int:
        return max(self.in_force.values(), default=0)


def sum_rows(
    name: str, pieces: Iterable[bytes], rules: int = 1, version: int = VERSION
) -> Summed:
    """Sum a table of a format's version; raise where a row is not one, or cannot be true."""
    found, expected, before = Summed(), columns(rules), ("", "")
    for number, cells in enumerate(_cells(name, pieces), 1):
        if number == 1:
            if tuple(cells) != expected:
                raise Unreadable(name, f"its columns are {cells}, they must be {list(expected)}")
            continue
        place = f"{name}, line {number}"
        if len(cells) != len(expected):
            raise Unreadable(place, f"{len(cells)} cells, a row has {len(expected)}")
        counts = _counted(place, cells)
        if (cells[0], cells[1]) <= before:
            raise BundleFault(place, "this vote stands here a second time, or out of order")
        if cells[5] == WITHHELD and version < CAUSES_SINCE:
            raise Unreadable(place, "in this format no choice is withheld")
        before = (cells[0], cells[1])
        _add(found, place, cells, counts)
        if rules >= RULES:
            _add_routes(found, place, cells)
        if len(found.proposals) > PROPOSALS_MAX:
            raise Unreadable(place, f"it names more than {PROPOSALS_MAX:,} proposals")
    few = [cause for cause, rows in found.causes.items() if rows < SHARED_VOTERS]
    if few and version >= CAUSES_SINCE:
        raise Unreadable(name, f"cause {min(few) or 'of operators'} stands in fewer than "
                         f"{SHARED_VOTERS} rows: it had to be withheld")
    return found


_PLACES = {count: place for place, count in enumerate(COUNTS)}
_BECAME_AT = [_PLACES[count] for count in BECAME]


def _add(found: Summed, place: str, cells: list[str], counts: list[int]) -> None:
    """Add a row, whose vote in force raises these counts."""
    proposal = cells[0]
    events, received, *became = _numbers(place, cells[:len(MEANINGS)])
    if received != bool(counts) + sum(became) or events < received:
        raise Different(place, f"{received} votes received of {events} events do not make "
                        "what stands in this row")
    held = found.proposals.setdefault(proposal, [0] * len(COUNTS))
    held[_PLACES["received"]] += received
    for count in counts:
        held[count] += 1
    for count, amount in zip(_BECAME_AT, became, strict=True):
        held[count] += amount
    found.events += events
    found.rows += 1
    found.received_rows += received > 0
    if counts:
        found.in_force[proposal] += 1
        found.counted[proposal] += not cells[7]
        found.withheld[proposal] += cells[5] == WITHHELD
    if cells[7] == SUSPENDED and cells[5] != WITHHELD:
        found.causes[cells[-1] if len(cells) > len(MEANINGS) else ""] += 1


def _add_routes(found: Summed, place: str, cells: list[str]) -> None:
    """Add what a row says of route and rule."""
    held = found.routes.setdefault(cells[0], [0] * len(ROUTE_COUNTS))
    for name in _routed(place, *cells[5:8], *cells[len(MEANINGS):]):
        held[_BY_ROUTE[name]] += 1


def _cells(name: str, pieces: Iterable[bytes]) -> Iterator[list[str]]:
    """Yield the cells of each row."""
    lines = _Lines(name, pieces)
    try:
        for cells in csv.reader(lines, strict=True):
            lines.of_row = 0
            yield cells
    except csv.Error as error:
        raise Unreadable(name, f"not a table: {error}") from error


def _counted(place: str, cells: list[str]) -> list[int]:
    """Return the counts that the vote in force of a row raises."""
    choice, qualified, aside = cells[5:8]
    if not _NAMED(f"{cells[1]} {cells[2] or NO_DAY}") or (not cells[2]) != (choice == WITHHELD):
        raise Unreadable(place, "its pseudonym or its day is none")
    if not choice:
        if qualified or aside:
            raise Unreadable(place, "it tells of a vote that is not in force")
        return []
    if choice == WITHHELD:
        if qualified or aside != SUSPENDED:
            raise Unreadable(place, "only the choice of a suspended vote is withheld, as a whole")
        return [_PLACES[f"set_aside_{SUSPENDED}"]]
    qualifications = qualified.split(" ") if qualified else []
    if choice not in CHOICES or not set(qualifications) <= set(_QUALIFICATIONS_OF[choice]) or len(
            set(qualifications)) != len(qualifications):
        raise Unreadable(place, f"{choice!r} with {qualified!r} is no vote")
    if aside:
        if aside not in SET_ASIDE:
            raise Unreadable(place, f"{aside!r} is no reason to set a vote aside")
        return [_PLACES[f"set_aside_{aside}"]]
    return [_PLACES[choice], *(_PLACES[each] for each in qualifications)]


def _routed(
    place: str, choice: str, qualified: str, aside: str, route: str, rule: str
) -> list[str]:
    """Name the counts by route and rule that a vote in force raises."""
    counts = bool(choice and not aside)
    if (route in _COUNTED_ROUTES if counts else not route) and (
            not rule or (rule in _RULES and aside == SUSPENDED and choice != WITHHELD)):
        if rule:
            return [_RULES[rule]]
        if route == "drawn":
            return [f"drawn_{name}" for name in (choice, *qualified.split())]
        return ["counted_asked"] if route == "asked" else []
    raise Unreadable(place, f"such a vote has no route {route!r} and no rule {rule!r}")


_QUALIFICATIONS_OF = {
    choice: QUALIFICATIONS[3 * place:3 * place + 3] for place, choice in enumerate(CHOICES)}


def _numbers(place: str, cells: list[str]) -> list[int]:
    numbers = [cells[3], cells[4], *cells[8:]]
    if not all(number.isascii() and number.isdigit() and len(number) <= DIGITS_MAX
               for number in numbers):
        raise Unreadable(place, "a number is none")
    return list(map(int, numbers))


class _Lines:
    """Gives the lines of a file, and counts those of one row: a quote may never end."""

    def __init__(self, name: str, pieces: Iterable[bytes]) -> None:
        self._name, self._lines = name, _lines(name, pieces)
        self.of_row = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.of_row += 1
        if self.of_row > ROW_LINES_MAX:
            raise Unreadable(self._name, f"a row has more than {ROW_LINES_MAX} lines")
        return next(self._lines)


def _lines(name: str, pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a file."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if len(line) > LINE_BYTES_MAX:
                raise Unreadable(name, f"a line has more than {LINE_BYTES_MAX:,} bytes")
            try:
                yield line.decode() + "\n"
            except UnicodeDecodeError as error:
                raise Unreadable(name, f"not text: {error}") from error
        if len(rest) > LINE_BYTES_MAX:
            raise Unreadable(name, "a line has no end")
    if rest:
        raise Unreadable(name, "its last line is cut short")
