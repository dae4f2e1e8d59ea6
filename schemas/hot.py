"""Straight-line decoders and encoders for the events of the ballot box, made from their schemas.

Theory of operation: a generic Avro reader walks the schema for every record. Here the schema is
walked once, at import, and leaves a Python function without loops over fields: fixed fields are
unpacked in one step, neighbouring enums are one lookup of their bytes, the step over a short string
one lookup of its length byte, and whether a last long is whole one lookup of its bytes' classes. A
decoder gives a plain tuple, enums as their index, identifiers as bytes, instants in milliseconds.
It can be asked for some fields only, and for neighbouring strings as one span of encoded bytes; all
other fields are checked all the same. Whatever `codec.decode` refuses is refused here, and nothing
else: tests compare the two on random events and random bytes.
"""

import functools
import itertools
from collections.abc import Callable
from struct import Struct
from struct import error as NoStruct  # noqa: N812 -- its own name says nothing
from typing import Any

from schemas.codec import Undecodable
from schemas.defaults import default_of
from schemas.registry import HEADER_BYTES, Schema, current, newest, versions


SHORT_STRING_BYTES = 63
"""The longest string whose Avro length takes one byte; the ballot box holds no longer one."""

ONE_BYTE_MAX = 63
"""The largest number whose encoding takes one byte."""

INSTANT_ENDING = ((0, 65_535), (-1, 2**63 - 1))
"""Bounds of the numbers that follow the instant at the end of a ballot: partner and wording."""

LEAST_RUN = 4
"""So many longs at the end of a record are first tried as a byte each: all but the first of a row,
for that is an offset or an instant."""

Decoder = Callable[[bytes], tuple[Any, ...]]
Encoder = Callable[..., bytes]
Wanted = str | tuple[str, ...]


def decoders(event: str, *wanted: Wanted) -> dict[bytes, Decoder]:
    """Make the decoders of all versions of an event, by the header of their records."""
    return {schema.header: decoder(event, *wanted, version=schema.version)
            for schema in versions(event)}


@functools.cache
def decoder(event: str, *wanted: Wanted, version: int | None = None) -> Decoder:
    """Make the decoder of a version of an event for the wanted fields, as a tuple.

    Without wanted fields it gives all, without a version it is the one that is written under the
    first rules. A tuple of names in `wanted` asks for neighbouring strings as one slice of their
    encoding. A wanted field that only later versions have is given as its default. The decoder
    raises Undecodable; it expects the header to have been read and does not check it.
    """
    fields = _version(event, version).fields
    names: tuple[Wanted, ...] = wanted or tuple(field["name"] for field in fields)
    spans = {name: span for span in names if isinstance(span, tuple) for name in span}
    body = _Body(fields, {name for name in names if isinstance(name, str)}, spans)
    lacking = _lacking(event, fields)
    returned = ", ".join(
        "_".join(name) if not isinstance(name, str) else lacking.get(name, name) for name in names)
    compiled: Decoder = _compiled("decode", [
        "def decode(value):", " try:", *body.lines,
        " except (IndexError, KeyError, TypeError, ValueError, NoStruct) as error:",
        f"  raise Undecodable(f'{event}: truncated or malformed body ({{error!r}})') from error",
        f" return ({returned},)",
    ], body.tables)
    return compiled


def _version(event: str, version: int | None) -> Schema:
    return current(event) if version is None else versions(event)[version - 1]


def _lacking(event: str, fields: list[dict[str, Any]]) -> dict[str, str]:
    """Return what stands for fields that only the newest version has: their defaults, as code."""
    has = {field["name"] for field in fields}
    lacking = {}
    for field in newest(event).fields:
        if field["name"] not in has:
            kind, default = field["type"], default_of(field)
            symbols = kind.get("symbols") if isinstance(kind, dict) else None
            lacking[field["name"]] = repr(symbols.index(default) if symbols else default)
    return lacking


class _Body:
    """The lines that decode the fields of an event, and the tables they look up."""

    def __init__(
        self, fields: list[dict[str, Any]], wanted: set[str], spans: dict[str, tuple[str, ...]]
    ) -> None:
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._wanted, self._spans = wanted, spans
        position = self._fixed_part(fields)
        self._variable_part(fields[position:])

    def _fixed_part(self, fields: list[dict[str, Any]]) -> int:
        """Write the leading fields, whose places are known, as one step; return their number.

        Neighbouring enums are one piece: every allowed row of their bytes is in a table.
        """
        pieces: list[tuple[str, str]] = []
        enums: list[dict[str, Any]] = []
        after: list[str] = []
        for position, field in enumerate([*fields, {"name": "", "type": "null"}]):
            kind, name = _resolved(field["type"]), field["name"]
            if _takes_one_byte(kind, field):
                enums.append(field)
                continue
            if enums:
                pieces.append((f"{len(enums)}s", f"enums_{position}"))
                after.append(self._enums(enums, f"enums_{position}"))
                enums = []
            if kind["type"] != "fixed":
                layout = Struct("".join(size for size, _ in pieces))
                self.tables["fixed"] = layout.unpack_from
                read = "".join(f"{each}, " for _, each in pieces if each)
                self.lines += [f"  {read and read + '= '}fixed(value, {HEADER_BYTES})", *after,
                               f"  at = {HEADER_BYTES + layout.size}"]
                return position
            wanted = name in self._wanted
            pieces.append((f"{kind['size']}{'s' if wanted else 'x'}", name if wanted else ""))
        raise AssertionError("the field after the last one is not fixed")

    def _enums(self, fields: list[dict[str, Any]], row: str) -> str:
        """Make the table of what a row of enums may be; return the line that looks it up."""
        kept = [place for place, field in enumerate(fields) if field["name"] in self._wanted]
        symbols = [_values(_resolved(field["type"]), field) for field in fields]
        self.tables[f"of_{row}"] = {
            bytes(2 * index for index in indexes): tuple(indexes[place] for place in kept)
            for indexes in itertools.product(*symbols)
        }
        found = "".join(f"{fields[place]['name']}, " for place in kept)
        return f"  {found and found + '= '}of_{row}[{row}]"

    def _variable_part(self, fields: list[dict[str, Any]]) -> None:
        numbers = len(list(itertools.takewhile(
            lambda field: _resolved(field["type"])["type"] in ("int", "long"), reversed(fields))))
        run = numbers - 1
        if run == len(INSTANT_ENDING) and not self._wanted & {
                field["name"] for field in fields[-numbers:]}:
            self._variable_fields(fields[:-numbers])
            self._instant_ending(fields[-numbers:])
        elif run >= LEAST_RUN:
            self._variable_fields(fields[:-run])
            self._long_run(fields[-run:])
        else:
            self._variable_fields(fields, last=True)

    def _instant_ending(self, fields: list[dict[str, Any]]) -> None:
        """Write an instant, a small number and a place in a log, none of which is wanted.

        Of most records the classes of these bytes alone show that all three are as they must be.
        """
        if [_bounds(field) for field in fields] != [(-2**63, 2**63 - 1), *INSTANT_ENDING]:
            raise ValueError(f"{fields!r:.60} have no straight-line form")
        self.tables |= {"ending_classes": _ENDING_CLASSES, "whole_endings": _WHOLE_ENDINGS}
        self.lines.append("  if value[at:].translate(ending_classes) not in whole_endings:")
        before, self.lines = self.lines, []
        self._variable_fields(fields, last=True)
        self.lines = [*before, *(f" {line}" for line in self.lines)]

    def _long_run(self, fields: list[dict[str, Any]]) -> None:
        """Write the longs that end a record: most often each is a byte."""
        names = ", ".join(field["name"] for field in fields)
        self.tables["one_byte"] = _ONE_BYTE
        self.lines += [
            "  ending = value[at:]",
            f"  if len(ending) == {len(fields)} and ending.isascii():",
            f"   {names} = map(one_byte, ending)",
            "  else:"]
        before, self.lines = self.lines, []
        self._variable_fields(fields, last=True)
        self.lines = [*before, *(f" {line}" for line in self.lines)]

    def _variable_fields(self, fields: list[dict[str, Any]], *, last: bool = False) -> None:
        for field in fields:
            kind, name = _resolved(field["type"]), field["name"]
            if kind["type"] not in ("string", "int", "long"):
                raise ValueError(f"{name}: {kind['type']} after a string has no straight-line form")
            if kind["type"] == "string":
                span = self._spans.get(name)
                if span and span[0] == name:
                    self.lines.append("  span = at")
                self._string(name, field)
                if span and span[-1] == name:
                    self.lines.append(f"  {'_'.join(span)} = value[span:at]")
            else:
                self._long(field, last=last and field is fields[-1])
        if last and (not fields or _resolved(fields[-1]["type"])["type"] == "string"):
            self.lines.append("  if at != len(value): raise ValueError(f'{len(value)} bytes')")

    def _string(self, name: str, field: dict[str, Any]) -> None:
        """Write a short string: its length byte gives the step to its end, None where wrong."""
        allowed = range(field.get("minLength", 0), field["type"]["maxLength"] + 1)
        self.tables[f"step_{name}"] = [
            1 + (byte >> 1) if not byte & 1 and byte >> 1 in allowed else None
            for byte in range(256)
        ]
        spanned = name in self._spans
        if not spanned:
            self.lines.append("  start = at + 1")
        self.lines.append(f"  at += step_{name}[value[at]]")
        if not spanned:
            read = f"{name} = " if name in self._wanted else ""
            self.lines.append(f"  {read}value[start:at].decode()")

    def _long(self, field: dict[str, Any], *, last: bool) -> None:
        """Write a number, within its bounds; the last one must end with the record."""
        name, (least, most) = field["name"], _bounds(field)
        if not last:
            self.lines += ["  start = at",
                           "  while value[at] > 127: at += 1",
                           "  at += 1"]
        self.lines += [f"  encoded = value[{'at:' if last else 'start:at'}]",
                       "  if encoded.translate(long_classes) not in whole_longs:",
                       f"   raise ValueError('{name}')"]
        bounded = "minimum" in field or "maximum" in field
        if bounded or name in self._wanted:
            self.lines += [f"  {name} = 0",
                           f"  for byte in encoded[::-1]: {name} = {name} << 7 | byte & 127",
                           f"  {name} = {name} >> 1 ^ -({name} & 1)"]
        if bounded:
            self.lines.append(
                f"  if not {least} <= {name} <= {most}: raise ValueError('{name}')")


def _bounds(field: dict[str, Any]) -> tuple[int, int]:
    """Return the least and the largest value of a number."""
    bits = 31 if _resolved(field["type"])["type"] == "int" else 63
    return field.get("minimum", -2**bits), field.get("maximum", 2**bits - 1)


def _takes_one_byte(kind: dict[str, Any], field: dict[str, Any]) -> bool:
    """Whether a field is an enum, or a number so bounded that a byte always holds it."""
    if kind["type"] == "enum":
        return True
    least, most = _bounds(field) if kind["type"] == "int" else (-1, 0)
    return least >= 0 and most <= ONE_BYTE_MAX


def _values(kind: dict[str, Any], field: dict[str, Any]) -> range:
    """Return the values of a field of one byte: indexes of symbols, or numbers."""
    if kind["type"] == "enum":
        return range(len(kind["symbols"]))
    return range(field["minimum"], field["maximum"] + 1)


@functools.cache
def encoder(event: str, version: int | None = None) -> Encoder:
    """Make the encoder of a version of an event: it takes every field by position, in schema order.

    Without a version it is the one that is written under the first rules.

    Enums are given as their index, identifiers as 16 bytes, strings as str. Fields are checked
    against the schema (ValueError), for a producer must never write what no ledger can read.
    """
    schema = _version(event, version)
    names = ", ".join(field["name"] for field in schema.fields)
    lines, parts = [f"def encode({names}):"], [repr(schema.header)]
    for field in schema.fields:
        kind, name = _resolved(field["type"]), field["name"]
        if kind["type"] == "fixed":
            lines.append(f" if len({name}) != {kind['size']}: raise ValueError('{name} length')")
            parts.append(name)
        elif _takes_one_byte(kind, field):
            values = _values(kind, field)
            # A tuple is made once, with the code; a list would be at each call.
            symbols = tuple(bytes((2 * value,)) for value in range(values.stop))
            # A negative index would silently be another symbol.
            lines.append(f" if {name} < {values.start}: raise ValueError('{name}')")
            parts.append(f"{symbols!r}[{name}]")
        elif kind["type"] == "string":
            parts.append(f"short_string({name}, {field.get('minLength', 0)})")
        else:
            least, most = _bounds(field)
            lines.append(f" if not {least} <= {name} <= {most}: raise ValueError('{name}')")
            instant = kind.get("logicalType") == "timestamp-millis"
            parts.append(f"{'long' if instant else 'recurring_long'}({name})")
    lines.append(f" return b''.join(({', '.join(parts)},))")
    compiled: Encoder = _compiled("encode", lines)
    return compiled


@functools.lru_cache(maxsize=65_536)  # identifiers of proposals recur by the thousand
def short_string(text: str, least: int = 0) -> bytes:
    """Encode a string of at most SHORT_STRING_BYTES bytes."""
    body = text.encode()
    if not least <= len(body) <= SHORT_STRING_BYTES:
        raise ValueError(f"{len(body)} bytes, {least} to {SHORT_STRING_BYTES} are allowed")
    return bytes((2 * len(body),)) + body


def long(number: int) -> bytes:
    """Encode an Avro int or long: zigzag, seven bits a byte, the lowest first."""
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """Read an Avro int or long in its shortest form: (number, place after it).

    Raises IndexError at the end of the bytes, ValueError where it is not that form.
    """
    start = at
    while value[at] > 127:
        at += 1
    size = at - start
    if size > 9 or (size and not value[at]) or (size == 9 and value[at] > 1):
        raise ValueError("number too long")
    number = 0
    for byte in value[start:at + 1][::-1]:
        number = number << 7 | byte & 127
    return number >> 1 ^ -(number & 1), at + 1


recurring_long = functools.lru_cache(maxsize=65_536)(long)
"""The same for partners and wordings, which recur by the thousand; instants do not."""


def _resolved(kind: Any) -> dict[str, Any]:
    """Return a type as an object; the ballot box names only Identifier by reference."""
    if kind == "Identifier":
        return {"type": "fixed", "size": 16}
    if isinstance(kind, str):
        return {"type": kind}
    if isinstance(kind, list) or kind["type"] not in (
            "fixed", "enum", "string", "int", "long"):
        raise ValueError(f"{kind!r:.60} has no straight-line form")
    if kind["type"] == "string" and kind["maxLength"] > SHORT_STRING_BYTES:
        raise ValueError(f"strings over {SHORT_STRING_BYTES} bytes have no straight-line form")
    resolved: dict[str, Any] = kind
    return resolved


def _compiled(name: str, lines: list[str], tables: dict[str, Any] | None = None) -> Any:
    scope: dict[str, Any] = {
        "Undecodable": Undecodable, "NoStruct": NoStruct, "short_string": short_string,
        "long": long, "recurring_long": recurring_long, "long_classes": _LONG_CLASSES,
        "whole_longs": _WHOLE_LONGS, **(tables or {}),
    }
    exec("\n".join(lines), scope)  # noqa: S102 -- source made above from our own schemas
    return scope[name]


_ONE_BYTE = tuple(byte >> 1 ^ -(byte & 1) for byte in range(128)).__getitem__
"""The value of a long that is one byte."""
_LONG_CLASSES = bytes(0 if byte == 0 else 1 if byte == 1 else 2 if byte < 128 else 3
                      for byte in range(256))
"""Class of a byte of a long: zero, one, the last one otherwise, one that is followed by more."""
_WHOLE_LONGS = frozenset(
    [b"\0", b"\3" * 9 + b"\1"]
    + [b"\3" * more + last for more in range(9) for last in (b"\1", b"\2")]
)
"""Every form a long may take: the shortest one, of 64 bits at most."""


def _endings() -> frozenset[bytes]:
    """Work out the classes of an instant of this century, a partner up to 63, and a wording."""
    one = (b"\2", b"\3")  # one byte that ends a number, even or odd
    instants = [bytes(more) + last for more in itertools.product((4, 5), repeat=5) for last in one]
    wordings = [b"\0", b"\1", b"\2"] + [
        b"\4" + bytes(more) + last for size in range(3)
        for more in itertools.product((4, 5), repeat=size) for last in (b"\1", *one)]
    return frozenset(instant + partner + wording for instant in instants
                     for partner in (b"\0", b"\2") for wording in wordings)


_ENDING_CLASSES = bytes(
    byte if byte < 2 else (4 if byte > 127 else 2) + (byte & 1) for byte in range(256))
"""Class of a byte: zero, one, or else by whether a number goes on after it, and by its lowest bit,
which is the sign where a number begins."""
_WHOLE_ENDINGS = _endings()
