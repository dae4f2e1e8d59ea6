"""Straight-line decoders and encoders for the events of the ballot box, made from their schemas.

Theory of operation: a generic Avro reader walks the schema for every record. Here the schema is
walked once, at import, and leaves a Python function without loops over fields: fixed fields are
slices at known places, enums one byte, short strings one length byte. A decoder gives a plain
tuple, enums as their index, identifiers as bytes, instants in milliseconds. It can be asked for
some fields only, and for neighbouring strings as one span of encoded bytes; all other fields are
checked all the same. Whatever `codec.decode` refuses is refused here, and nothing else: tests
compare the two on random events and random bytes.
"""

import functools
from collections.abc import Callable
from typing import Any

from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, current


SHORT_STRING_BYTES = 63
"""The longest string whose Avro length takes one byte; the ballot box holds no longer one."""

Decoder = Callable[[bytes], tuple[Any, ...]]
Encoder = Callable[..., bytes]
Wanted = str | tuple[str, ...]


@functools.cache
def decoder(event: str, *wanted: Wanted) -> Decoder:
    """Make the decoder of an event for the wanted fields (all without any), as a tuple.

    A tuple of names in `wanted` asks for neighbouring strings as one slice of their encoding.
    The decoder raises Undecodable; it expects the header to have been read and does not check it.
    """
    fields = current(event).fields
    names: tuple[Wanted, ...] = wanted or tuple(field["name"] for field in fields)
    spans = {name: span for span in names if isinstance(span, tuple) for name in span}
    lines = ["def decode(value):", " try:"]
    position = _decode_fixed_part(fields, lines)
    _decode_variable_part(fields[position:], lines, {n for n in names if isinstance(n, str)}, spans)
    returned = ", ".join(name if isinstance(name, str) else "_".join(name) for name in names)
    lines += [
        " except (IndexError, ValueError) as error:",
        f"  raise Undecodable(f'{event}: truncated or malformed body ({{error}})') from error",
        " if at != len(value):",
        f"  raise Undecodable(f'{event}: {{len(value) - at}} trailing bytes')",
        f" return ({returned},)",
    ]
    compiled: Decoder = _compiled("decode", lines)
    return compiled


def _decode_fixed_part(fields: list[dict[str, Any]], lines: list[str]) -> int:
    """Write the leading fields, whose places are known; give the number of them."""
    at = HEADER_BYTES
    for position, field in enumerate(fields):
        kind, name = _resolved(field["type"]), field["name"]
        if kind["type"] == "fixed":
            lines.append(f"  {name} = value[{at}:{at + kind['size']}]")
            at += kind["size"]
        elif kind["type"] == "enum":
            last = 2 * (len(kind["symbols"]) - 1)
            lines += [f"  {name} = value[{at}]",
                      f"  if {name} & 1 or {name} > {last}: raise ValueError('{name}')",
                      f"  {name} >>= 1"]
            at += 1
        else:
            lines.append(f"  at = {at}")
            return position
    lines.append(f"  at = {at}")
    return len(fields)


def _decode_variable_part(
    fields: list[dict[str, Any]],
    lines: list[str],
    wanted: set[str],
    spans: dict[str, tuple[str, ...]],
) -> None:
    for field in fields:
        kind, name = _resolved(field["type"]), field["name"]
        if kind["type"] not in ("string", "long"):
            raise ValueError(f"{name}: {kind['type']} after a string has no straight-line form")
        if kind["type"] == "string":
            span = spans.get(name)
            if span and span[0] == name:
                lines.append("  span = at")
            _decode_string(name, field, lines, decoded=name in wanted)
            if span and span[-1] == name:
                lines.append(f"  {'_'.join(span)} = value[span:at]")
        else:
            _decode_long(name, lines, decoded=name in wanted)


def _decode_string(name: str, field: dict[str, Any], lines: list[str], *, decoded: bool) -> None:
    most = 2 * field["type"]["maxLength"]
    least = 2 * field.get("minLength", 0)
    lines += ["  size = value[at]",
              f"  if size & 1 or not {least} <= size <= {most}: raise ValueError('{name} length')",
              "  start = at + 1",
              "  at = start + (size >> 1)"]
    if decoded:
        lines.append(f"  {name} = value[start:at].decode()")


def _decode_long(name: str, lines: list[str], *, decoded: bool) -> None:
    """Write a long: its bytes are checked to be the shortest form of 64 bits at most."""
    lines += ["  start = at",
              "  while value[at] > 127: at += 1",
              "  size = at - start",
              "  if size > 9 or (size and not value[at]) or (size == 9 and value[at] > 1):",
              f"   raise ValueError('{name}')",
              "  at += 1"]
    if decoded:
        lines += [f"  {name} = value[at - 1]",
                  f"  for byte in value[at - 2:start - 1:-1]: {name} = {name} << 7 | byte & 127",
                  f"  {name} = {name} >> 1 ^ -({name} & 1)"]


@functools.cache
def encoder(event: str) -> Encoder:
    """Make the encoder of an event: it takes every field by position, in schema order.

    Enums are given as their index, identifiers as 16 bytes, strings as str. Fields are checked
    against the schema (ValueError), for a producer must never write what no ledger can read.
    """
    schema = current(event)
    names = ", ".join(field["name"] for field in schema.fields)
    lines, parts = [f"def encode({names}):"], [repr(schema.header)]
    for field in schema.fields:
        kind, name = _resolved(field["type"]), field["name"]
        if kind["type"] == "fixed":
            lines.append(f" if len({name}) != {kind['size']}: raise ValueError('{name} length')")
            parts.append(name)
        elif kind["type"] == "enum":
            symbols = [bytes((2 * i,)) for i in range(len(kind["symbols"]))]
            # A negative index would silently be another symbol.
            lines.append(f" if {name} < 0: raise ValueError('{name}')")
            parts.append(f"{symbols!r}[{name}]")
        elif kind["type"] == "string":
            parts.append(f"short_string({name}, {field.get('minLength', 0)})")
        else:
            lines.append(f" if not {-2**63} <= {name} < {2**63}: raise ValueError('{name}')")
            parts.append(f"long({name})")
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


def _resolved(kind: Any) -> dict[str, Any]:
    """Give a type as an object; the ballot box names only Identifier by reference."""
    if kind == "Identifier":
        return {"type": "fixed", "size": 16}
    if isinstance(kind, str):
        return {"type": kind}
    if isinstance(kind, list) or kind["type"] not in ("fixed", "enum", "string", "long"):
        raise ValueError(f"{kind!r:.60} has no straight-line form")
    if kind["type"] == "string" and kind["maxLength"] > SHORT_STRING_BYTES:
        raise ValueError(f"strings over {SHORT_STRING_BYTES} bytes have no straight-line form")
    resolved: dict[str, Any] = kind
    return resolved


def _compiled(name: str, lines: list[str]) -> Any:
    scope: dict[str, Any] = {
        "Undecodable": Undecodable, "short_string": short_string, "long": long,
    }
    exec("\n".join(lines), scope)  # noqa: S102 -- source made above from our own schemas
    return scope[name]
