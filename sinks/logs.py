"""The logs that are archived: topic, tables, and how a stretch of records becomes columns."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from schemas.topics import Topics
from sinks.columns.catalogue import catalogue_table
from sinks.columns.decisions import decisions_table
from sinks.columns.records import Records, kept_table
from sinks.columns.votes import votes_table
from sinks.migrations import PARTICIPANTS


PARTICIPANTS_TABLE = "participants_log"
"""In a database of its own: see `home_of`."""


@dataclass(frozen=True)
class ArchivedLog:
    """One topic and its table."""

    topic: str
    partitions: int
    table: str
    """Where the archive writes; everybody else reads the view of the same name without _log."""
    columns: Callable[[Records], pa.Table]


def archived_logs(topics: Topics) -> list[ArchivedLog]:
    """Every log that an auditor of the archive reads."""
    return [
        ArchivedLog(topics.votes, topics.partitions, "votes_log", votes_table),
        ArchivedLog(topics.decisions, topics.partitions, "decisions_log", decisions_table),
        ArchivedLog(topics.catalogue, 1, "catalogue_log", catalogue_table),
        ArchivedLog(topics.patrol, 1, "patrol_log", catalogue_table),
        ArchivedLog(topics.sequences, 1, "sequences_log", catalogue_table),
    ]


def kept_logs(topics: Topics) -> list[ArchivedLog]:
    """Every log the archive keeps: all that are for ever, to be restored if Kafka is lost."""
    return [
        *archived_logs(topics),
        ArchivedLog(topics.dead_letters, 1, "dead_letters_log", kept_table),
        ArchivedLog(topics.participants, 1, PARTICIPANTS_TABLE, kept_table),
    ]


def home_of(table: str, database: str) -> str:
    """Name the database of a table: participants' descriptions have one of their own."""
    return database + PARTICIPANTS if table == PARTICIPANTS_TABLE else database
