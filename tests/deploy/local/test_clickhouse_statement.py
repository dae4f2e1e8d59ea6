"""Statements are recognised for what they are, and changed only where the engine needs it."""

import pytest

from deploy.local import clickhouse_statement as sql


@pytest.mark.parametrize(
    ("text", "statement", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", "INSERT INTO t", "Native", b"\x01\x02"),
        (b"insert into d.t (a, `b)`) format Arrow\nX", "insert into d.t (a, `b)`)", "Arrow", b"X"),
        (
            b"INSERT INTO t SETTINGS async_insert=0 FORMAT CSV\n1,2\n",
            "INSERT INTO t SETTINGS async_insert=0",
            "CSV",
            b"1,2\n",
        ),
        (b'INSERT INTO t FORMAT JSONEachRow {"a":1}', "INSERT INTO t", "JSONEachRow", b'{"a":1}'),
    ],
)
def test_an_insert_with_data_is_split(
    text: bytes, statement: str, data_format: str, data: bytes
) -> None:
    """Statement, format and data part at the right byte."""
    head = sql.parse_insert(text)

    assert head is not None
    assert (head.statement, head.data_format) == (statement, data_format)
    assert text[head.data_offset :] == data


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT Native\n",
        b"INSERT INTO t VALUES ('x FORMAT Native\n')",
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t (a, b) FORM",
    ],
)
def test_what_is_no_insert_with_data_is_left_alone(text: bytes) -> None:
    """A value that looks like a clause is still a value."""
    assert sql.parse_insert(text) is None


def test_settings_of_an_insert_follow_its_file() -> None:
    """The engine takes SETTINGS only between the file and the format."""
    head = sql.parse_insert(b"INSERT INTO t SETTINGS a=1 FORMAT CSV\n")
    assert head is not None

    statement = sql.infile_statement(head, "/it's", "zstd")

    expected = r"INSERT INTO t FROM INFILE '/it\'s' COMPRESSION 'zstd' SETTINGS a=1 FORMAT CSV"
    assert statement == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "KILL QUERY WHERE query_id LIKE 'a-%' SYNC",
            sql.Kill(
                "query_id LIKE 'a-%'",
                synchronous=True,
                only_test=False,
                output_format="TabSeparated",
            ),
        ),
        (
            "kill query where user='x' async format JSONEachRow",
            sql.Kill("user='x'", synchronous=False, only_test=False, output_format="JSONEachRow"),
        ),
        (
            "KILL QUERY WHERE query_id = 'SYNC'",
            sql.Kill(
                "query_id = 'SYNC'",
                synchronous=False,
                only_test=False,
                output_format="TabSeparated",
            ),
        ),
        ("KILL MUTATION WHERE 1", None),
        ("SELECT 'KILL QUERY WHERE 1'", None),
    ],
)
def test_a_kill_is_recognised(text: str, expected: sql.Kill | None) -> None:
    """Condition, mode and format of a KILL QUERY are told apart."""
    assert sql.parse_kill(text) == expected


def test_a_setting_needs_a_name_and_its_value_is_quoted() -> None:
    """Nothing that comes over HTTP leaves its place in a statement."""
    assert sql.set_statement({"a": "it's", "b": "\\"}) == r"SET a = 'it\'s', b = '\\'"
    with pytest.raises(ValueError, match="not the name of a setting"):
        sql.set_statement({"a=1, readonly": "0"})


def test_the_wanted_format_wins_over_the_fallback() -> None:
    """A FORMAT clause names the format and is taken off; without one the fallback stays."""
    assert sql.output_format("SELECT 1 FORMAT Arrow;", "Native") == "Arrow"
    assert sql.without_format("SELECT 1 FORMAT Arrow;") == "SELECT 1"
    assert sql.output_format("SELECT 1", "Native") == "Native"


def test_used_databases_are_recognised() -> None:
    """USE in its spellings, and nothing else."""
    assert sql.used_database("USE `votes`;") == "votes"
    assert sql.used_database("use votes") == "votes"
    assert sql.used_database("SELECT 'USE votes'") is None
