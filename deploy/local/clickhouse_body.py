"""Receive a request's body: a statement into memory, an insert's data into a file, both bounded.

An insert whose statement came in the URL is written down as it came, compressed or not: the
engine decompresses faster than Python. One whose statement opens the body is decompressed here.
"""

import re
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import lz4.frame
import zstandard
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, FormParser

from deploy.local.clickhouse_statement import (
    HEAD_BYTES_MAX,
    InsertHead,
    may_become_insert,
    parse_insert,
)


# One insert of the archive is some 100,000 rows of 200 bytes; ten times that is a mistake.
BODY_BYTES_MAX = 256 * 1024 * 1024
# What a body may decompress to, so that a small one cannot fill the disk.
DATA_BYTES_MAX = 1024 * 1024 * 1024
# Statements are written by programs and people; a megabyte of IN (…) is generous.
STATEMENT_BYTES_MAX = 16 * 1024 * 1024
# A form has a query, its parameters and settings: no program has a thousand.
FORM_FIELDS_MAX = 1_024
# What the engine calls the compressions that HTTP names.
COMPRESSIONS = {"lz4": "lz4", "zstd": "zstd", "gzip": "gzip", "deflate": "deflate", "br": "br"}

_BOUNDARY = re.compile(r""";[ ]*boundary="?([0-9A-Za-z'()+_,./:=?-]{1,70})"?(?:;|$)""")


class BodyRefusedError(Exception):
    """Tell why a body cannot be taken."""


@dataclass(frozen=True)
class Received:
    """A statement, or an insert's head with its data in `data_path`."""

    statement: str
    insert: InsertHead | None = None
    compression: str = ""


def decoder(encoding: str) -> Callable[[bytes], bytes]:
    """Choose the incremental decompressor of a Content-Encoding."""
    if encoding in ("", "identity"):
        return lambda data: data
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress
    if encoding == "lz4":
        return _FrameDecoder().decompress
    if encoding in ("gzip", "deflate"):
        # 32 + 15: both the gzip and the zlib header are recognised.
        return zlib.decompressobj(47).decompress
    raise BodyRefusedError(f"the Content-Encoding {encoding!r} is not supported")


class _FrameDecoder:
    """Decode lz4 frames one after the other: clients compress each block as a frame."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameDecompressor()

    def decompress(self, data: bytes) -> bytes:
        parts = []
        while data:
            parts.append(self._frame.decompress(data))
            if not self._frame.eof:
                break
            data = self._frame.unused_data or b""
            self._frame = lz4.frame.LZ4FrameDecompressor()
        return b"".join(parts)


async def receive(
    chunks: AsyncIterator[bytes], *, query: str, encoding: str, data_path: Path
) -> Received:
    """Take a whole body; raises `BodyRefusedError` past a bound."""
    head = parse_insert(query.encode() + b"\n") if query else None
    bounded = _bounded(chunks, BODY_BYTES_MAX)
    if head is not None:
        await _write(bounded, data_path)
        return Received(query, head, COMPRESSIONS.get(encoding, ""))
    decoded = _bounded(_decoded(bounded, decoder(encoding)), DATA_BYTES_MAX)
    beginning = bytearray(query.encode() + b"\n" if query else b"")
    async for chunk in decoded:
        beginning += chunk
        if may_become_insert(bytes(beginning[:HEAD_BYTES_MAX])) or len(beginning) <= len(chunk):
            head = parse_insert(bytes(beginning))
        if head is not None:
            await _write(decoded, data_path, bytes(beginning[head.data_offset :]))
            return Received(head.statement, head)
        if len(beginning) > STATEMENT_BYTES_MAX:
            raise BodyRefusedError(f"a statement is longer than {STATEMENT_BYTES_MAX} bytes")
    return _without_more(bytes(beginning), data_path)


async def receive_form(chunks: AsyncIterator[bytes], content_type: str) -> dict[str, str]:
    """Take a form: clients send a query so where its parameters are too long for a URL."""
    body = bytearray()
    async for chunk in _bounded(chunks, STATEMENT_BYTES_MAX):
        body += chunk
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise BodyRefusedError("a form names no boundary")
    fields: dict[str, str] = {}

    def take(field: Field) -> None:
        if len(fields) == FORM_FIELDS_MAX:
            raise BodyRefusedError(f"a form has more than {FORM_FIELDS_MAX} fields")
        fields[(field.field_name or b"").decode()] = (field.value or b"").decode()

    parser = FormParser(
        "multipart/form-data", take, None, boundary=boundary[1])
    try:
        parser.write(bytes(body))
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise BodyRefusedError(f"the form cannot be read: {error}") from error
    return fields


def _without_more(beginning: bytes, data_path: Path) -> Received:
    head = parse_insert(beginning + b"\n")
    if head is None:
        return Received(beginning.decode(errors="replace"))
    data_path.write_bytes(b"")
    return Received(head.statement, head)


async def _write(chunks: AsyncIterator[bytes], path: Path, beginning: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(beginning)
        async for chunk in chunks:
            file.write(chunk)


async def _decoded(
    chunks: AsyncIterator[bytes], decode: Callable[[bytes], bytes]
) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield decode(chunk)
    except (RuntimeError, zlib.error, zstandard.ZstdError) as error:
        raise BodyRefusedError(f"the body cannot be decompressed: {error}") from error


async def _bounded(chunks: AsyncIterator[bytes], bytes_max: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > bytes_max:
            raise BodyRefusedError(f"a body is larger than {bytes_max} bytes: insert less at once")
        if chunk:
            yield chunk
