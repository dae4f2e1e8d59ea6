"""Real parts for every test: one Kafka broker and one ClickHouse per session, apart by prefix."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import services


CACHE_FOLDER = Path("~/.cache/scrutin")


@pytest.fixture(scope="session")
def cache_folder() -> Path:
    """Name the folder that keeps Kafka's jars from one session to the next."""
    return CACHE_FOLDER


@pytest.fixture(scope="session")
def broker(
    tmp_path_factory: pytest.TempPathFactory, cache_folder: Path
) -> Iterator[services.Broker]:
    """Run a real Kafka broker for the whole session; tests keep apart with `topic_prefix`."""
    service = services.start_broker(tmp_path_factory.mktemp("kafka"), cache_folder)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.ClickHouse]:
    """Run ClickHouse for the whole session; tests keep apart with databases of their own."""
    service = services.start_clickhouse(tmp_path_factory.mktemp("clickhouse"))
    yield service
    service.stop()


@pytest.fixture
def topic_prefix() -> str:
    """Make a prefix for topics (and databases) that no other test uses."""
    return f"test_{uuid.uuid4().hex[:12]}"
