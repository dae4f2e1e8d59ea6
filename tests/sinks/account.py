"""ClickHouse as one account sees it: the engine with these rights and no others.

`python -m tests.sinks.account FOLDER PORT RIGHT...` serves a folder as the local stack does.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import clickhouse, clickhouse_process
from deploy.local.clickhouse import ClickHouseConfiguration
from deploy.local.ports import find_free
from deploy.local.services import ClickHouse


class OfAccount(ClickHouse):
    """A running ClickHouse whose only user may do this."""

    def __init__(self, configuration: ClickHouseConfiguration, rights: list[str]) -> None:
        super().__init__(configuration)
        self._rights = rights

    def _prepare(self) -> list[str]:
        clickhouse.prepare_folder(self.configuration)
        return [sys.executable, "-m", "tests.sinks.account", str(self.configuration.folder),
                str(self.port), *self._rights]


OF_THE_STAND_IN = "GRANT CREATE DATABASE, DROP DATABASE ON default.*"
"""What it needs for itself at its start, in a database where nothing is."""


@contextmanager
def serving(folder: Path, rights: list[str]) -> Iterator[ClickHouse]:
    """Serve what lies in a folder to an account with these rights."""
    service = OfAccount(ClickHouseConfiguration(folder.resolve(), find_free(1)[0]), rights)
    service.start()
    try:
        yield service
    finally:
        service.stop()


if __name__ == "__main__":
    clickhouse_process.serve(Path(sys.argv[1]), int(sys.argv[2]), [OF_THE_STAND_IN, *sys.argv[3:]])
