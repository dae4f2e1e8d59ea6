"""Stacks of workers: topics of a test's own on the shared broker, or on a broker of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from tests.harness import Stack, stack_on


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics of two partitions."""
    with stack_on(broker, topic_prefix, 2, tmp_path) as found:
        yield found


@pytest.fixture
def lone_stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics of one partition."""
    with stack_on(broker, topic_prefix, 1, tmp_path) as found:
        yield found


@pytest.fixture
def own_stack(own_broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics of two partitions on the test's own broker."""
    with stack_on(own_broker, topic_prefix, 2, tmp_path) as found:
        yield found
