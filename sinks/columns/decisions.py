"""The columns of the decisions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from processors.ledger.decisions import HEADERS, NOTHING_MORE, TRANSITION_OF_TAIL, decode
from schemas import codec
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema
from schemas.words import KINDS, OUTCOMES, REASONS, ROUTES
from sinks.columns.records import Records, UnreadableRecord, identity_columns
from sinks.columns.vectors import (
    Cursor,
    Values,
    Whole,
    identifier_column,
    identifier_of,
    no_identifiers,
)
from sinks.columns.words import Pair, Pairs


_SYMBOLS = {"kind": KINDS, "outcome": OUTCOMES, "reason": REASONS}
_SMALLEST_BALLOT_BYTES = HEADER_BYTES + 2 * 17 + 16 + 3 + len("vo2ccbppBA0")
_OTHERS = -1
_TRANSITIONS = {tail: number for number, tail in enumerate(TRANSITION_OF_TAIL)}
_BEFORE, _AFTER = (
    np.array([pair[side] for pair in TRANSITION_OF_TAIL.values()], np.uint8) for side in (0, 1)
)


def decisions_table(records: Records) -> pa.Table:
    """Decode a stretch of decisions; raise UnreadableRecord at the first unknown schema."""
    values = Values(records.values)
    columns = _Columns(len(records))
    for header, tail_of in _TAILS.items():
        _read_ballots(header, tail_of, values, records, columns)
    for row in np.flatnonzero(~columns.decoded).tolist():
        _read_carefully(row, records, columns)
    return pa.table({**identity_columns(records, values.column), **columns.arrow()})


class _Columns:
    """The decoded columns while they are filled.

    The changes of a row read on the fast path are one (a number for consultation and proposal,
    a number for before and after); those of other rows wait in `apart`.
    """

    def __init__(self, size: int) -> None:
        self.decoded = np.zeros(size, bool)
        self.source_offset = np.zeros(size, np.uint64)
        self.chain = no_identifiers(size)
        self.event_id, self.voter = no_identifiers(size), no_identifiers(size)
        self.symbols = {name: np.zeros(size, np.int8) for name in _SYMBOLS}
        self.ledger_version = np.zeros(size, np.uint32)
        self.pairs = Pairs(_read_middle)
        self.pair_codes = np.full(size, self.pairs.code("", ""), np.int64)
        self.transitions = np.full(size, _OTHERS, np.int64)
        self.routes = np.full(size, ROUTES.index("unknown"), np.int8)
        """Route of the one change of a row read on the fast path."""
        self.refusal = np.zeros(size, np.int8)
        self.apart: dict[int, Any] = {}
        self.fault = [""] * size

    def arrow(self) -> dict[str, pa.Array]:
        consultation, _ = self.pairs.columns(self.pair_codes)
        return {
            "source_offset": pa.array(self.source_offset),
            "chain": identifier_column(self.chain),
            "event_id": identifier_column(self.event_id),
            "voter": identifier_column(self.voter),
            **{name: pa.array(column) for name, column in self.symbols.items()},
            "ledger_version": pa.array(self.ledger_version),
            "consultation": consultation,
            **self._changes(),
            "fault": pa.array(self.fault, pa.string()),
            "refusal": pa.array(self.refusal),
        }

    def _changes(self) -> dict[str, pa.Array]:
        """Put the lists of changes together, place by place."""
        sizes = (self.transitions != _OTHERS).astype(np.int32)
        for row, changes in self.apart.items():
            sizes[row] = len(changes)
        ends = np.cumsum(sizes, dtype=np.int32)
        offsets = np.concatenate([np.zeros(1, np.int32), ends])
        codes = np.zeros(offsets[-1], np.int64)
        before, after = np.zeros(offsets[-1], np.uint8), np.zeros(offsets[-1], np.uint8)
        routes = np.zeros(offsets[-1], np.int8)
        plain = np.flatnonzero(self.transitions != _OTHERS)
        places = offsets[plain]
        codes[places] = self.pair_codes[plain]
        before[places] = _BEFORE[self.transitions[plain]]
        after[places] = _AFTER[self.transitions[plain]]
        routes[places] = self.routes[plain]
        for row, changes in self.apart.items():
            for place, change in enumerate(changes, int(offsets[row])):
                codes[place] = self.pairs.code("", change.proposal)
                before[place], after[place] = change.before, change.after
                routes[place] = change.route
        _, proposals = self.pairs.columns(codes)
        held = {"proposals": proposals, "before": pa.array(before), "after": pa.array(after),
                "routes": pa.array(routes)}
        return {name: pa.ListArray.from_arrays(pa.array(offsets), column)
                for name, column in held.items()}


def _read_middle(middle: bytes) -> Pair:
    """Read the consultation and the proposal of the one change, as they lie in a decision."""
    end = 1 + (middle[0] >> 1)
    return middle[1:end].decode(), middle[end + 2:].decode()


Ending = tuple[bytes, int]
"""What stands at the end of a decision of version 1: the standings; and the route."""


def _tail_1(ending: bytes) -> Ending:
    return ending, 0


def _tail_2(ending: bytes) -> Ending:
    """Return the end of a decision of version 2 as version 1 has it: without what follows.

    Where more than a route follows, it is the end of no plain decision.
    """
    if ending[_MORE_AT + 1:-1] != b"\0" + NOTHING_MORE:
        return b"", 0
    route = ending[_MORE_AT]
    if route & 1 or route >= 2 * len(ROUTES):
        return b"", 0
    return ending[:_MORE_AT] + b"\0", route >> 1


_MORE_AT = -len(b"re" + NOTHING_MORE + b"v")
"""Where the route stands, from the end of a decision of version 2 that has nothing else to say."""
_TAILS = dict(zip(HEADERS, (_tail_1, _tail_2), strict=True))
"""By header: what gives the standings before and after from the end of a decision."""


def _read_ballots(
    header: bytes, tail_of: Callable[[bytes], Ending], values: Values, records: Records,
    columns: _Columns,
) -> None:
    """Read all plainly valid decisions of one version about one proposal."""
    cursor = values.cursor(values.rows_with(header, _SMALLEST_BALLOT_BYTES), HEADER_BYTES)
    cursor.expect(2)
    event_id = cursor.identifier()
    cursor.expect(2)
    voter, chain = cursor.identifier(), cursor.identifier()
    symbols = {name: cursor.symbol(len(words)) for name, words in _SYMBOLS.items()}
    ledger_version, source_offset = cursor.long(), cursor.long()
    cursor.valid &= (ledger_version >= 0) & (source_offset >= 0)
    cursor.expect(2)
    begin = cursor.place
    cursor.skip_text()
    cursor.expect(2)
    cursor.skip_text()
    plain, pair_codes, transitions, routes = _read_changes(
        cursor, begin, tail_of, records, columns)
    rows = cursor.rows[plain]
    columns.decoded[rows] = True
    columns.routes[rows] = routes
    columns.pair_codes[rows], columns.transitions[rows] = pair_codes, transitions
    columns.event_id[rows], columns.voter[rows] = event_id[plain], voter[plain]
    columns.chain[rows] = chain[plain]
    columns.source_offset[rows] = source_offset[plain]
    columns.ledger_version[rows] = ledger_version[plain]
    for name, column in columns.symbols.items():
        column[rows] = symbols[name][plain]


def _read_changes(
    cursor: Cursor, begin: Whole, tail_of: Callable[[bytes], Ending], records: Records,
    columns: _Columns,
) -> tuple[Whole, Whole, Whole, Whole]:
    """Look up names, transition and route: (rows of the cursor that are plain, and each number)."""
    plain = np.flatnonzero(cursor.valid)
    held: list[Any] = records.values
    middles, tails, routes = [], [], []
    for row, start, stop in zip(cursor.rows[plain].tolist(), begin[plain].tolist(),
                                cursor.place[plain].tolist(), strict=True):
        value = held[row]
        middles.append(value[start:stop])
        ending, route = tail_of(value[stop:])
        tails.append(_TRANSITIONS.get(ending, _OTHERS))
        routes.append(route)
    pair_codes = np.array(columns.pairs.codes(middles), np.int64)
    transitions = np.array(tails, np.int64)
    known = (pair_codes >= 0) & (transitions != _OTHERS)
    return (plain[known], pair_codes[known], transitions[known],
            np.array(routes, np.int64)[known])


def _read_carefully(row: int, records: Records, columns: _Columns) -> None:
    """Read one record as recovery does: a control, or something odd."""
    value = records.values[row]
    try:
        codec.schema_of(value)
        decision = decode(value or b"")
    except UnknownSchema as error:
        raise UnreadableRecord(records, row, error) from error
    except Undecodable as error:
        columns.fault[row] = str(error)
        return
    if min(decision.source_offset, decision.ledger_version) < 0:
        columns.fault[row] = f"DecisionMade: negative offset {decision.source_offset} or version"
        return
    columns.source_offset[row] = decision.source_offset
    columns.ledger_version[row] = decision.ledger_version
    columns.chain[row] = identifier_of(decision.chain)
    if decision.event_id:
        columns.event_id[row] = identifier_of(decision.event_id)
    if decision.voter:
        columns.voter[row] = identifier_of(decision.voter)
    for name, column in columns.symbols.items():
        column[row] = getattr(decision, name)
    columns.pair_codes[row] = columns.pairs.code(decision.consultation or "", "")
    columns.apart[row] = decision.changes
    columns.refusal[row] = decision.refusal
