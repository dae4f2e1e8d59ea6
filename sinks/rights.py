"""Who may do what in ClickHouse: one user a process, and no more than that process does.

Theory of operation: whoever reads a view of the archive may also read the table that lies under it,
for a view reads with the rights of who asks. Nobody may delete, not the archive either. Tables and
views are those of `logs`, so that a new log is granted with its first release.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.topics import Topics
from sinks.logs import archived_logs, home_of, kept_logs
from sinks.migrations import PARTICIPANTS


MAKES = ("SELECT", "INSERT", "ALTER ADD COLUMN", "CREATE DATABASE", "CREATE TABLE", "CREATE VIEW",
         "DROP VIEW")
"""What the archive does in its databases; views are dropped to be made anew with more columns."""
ENGINES = ("MergeTree", "ReplacingMergeTree")
"""Of its tables; servers can ask for a right to each engine."""
FOR_DAYS = ("votes", "votes_log", "vote_quarters")
FOR_DOORS = ("sequences", "sequences_log")
PROCESSES = ("archive", "views", "recount", "restore")
"""`views` is for views and gateways, `recount` for people's audits and replays, `restore` for
`scrutin restore --into` alone: it reads participants' descriptions."""


class Right(NamedTuple):
    """Some privileges on one place, in ClickHouse's words."""

    privileges: tuple[str, ...]
    place: str

    @property
    def statement(self) -> str:
        """The grant, but for whom."""
        return f"GRANT {', '.join(self.privileges)} ON {self.place}"


def rights(process: str, topics: Topics, database: str) -> list[Right]:
    """Return what the user of a process may do."""
    if process == "archive":
        return [
            *(Right(MAKES, f"{quoted(each)}.*") for each in (database, database + PARTICIPANTS)),
            *(Right(("TABLE ENGINE",), engine) for engine in ENGINES),
            # It ends the inserts of the archive before it.
            Right(("SELECT",), "system.processes"), Right(("KILL QUERY",), "*.*")]
    return [Right(("SELECT",), f"{quoted(home)}.{quoted(table)}")
            for home, table in readable(process, topics, database)]


def readable(process: str, topics: Topics, database: str) -> list[tuple[str, str]]:
    """Name the tables and views, each with its database, that a process which only reads reads."""
    if process == "views":
        return [(database, table) for table in (*FOR_DAYS, *FOR_DOORS)]
    if process == "recount":
        return [(database, name) for log in archived_logs(topics)
                for name in (log.table.removesuffix("_log"), log.table)]
    if process == "restore":
        return [(home_of(log.table, database), log.table) for log in kept_logs(topics)]
    raise KeyError(process)


def for_clickhouse(topics: Topics, database: str, user: str) -> Iterator[str]:
    """Yield the statements that grant everything to everybody.

    `user` names that of a process, which stands for {process} in it.
    """
    yield "-- Make the users first, each with a password of its own:"
    for process in PROCESSES:
        yield (f"-- CREATE USER {quoted(user.format(process=process))} IDENTIFIED WITH "
               "sha256_password BY '...';")
    for process in PROCESSES:
        yield from granted(rights(process, topics, database), user.format(process=process))


def granted(found: Iterable[Right], user: str) -> Iterator[str]:
    """Yield the statement that grants each right to a user."""
    for right in found:
        yield f"{right.statement} TO {quoted(user)};"


def quoted(name: str) -> str:
    """Write a name as an identifier of ClickHouse's SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
