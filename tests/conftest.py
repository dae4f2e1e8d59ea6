"""Real parts for every test: one Kafka broker and one ClickHouse per session, apart by prefix."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from deploy.local import services
from tests.recipes import Copy


hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
"""No test fails for being slow on a busy machine: speed is measured in benchmarks."""

CACHE_FOLDER = Path("~/.cache/scrutin")


BUSY = ("test_changing.py", "test_changing_rules.py", "test_linear.py", "test_fuzz.py")
"""Files that keep one core for a minute: begun last, they would be waited for alone."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the busy files, whatever order was drawn."""
    items.sort(key=lambda item: item.path.name not in BUSY)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Fail a test that sets this process's log up, as commands do: all later ones would have it."""
    before = structlog.get_config()
    yield
    after = structlog.get_config()
    # `capture_logs` configures too, and puts back what was there.
    structlog.reset_defaults()
    if after != before:
        pytest.fail("run what sets its log up in a process of its own")


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


@pytest.fixture
def own_broker(tmp_path: Path, cache_folder: Path) -> Iterator[services.Broker]:
    """Run a broker that the test may stop, kill or freeze: others would notice the session's."""
    service = services.start_broker(tmp_path / "kafka", cache_folder)
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


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Copy the tree once for the recipes of a file."""
    found = Copy(tmp_path_factory.mktemp("tree") / "copy")
    yield found
    found.end()


@pytest.fixture
def copy(tree: Copy) -> Copy:
    """Give that copy as the tree is: what a recipe changed before is gone."""
    tree.begin()
    return tree
