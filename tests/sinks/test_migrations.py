"""The tables are made by numbered files, each applied once."""

import pytest

from deploy.local.services import ClickHouse
from sinks import migrations
from sinks.migrations import MigrationChanged, migrate
from sinks.store import connect


def test_migrations_are_applied_once(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """The first start applies every file in order, the second none."""
    client = connect(clickhouse.url, topic_prefix)
    assert migrate(client) == [migration.name for migration in migrations.migrations()]
    assert migrate(client) == []


def test_a_migration_cut_short_is_applied_again(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A process that died between a table and its note leaves nothing in the way."""
    client = connect(clickhouse.url, topic_prefix)
    migrate(client)
    client.command("ALTER TABLE applied_migrations DELETE WHERE number = 2",
                   settings={"mutations_sync": 1})
    assert migrate(client) == ["002_decisions.sql"]


def test_an_edited_migration_is_refused(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A file that reads differently than when it was applied stops the archive."""
    client = connect(clickhouse.url, topic_prefix)
    migrate(client)
    client.command("ALTER TABLE applied_migrations UPDATE sha256 = 'other' WHERE number = 1",
                   settings={"mutations_sync": 1})
    with pytest.raises(MigrationChanged, match="never edited"):
        migrate(client)


def test_numbers_have_no_gap() -> None:
    """The files are numbered 1, 2, 3 …, so that nobody applies one before another."""
    numbers = [migration.number for migration in migrations.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
