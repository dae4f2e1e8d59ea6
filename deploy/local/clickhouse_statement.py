"""Read just enough of a SQL statement to carry it from HTTP to the engine. Pure.

The engine takes binary data only from a file, reports no query id of ours and has no `KILL QUERY`
by HTTP query id; so inserts with data, kills and readers of `system.processes` are recognised.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


# An insert's head (table, columns, settings, format) is short; past this it is something else.
HEAD_BYTES_MAX = 64 * 1024
# The engine keeps no query id of ours but shows this setting of every running query.
QUERY_ID_SETTING = "log_comment"
QUERY_ID_EXPRESSION = f"Settings['{QUERY_ID_SETTING}']"
# Formats in which the engine's chunks can simply be sent one after the other.
CONCATENABLE_FORMATS = frozenset(
    {"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"}
)

# Nothing is tried in two ways (x*+ gives nothing back): time grows with a statement's length alone.
_IDENTIFIER = rb"(?:[\w.$-]++|`[^`]*+`|\"[^\"]*+\")(?:\.(?:\w++|`[^`]*+`|\"[^\"]*+\"))?+"
_COLUMNS = rb"\((?:[^()`\"]|`[^`]*+`|\"[^\"]*+\")*+\)"
_INSERT = re.compile(
    rb"\s*+(INSERT\s++INTO\s++(?:TABLE\s++)?+" + _IDENTIFIER + rb"\s*+(?:" + _COLUMNS + rb")?+"
    rb"\s*+(?:SETTINGS\s[^;]*?)?)\bFORMAT\s++(\w++)[ \t]*+;?+(?:\r?\n|(?=[^\s\w;]))",
    re.IGNORECASE | re.DOTALL,
)
_INSERT_BEGINS = re.compile(rb"\s*INSERT\s", re.IGNORECASE)
_FORMAT = re.compile(r"\sFORMAT\s++(\w++)\s*+(?:;\s*+)?\Z", re.IGNORECASE)
_ROWS = re.compile(
    r"[\s(]*(SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN|CHECK|VALUES)\b", re.IGNORECASE
)
_SELECT = re.compile(r"[\s(]*(SELECT|WITH)\b", re.IGNORECASE)
_KILL_BEGINS = re.compile(r"\s*+KILL\s++QUERY\s++WHERE\s++", re.IGNORECASE)
_KILL_MODES = ("SYNC", "ASYNC", "TEST")
_PROCESSES = re.compile(r"\bsystem\.processes\b", re.IGNORECASE)
_USE = re.compile(
    r"\s*+USE\s++(?:DATABASE\s++)?+([^\s;]++)\s*+(?:;\s*+)?\Z", re.IGNORECASE)
_SET = re.compile(r"\s*SET\s", re.IGNORECASE)
_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class InsertHead:
    """An insert whose data follows: its statement without FORMAT, the format, where data begins."""

    statement: str
    data_format: str
    data_offset: int


@dataclass(frozen=True)
class Kill:
    """`KILL QUERY WHERE condition`; synchronous waits until the queries have ended."""

    condition: str
    synchronous: bool
    only_test: bool
    output_format: str


def may_become_insert(beginning: bytes) -> bool:
    """Tell whether more bytes could complete an insert's head."""
    return len(beginning) < HEAD_BYTES_MAX and bool(_INSERT_BEGINS.match(beginning))


def is_insert(statement: str) -> bool:
    """Tell whether a statement writes rows."""
    return bool(_INSERT_BEGINS.match(statement.encode()))


def parse_insert(beginning: bytes) -> InsertHead | None:
    """Recognise an insert with inline data; None for anything else or if it is cut short."""
    found = _INSERT.match(beginning[:HEAD_BYTES_MAX])
    if found is None:
        return None
    return InsertHead(found[1].decode(errors="replace").rstrip(), found[2].decode(), found.end())


def infile_statement(head: InsertHead, path: str, compression: str) -> str:
    """Write the insert that reads its data from a file, which the engine may decompress."""
    compressed = f" COMPRESSION {quote(compression)}" if compression else ""
    statement, separator, settings = _split_settings(head.statement)
    source = f"{statement} FROM INFILE {quote(path)}{compressed}"
    return f"{source}{separator}{settings} FORMAT {head.data_format}"


def _split_settings(statement: str) -> tuple[str, str, str]:
    found = re.search(r"\sSETTINGS\s", statement, re.IGNORECASE)
    if found is None:
        return statement, "", ""
    return statement[: found.start()], " SETTINGS ", statement[found.end() :]


def output_format(statement: str, fallback: str) -> str:
    """Name the format a statement asks for, or the fallback."""
    found = _FORMAT.search(statement)
    return found[1] if found else fallback


def without_format(statement: str) -> str:
    """Drop the trailing FORMAT clause of a statement."""
    found = _FORMAT.search(statement)
    return statement[: found.start()] if found else statement


def returns_rows(statement: str) -> bool:
    return bool(_ROWS.match(statement))


def is_select(statement: str) -> bool:
    return bool(_SELECT.match(statement))


def is_set(statement: str) -> bool:
    return bool(_SET.match(statement))


def used_database(statement: str) -> str | None:
    """Name the database a USE statement selects; None for other statements."""
    found = _USE.match(statement)
    return found[1].strip('`"') if found else None


def parse_kill(statement: str) -> Kill | None:
    begins = _KILL_BEGINS.match(statement)
    if begins is None:
        return None
    rest = statement[begins.end():].rstrip().removesuffix(";").rstrip()
    mode, output = "ASYNC", "TabSeparated"
    words = rest.rsplit(None, 2)
    if len(words) == 3 and words[1].upper() == "FORMAT":
        rest, _, output = words
    words = rest.rsplit(None, 1)
    if len(words) == 2 and words[1].upper() in _KILL_MODES:
        rest, mode = words[0], words[1].upper()
    return Kill(rest.rstrip(), mode == "SYNC", mode == "TEST", output) if rest else None


def show_query_ids(statement: str) -> str:
    """Let a reader of `system.processes` see the query ids that came by HTTP."""
    identified = f"* REPLACE ({QUERY_ID_EXPRESSION} AS query_id)"
    replaced = f"(SELECT {identified} FROM system.processes)"  # noqa: S608 - constants only
    return _PROCESSES.sub(replaced, statement)


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quote_identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def set_statement(settings: Mapping[str, str]) -> str:
    """Write one SET for all settings; raises ValueError for a name that is none."""
    return "SET " + ", ".join(f"{_name(name)} = {quote(text)}" for name, text in settings.items())


def unset_statement(names: Iterable[str]) -> str:
    return "SET " + ", ".join(f"{_name(name)} = DEFAULT" for name in names)


def _name(name: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a setting")
    return name
