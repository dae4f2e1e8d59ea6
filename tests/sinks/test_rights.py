"""What `scrutin acls --format clickhouse` grants is enough for each process, and not too much."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.clickhouse_wall import REFUSED_WORDS
from schemas.topics import Topics
from sinks.rights import PROCESSES, for_clickhouse
from sinks.store import connect
from tests.acceptance.accounts import goes_beyond, works
from tests.e2e.running import scrutin
from tests.sinks.account import serving


DATABASE = "kept"
TOPICS = Topics("town", 2)


def of_account(printed: list[str], process: str) -> list[str]:
    """Return the rights of one process among what is printed."""
    end = f" TO `scrutin_{process}`;"
    return [line.removesuffix(end) for line in printed if line.endswith(end)]


def test_each_account_does_its_work_and_nothing_else(tmp_path: Path) -> None:
    """The engine itself decides, account after account, over tables that the archive's made."""
    printed = scrutin({"SCRUTIN_CLICKHOUSE_DATABASE": DATABASE, "SCRUTIN_TOPIC_PREFIX": "town"},
                      "acls", "--format", "clickhouse").stdout.splitlines()
    beyond = {}
    for process in PROCESSES:
        with (serving(tmp_path, of_account(printed, process)) as service,
              connect(service.url, DATABASE, create=process == "archive") as client):
            works(process, client, TOPICS)
            beyond[process] = goes_beyond(process, client, TOPICS)

    assert beyond == {process: [] for process in PROCESSES}


def test_an_account_with_too_little_or_too_much_is_seen(tmp_path: Path) -> None:
    """The walk that finds nothing above finds what was granted besides, and misses what was not."""
    printed = list(for_clickhouse(TOPICS, DATABASE, "scrutin_{process}"))
    with (serving(tmp_path, of_account(printed, "archive")) as service,
          connect(service.url, DATABASE) as client):
        works("archive", client, TOPICS)
    views = [*of_account(printed, "views"), f"GRANT SELECT ON {DATABASE}.patrol_log",
             f"GRANT INSERT ON {DATABASE}.votes_log", "GRANT CREATE DATABASE ON *.*"]
    with (serving(tmp_path, views) as service,
          connect(service.url, DATABASE, create=False) as client):
        assert goes_beyond("views", client, TOPICS) == [
            "read patrol_log", "write votes_log", "make databases of others"]
        with pytest.raises(ClickHouseError, match="ACCESS_DENIED"):
            works("recount", client, TOPICS)
    assert not any(REFUSED_WORDS.search(line) for line in printed)
