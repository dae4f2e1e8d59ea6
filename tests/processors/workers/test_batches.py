"""What writes records to a partition."""

import socket

import pytest

from processors.workers.batches import connected_producer


async def test_a_broker_that_does_not_answer_is_given_up() -> None:
    """It takes connections and says nothing: the reason is told, and nothing is left open."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError, match=f"the broker at {address} does not answer"):
            await connected_producer(address, seconds=0.3)
