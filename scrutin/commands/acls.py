"""`scrutin acls`: what may each process do on Kafka, and in ClickHouse?"""

from enum import StrEnum
from typing import Annotated

import typer

from schemas import accounts
from scrutin import addresses
from scrutin.settings import load
from sinks import rights


class Format(StrEnum):
    """Who is to read it."""

    KAFKA = "kafka"
    STRIMZI = "strimzi"
    CLICKHOUSE = "clickhouse"


ACCOUNTS = {Format.KAFKA: "User:scrutin-{process}", Format.CLICKHOUSE: "scrutin_{process}"}
"""What the account of a process is called where nobody says otherwise."""


def acls(
    *,
    form: Annotated[Format, typer.Option(
        "--format", help="kafka: commands of Kafka's own tool; strimzi: a KafkaUser of each "
        "process; clickhouse: statements in SQL.")] = Format.KAFKA,
    principal: Annotated[str | None, typer.Option(
        help="With kafka and clickhouse: the account of a process, whose name stands for "
        "{process}; without it User:scrutin-{process} and scrutin_{process}.",
        show_default=False)] = None,
    cluster: Annotated[str, typer.Option(
        help="With strimzi: the name of the Kafka resource.")] = "kafka",
) -> None:
    """Print the permissions of an account for each process, and one for operators.

    On Kafka from the code's own table of topics, for the topics that the settings name; in
    ClickHouse from that of the archive's tables, for the database that they name. Nothing is
    asked, and nothing changed. `provision` needs its account only while it runs, and `restore` too.
    """
    settings = load()
    topics = addresses.topics(settings)
    named = principal or ACCOUNTS.get(form, "")
    if form is Format.KAFKA:
        lines = accounts.for_kafka(topics, named)
    elif form is Format.STRIMZI:
        lines = accounts.for_strimzi(topics, cluster)
    else:
        lines = rights.for_clickhouse(topics, settings.clickhouse_database, named)
    for line in lines:
        typer.echo(line)
