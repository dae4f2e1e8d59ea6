"""One consultation, exported once for all tests of bundles."""

import uuid

import pytest

from deploy.local.services import ClickHouse
from tests.sinks.ballots import random_box
from tests.sinks.bundle.making import Made, made


@pytest.fixture(scope="session")
def exported(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export a closed consultation with every kind of event, oddity and control.

    Its partitions have more than 512 records: leaves are compared 256 at a time.
    """
    prefix = f"test_{uuid.uuid4().hex[:12]}"
    return made(clickhouse.url, prefix, random_box(21, 1_300), tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def exported_by_route(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export one in which rules 2 are adopted while people vote."""
    prefix = f"test_{uuid.uuid4().hex[:12]}"
    box = random_box(22, 700, voters=60, rises_at=100)
    return made(clickhouse.url, prefix, box, tmp_path_factory.mktemp("bundles"))
