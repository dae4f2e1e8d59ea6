"""What is printed for Kafka's tools grants what the table says, and nothing else."""

import itertools

from schemas import accounts
from schemas.accounts import ACCOUNTS, Grant, grants
from schemas.topics import Topics


TOPICS = Topics("t", 4)


def test_commands_grant_what_the_table_says() -> None:
    """Each account gets its own, however permissions are put together in commands."""
    granted: dict[str, set[Grant]] = {}
    for command in accounts.for_kafka(TOPICS, "User:{process}"):
        words = command.split()
        process = _after(words, "allow-principal")[0].removeprefix("User:")
        granted.setdefault(process, set()).update(
            Grant(resource, name, operation) for resource in ("topic", "group")
            for name, operation in itertools.product(
                _after(words, resource), _after(words, "operation")))

    assert granted == {process: set(grants(process, TOPICS)) for process in ACCOUNTS}


def _after(words: list[str], option: str) -> list[str]:
    return [word for before, word in itertools.pairwise(words) if before == f"--{option}"]


def test_what_is_alike_is_granted_at_once() -> None:
    """Granting all takes minutes no more: a command starts a Java process."""
    commands = list(accounts.for_kafka(TOPICS, "User:{process}"))

    assert len(commands) < sum(len(list(grants(process, TOPICS))) for process in ACCOUNTS) / 5
    assert len(commands) == len(set(commands))


def test_whoever_archives_may_recount() -> None:
    """`scrutin audit recount` is run where the archive is, and asks what is published."""
    assert Grant("topic", TOPICS.results, "Read") in grants("archive", TOPICS)
