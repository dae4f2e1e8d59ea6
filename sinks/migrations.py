"""The archive's tables: numbered SQL files, each applied once and in order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from clickhouse_connect.driver.client import Client


PARTICIPANTS = "_participants"
"""Behind the archive's own name, the database of participants' descriptions."""
APPLIED = """
CREATE TABLE IF NOT EXISTS applied_migrations
(number UInt32, name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY number
"""


class MigrationChanged(Exception):
    """A migration that was applied reads differently now: the tables are not what it says."""


@dataclass(frozen=True)
class Migration:
    """One numbered file of SQL statements."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """Yield the statements one by one: the HTTP interface takes one at a time."""
        lines = (line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        for statement in "\n".join(lines).split(";\n"):
            if statement.strip():
                yield statement.strip().rstrip(";")


def migrations() -> list[Migration]:
    """Read all migrations, in order."""
    files = sorted(
        (file for file in (resources.files("sinks") / "tables").iterdir()
         if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [Migration(int(file.name[:3]), file.name, file.read_text("utf-8")) for file in files]


def participants_database(client: Client) -> str:
    """Name the database in which participants' descriptions are kept, apart from all else."""
    return f"{client.database}{PARTICIPANTS}"


def migrate(client: Client) -> list[str]:
    """Apply what is not applied yet; return the names applied.

    Every statement may be run twice, for a process may end between a statement and the row that
    says it is done. Raise MigrationChanged where an applied file was edited.
    """
    client.command(APPLIED)
    rows = client.query("SELECT number, sha256 FROM applied_migrations").result_rows
    done = {int(row[0]): str(row[1]) for row in rows}
    applied = []
    for migration in migrations():
        if migration.number in done:
            _require_same(migration, done[migration.number])
            continue
        for statement in migration.statements():
            apart = {"participants": participants_database(client)}
            client.command(statement, parameters=apart if "{participants:" in statement else None)
        client.command(
            "INSERT INTO applied_migrations (number, name, sha256) SELECT "
            "{number:UInt32}, {name:String}, {sha256:String}",
            parameters={"number": migration.number, "name": migration.name,
                        "sha256": migration.sha256},
        )
        applied.append(migration.name)
    return applied


def _require_same(migration: Migration, sha256: str) -> None:
    if migration.sha256 != sha256:
        raise MigrationChanged(
            f"{migration.name} was applied with other contents (SHA-256 {sha256}). An applied "
            "migration is never edited: restore it and write the change as the next number."
        )
