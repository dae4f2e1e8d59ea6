"""Who may do what on Kafka: one account a process, and no more than that process does. Pure.

Theory of operation: the table names logs as `Topics` does. Reading and writing let a process know
of a topic by themselves (Kafka's Describe); who only looks at where a log ends knows of it and
reads nothing. A process that makes sure of a topic's settings before it starts may see them
(DescribeConfigs). Members of consumer groups may read their group, which nobody else may.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from schemas.topics import Topics


LOGS = ("votes", "decisions", "tallies", "results", "catalogue", "participants", "sequences",
        "networks", "patrol", "clocks", "dead_letters")
"""Every topic, by its name in `Topics`."""
FOR_EVER = ("votes", "decisions", "catalogue", "participants", "sequences", "patrol",
            "dead_letters")
"""Those of which nothing is ever deleted or made again: the archive keeps them."""


@dataclass(frozen=True)
class Account:
    """What one process does on Kafka, by LOGS."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()
    """Looks at where these end."""
    checks: tuple[str, ...] = ()
    """Makes sure of the settings of these."""
    groups: tuple[str, ...] = ()
    """Is a member of these consumer groups, and may see who is: the topics' prefix comes before."""
    administers: bool = False
    """Makes topics and sets their settings."""


ACCOUNTS = {
    "provision": Account(
        reads=("votes", "catalogue"), writes=("votes", "catalogue"), checks=LOGS,
        administers=True),
    "ledger": Account(
        reads=("votes", "decisions", "catalogue"), writes=("decisions", "tallies", "dead_letters"),
        checks=("votes", "decisions", "catalogue", "tallies"), groups=("ledger",)),
    "ideas": Account(
        reads=("tallies", "catalogue", "participants", "results"), writes=("results",),
        checks=LOGS, groups=("ideas",)),
    "patrol": Account(
        reads=("votes", "catalogue", "networks", "patrol"), writes=("patrol", "votes", "networks"),
        checks=("votes", "catalogue", "networks", "patrol"), groups=("patrol",)),
    "archive": Account(
        # Recounts run where it runs, and ask what is published.
        reads=(*FOR_EVER, "results"), checks=FOR_EVER, groups=("archive",)),
    "restore": Account(reads=FOR_EVER, writes=FOR_EVER, checks=LOGS, administers=True),
    "notary": Account(
        # It names its own keys in the catalogue, and closes at the date of the broker's clock.
        reads=("votes", "decisions", "catalogue", "patrol", "results"),
        writes=("votes", "catalogue", "participants", "clocks"),
        checks=("votes", "catalogue", "results"), groups=("notary",)),
    "views": Account(
        reads=("results", "catalogue", "patrol"),
        knows=("votes", "decisions", "sequences", "dead_letters")),
    "gateway": Account(
        reads=("votes", "catalogue", "results", "networks", "patrol"),
        writes=("votes", "catalogue", "participants", "sequences", "networks", "clocks")),
    "operator": Account(
        reads=LOGS, writes=("votes", "catalogue", "participants"), checks=LOGS,
        groups=("ledger", "ideas", "patrol", "archive", "notary")),
}
"""Each process that opens a connection of its own; `operator` is for the commands of people."""


class Grant(NamedTuple):
    """One permission, in the words of Kafka's own tools."""

    resource: str
    """`topic` or `group`."""
    name: str
    operation: str


def grants(process: str, topics: Topics) -> Iterator[Grant]:
    """Yield what the account of a process may do."""
    account = ACCOUNTS[process]
    known = {*account.reads, *account.writes}
    for operation, logs in (
            ("Read", account.reads), ("Write", account.writes),
            ("Describe", [log for log in (*account.knows, *account.checks) if log not in known]),
            ("DescribeConfigs", account.checks)):
        for log in logs:
            yield Grant("topic", getattr(topics, log), operation)
    if account.administers:
        for operation in ("Create", "AlterConfigs"):
            for log in LOGS:
                yield Grant("topic", getattr(topics, log), operation)
    for group in account.groups:
        yield Grant("group", f"{topics.prefix}-{group}", "Read")


def for_kafka(topics: Topics, principal: str) -> Iterator[str]:
    """Yield the commands of Kafka's own tool that grant everything to everybody.

    `principal` names the account of a process, which stands for {process} in it. One command has
    all that may be done alike: each starts a Java process.
    """
    for process in ACCOUNTS:
        alike: dict[tuple[str, str], list[str]] = {}
        for (resource, name), operations in _gathered(process, topics).items():
            done = " ".join(f"--operation {each}" for each in operations)
            alike.setdefault((resource, done), []).append(f"--{resource} {name}")
        for (_, done), named in alike.items():
            yield ('kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$ADMIN" --add '
                   f"--allow-principal {principal.format(process=process)} "
                   f"{done} {' '.join(named)}")


def for_strimzi(topics: Topics, cluster: str) -> Iterator[str]:
    """Yield the lines of a KafkaUser of each process, for the operator of Strimzi (YAML)."""
    for process in ACCOUNTS:
        yield from ("---", "apiVersion: kafka.strimzi.io/v1", "kind: KafkaUser", "metadata:",
                    f"  name: {topics.prefix}-{process}", "  labels:",
                    f"    strimzi.io/cluster: {cluster}", "spec:", "  authentication:",
                    "    type: scram-sha-512", "  authorization:", "    type: simple", "    acls:")
        for (resource, name), operations in _gathered(process, topics).items():
            yield from ("      - resource:", f"          type: {resource}",
                        f"          name: {name}", "          patternType: literal",
                        f"        operations: [{', '.join(operations)}]")


def _gathered(process: str, topics: Topics) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for grant in grants(process, topics):
        found.setdefault((grant.resource, grant.name), []).append(grant.operation)
    return found
