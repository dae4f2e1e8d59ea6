"""`scrutin acls`: what may each process do on Kafka?"""

from enum import StrEnum
from typing import Annotated

import typer

from schemas import accounts
from scrutin import addresses
from scrutin.settings import load


class Format(StrEnum):
    """Who is to read it."""

    KAFKA = "kafka"
    STRIMZI = "strimzi"


def acls(
    *,
    form: Annotated[Format, typer.Option(
        "--format", help="kafka: commands of Kafka's own tool; strimzi: a KafkaUser of each "
        "process.")] = Format.KAFKA,
    principal: Annotated[str, typer.Option(
        help="With kafka: the account of a process, whose name stands for {process}.")] =
        "User:scrutin-{process}",
    cluster: Annotated[str, typer.Option(
        help="With strimzi: the name of the Kafka resource.")] = "kafka",
) -> None:
    """Print the permissions on Kafka of an account for each process, and one for operators.

    From the code's own table of topics, for the topics that the settings name: nothing is asked,
    and nothing changed. `provision` needs its account only while it runs.
    """
    topics = addresses.topics(load())
    lines = (accounts.for_kafka(topics, principal) if form is Format.KAFKA
             else accounts.for_strimzi(topics, cluster))
    for line in lines:
        typer.echo(line)
