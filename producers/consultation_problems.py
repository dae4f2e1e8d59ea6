"""What is wrong in a consultation's file, in sentences that name line, column and key. Pure."""

import difflib
import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from producers.json_files import Json, Path, named


PROBLEMS_SHOWN_MOST = 20
"""So many are told at once: the next run tells the others."""


def misplaced(path: Path, what: str) -> PydanticCustomError:
    """Make the error of a check over several keys, about one of them."""
    return PydanticCustomError("misplaced", "{what}", {"path": path, "what": what})


def refused(what: str) -> PydanticCustomError:
    """Make the error of a value; `what` is no template, whatever brackets are in it."""
    return PydanticCustomError("refused", "{what}", {"what": what})


def problems(
    error: ValidationError, document: Json, model: type[BaseModel], file: str
) -> Iterator[str]:
    """Say each thing that is wrong on a line of its own, in the order of the file."""
    found = sorted(((document.place(path), path, item) for item in error.errors(include_url=False)
                    for path in (_path(item),)), key=lambda each: each[0])
    for said in at_most([f"{file}, {place}, {named(path)}: {_said(item, path, model)}"
                         for place, path, item in found]):
        yield f"  {said}"


def at_most(told: Sequence[str]) -> Iterator[str]:
    """Yield the first problems, and how many more there are."""
    yield from told[:PROBLEMS_SHOWN_MOST]
    if len(told) > PROBLEMS_SHOWN_MOST:
        yield f"and {len(told) - PROBLEMS_SHOWN_MOST:,} more."


def _path(item: ErrorDetails) -> Path:
    path: Path = item.get("ctx", {}).get("path", ())
    # Of a key that is wrong pydantic says so behind it: its place is that of the key.
    return path or tuple(step for step in item["loc"] if step != "[key]")


def _said(item: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    if item["type"] == "extra_forbidden":
        known = _keys(model, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, 1)
        return f"unknown key. Did you mean {near[0]}?" if near else (
            f"unknown key. Known are {', '.join(known)}.")
    if item["type"] == "missing":
        return "is missing. Write it."
    if item["type"] == "string_pattern_mismatch":
        return f"{_PATTERNS.get(str(item['ctx']['pattern'])[:6], 'not of the form needed')}."
    if item["type"] in _REMEDIES:
        return _REMEDIES[item["type"]].format_map(item.get("ctx", {}))
    return item["msg"]


_OBJECT = 'must be an object. Write it in curly brackets, as in {{"key": "value"}}.'
_REMEDIES = {
    "bool_type": "must be true or false, without quotation marks.",
    "dict_type": 'must be texts by language. Write it as in {{"fr": "…"}}.',
    "greater_than": "must be more than {gt}.",
    "greater_than_equal": "must be at least {ge}.",
    "int_type": "must be a whole number, without quotation marks.",
    "less_than_equal": "must be {le} at most.",
    "list_type": "must be a list. Write it in square brackets: […].",
    "literal_error": "must be {expected}.",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "string_type": "must be a text, in quotation marks.",
    "too_long": "has too many entries. Write at most {max_length}.",
    "too_short": "is empty. Write at least {min_length}.",
    "timezone_aware": "lacks its offset from UTC, and no time zone is guessed. Write it behind the "
                      "time, as in 2026-10-01T00:00:00+02:00.",
}
"""What a value shall be instead, by the name that pydantic has for what is wrong with it."""
_PATTERNS = {
    "^[a-z0": "no identifier: at most 63 small letters, digits, dots, dashes and underscores, a "
              "letter or digit first",
    "^[a-z]": "no language: write two or three small letters, as in fr or pt-BR",
    "^(?:ht": "no site: write scheme and host in small letters, as in https://www.example.org, "
              "without path or star",
    "^[0-9a": "no SHA-256: write its 64 digits, small letters a to f among them",
    r"^\d{4}": "no month or day: write it as in 2022-06 or 2022-06-01",
}
"""What a pattern means, by its first characters."""


def _keys(model: Any, path: Path) -> list[str]:
    """Name the keys known at a place of the file."""
    for step in path:
        if isinstance(model, type) and issubclass(model, BaseModel) and step in model.model_fields:
            model = _bare(model.model_fields[str(step)].annotation)
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    return list(model.model_fields) if is_model else []


def _bare(annotation: Any) -> Any:
    """Return what a list, an option or an annotation is about."""
    while get_origin(annotation) in (list, Annotated, Union, types.UnionType):
        annotation = get_args(annotation)[0]
    return annotation
