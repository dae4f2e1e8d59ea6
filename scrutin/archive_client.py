"""A connection to the archive that the settings name, for whoever only reads it."""

from clickhouse_connect.driver.client import Client

from scrutin import addresses
from scrutin.settings import Settings
from sinks.store import INSERT_SECONDS, connect


def archive_client(settings: Settings, *, seconds: float = INSERT_SECONDS) -> Client:
    """Connect; an answer is waited for so long. Nothing is made. Raises as `connect` does."""
    return connect(
        addresses.clickhouse_url(settings), settings.clickhouse_database, seconds=seconds,
        create=False, trust=settings.clickhouse_trust)
