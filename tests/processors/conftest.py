"""Stacks of workers: topics of a test's own on the shared broker, ended afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from schemas.topics import Topics
from tests.processors.harness import Stack


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of two partitions; end the workers of the test afterwards."""
    found = Stack(broker.address, Topics(topic_prefix, 2), tmp_path)
    yield found
    found.stop()


@pytest.fixture
def lone_stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of one partition; end the workers of the test afterwards."""
    found = Stack(broker.address, Topics(topic_prefix, 1), tmp_path)
    yield found
    found.stop()
