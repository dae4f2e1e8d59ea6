"""One consultation, exported once for all tests of bundles."""

import uuid

import pytest

from deploy.local.services import ClickHouse
from tests.sinks.ballots import random_box
from tests.sinks.bundle.making import Made, made


@pytest.fixture(scope="session")
def exported(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export a closed consultation with every kind of event, oddity and control."""
    prefix = f"test_{uuid.uuid4().hex[:12]}"
    return made(clickhouse.url, prefix, random_box(21, 400), tmp_path_factory.mktemp("bundles"))
