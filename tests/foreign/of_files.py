"""Readers of files that people have, and of what programs ask the local stand-in for ClickHouse."""

import asyncio
import gzip
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import lz4.frame
import zstandard

from deploy.local import clickhouse_statement as sql
from deploy.local.clickhouse_body import BodyRefusedError, receive, receive_form
from producers.consultation_file import load, needed_events
from producers.errors import ProducingError
from producers.known_catalogue import KnownCatalogue
from producers.polis import catalogue_events, read_export, vote_events
from tests.foreign.readers import Reader


CONSULTATION = {
    "id": "town", "question": {"fr": "Que faire ?"}, "opens_at": "2026-10-01T00:00:00+02:00",
    "closes_at": "2026-11-01T00:00:00+02:00", "languages": ["fr"], "votes_target": 5,
    "stages": [{"name": "vote", "begins": "2026-10", "ends": "2026-11-01"}],
    "organisers": [{"role": "host", "names": ["A"]}],
    "facts": [{"value": "1", "texts": {"fr": "un"}, "source": "s"}],
    "themes": [{"id": "t", "title": {"fr": "T"}}],
    "ideas": [{"id": "i", "title": {"fr": "I"}, "theme": "t"}],
    "proposals": [{"id": "p1", "text": {"fr": "Il faut"}, "idea": "i", "author": {"name": "A"}}],
}
VOTES = b"timestamp,datetime,comment-id,voter-id,vote\n1400000000,x,0,0,1\n1400000001,x,0,1,1\n"
COMMENTS = (
    b"timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body\n"
    b'1400000000,x,0,0,2,0,1,"a, ""b"""\n')
FORM = (
    b'multipart/form-data; boundary=x\n--x\r\nContent-Disposition: form-data; name="query"'
    b"\r\n\r\nSELECT 1\r\n--x--\r\n")
SUMMARY = b"topic,T\nurl,u\nviews,1\nvoters,2\n"


def _consultation(raw: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "town.json"
        path.write_bytes(raw)
        return needed_events(load(path), KnownCatalogue(), occurred_at=1_700_000_000_000)


def _polis(raw: bytes) -> Any:
    """Read an export whose three files stand one behind the other."""
    files = [*raw.split(b"\0\0\0"), b"", b""]
    with tempfile.TemporaryDirectory() as folder:
        for name, body in zip(("votes.csv", "comments.csv", "summary.csv"), files, strict=False):
            if body:
                (Path(folder) / name).write_bytes(body)
        export = read_export(Path(folder), now=1_700_000_000_000)
    return catalogue_events(export, "town", "fr"), list(vote_events(export, "town"))


async def _chunks(raw: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), 100):
        yield raw[at:at + 100]


def _body(raw: bytes) -> Any:
    """Take a body under the encoding that stands before it."""
    encoding, _, body = raw.partition(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(receive(
            _chunks(body), query="", encoding=encoding.decode("latin-1"),
            data_path=Path(folder) / "data"))


def _form(raw: bytes) -> Any:
    declared, _, body = raw.partition(b"\n")
    return asyncio.run(receive_form(_chunks(body), declared.decode("latin-1")))


def _statement(raw: bytes) -> Any:
    text = raw.decode(errors="replace")
    head = sql.parse_insert(raw + b"\n")
    return (
        head and sql.infile_statement(head, "f", "lz4"), sql.may_become_insert(raw),
        sql.parse_kill(text), sql.output_format(text, "Native"), sql.without_format(text),
        sql.returns_rows(text), sql.is_select(text), sql.is_set(text), sql.used_database(text),
        sql.show_query_ids(text), sql.quote(text), sql.quote_identifier(text))


READERS = (
    Reader("consultation_files", _consultation, (ProducingError,), (
        json.dumps(CONSULTATION).encode(),)),
    Reader("polis_exports", _polis, (ProducingError,), (
        b"\0\0\0".join((VOTES, COMMENTS, SUMMARY)), b"\0\0\0".join((VOTES, COMMENTS)))),
    Reader("statements", _statement, (), (
        b"INSERT INTO `a`.b (c, `d`) SETTINGS e = 1 FORMAT CSV\n1,2\n",
        b"KILL QUERY WHERE query_id = 'a' SYNC FORMAT JSON", b"SELECT 1 FORMAT Native",
        b"USE DATABASE `a`", b"SELECT * FROM system.processes")),
    Reader("statement_bodies", _body, (BodyRefusedError,), (
        b"\nINSERT INTO a FORMAT CSV\n1,2\n", b"zstd\n" + zstandard.compress(b"SELECT 1"),
        b"lz4\n" + lz4.frame.compress(b"SELECT 1"),
        b"gzip\n" + gzip.compress(b"SELECT 1", mtime=0))),
    Reader("statement_forms", _form, (BodyRefusedError,), (
        FORM,)),
)
