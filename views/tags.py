"""Entity tags: names of what was made, by what it was made of. Pure.

Theory of operation: several processes show one log, and one of them may lag behind another, or was
frozen and thaws. What is made of the log's state bears in its tag how far that state reaches, as
the number of records that it holds: states follow each other, and none holds fewer than the one
before. So who shows a tag of a later state, made of the same things, is told to keep what he has:
he is never given less than another process gave him. Tags of other logs are told apart by the
first record of their catalogue, which is random, and by their generation.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple


KIND_DIGITS = 8
"""Enough to tell the representations of one address apart."""
LOG_DIGITS = 8
"""Enough to tell a log from one that was there before it."""
_PLACED = re.compile(r"([0-9a-f]{8})-([0-9]{1,20})-[0-9a-f]{32}(?:-gzip)?", re.ASCII)


class State(NamedTuple):
    """How far what is made reaches, and in which log."""

    log: str
    """Names the log; empty: not known, and states are not compared."""
    records: int
    """Records that it holds, of all topics that it is made from."""


def digest(held: list[Any]) -> str:
    """Name what was made by what it was made of: a tag."""
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:32]


def placed(kind: list[Any], state: State, held: list[Any]) -> str:
    """Return a tag that says how far the state reaches that something was made of.

    `kind` is what it has in common with what is made of other states at the same address.
    """
    if not state.log:
        return digest(held)
    return f"{digest([state.log, *kind])[:KIND_DIGITS]}-{state.records}-{digest(held)}"


def is_held(ours: str, held: Iterable[str]) -> str | None:
    """Return the first tag of those held that is ours, or of a later state than ours."""
    return next((tag for tag in held if tag == ours or _is_later(tag, ours)), None)


def _is_later(tag: str, ours: str) -> bool:
    known, mine = _PLACED.fullmatch(tag), _PLACED.fullmatch(ours)
    return known is not None and mine is not None and known[1] == mine[1] and (
        int(known[2]) > int(mine[2]))
