"""One gateway for the tests of a module that only ask; others start their own."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from schemas.topics import Topics
from tests.harness import Stack, stack_on
from tests.producers.gateway import booths


@pytest.fixture(scope="module")
def shared_stack(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Make the topics of a module's gateways and describe what can be voted on."""
    topics = Topics(f"test_{uuid.uuid4().hex[:12]}", 2)
    stack = Stack(broker.address, topics, tmp_path_factory.mktemp("gateway"))
    asyncio.run(booths.opened(stack))
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def gateway(shared_stack: Stack) -> booths.RunningGateway:
    """Run a gateway."""
    found = booths.started(shared_stack)
    asyncio.run(found.ready())
    return found


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of a test's own; end its processes afterwards."""
    with stack_on(broker, topic_prefix, 2, tmp_path) as found:
        yield found
