"""What writes records to a partition."""

import socket

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from processors.workers.batches import MAX_BATCH_BYTES, Batch, Record, connected_producer


RECORDS: list[Record] = [
    (bytes([number % 256]) * (number % 700), b"key" if number % 3 else None, 1_000_000 + number)
    for number in range(4_000)]


async def test_a_broker_that_does_not_answer_is_given_up() -> None:
    """It takes connections and says nothing: the reason is told, and nothing is left open."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError, match=f"the broker at {address} does not answer"):
            await connected_producer(address, seconds=0.3)


def test_a_batch_is_what_aiokafka_writes_record_by_record() -> None:
    """Filled at once or in two parts, its bytes are the same; what does not fit is given back."""
    usual, filled = BatchBuilder(MAX_BATCH_BYTES, 0), Batch()
    fitting = 0
    for value, key, timestamp in RECORDS:
        if usual.append(timestamp=timestamp, key=key, value=value) is None:
            break
        fitting += 1
    assert 0 < fitting < len(RECORDS)

    assert filled.fill(iter(RECORDS[:100]), []) is None
    left = iter(RECORDS[100:])

    assert filled.fill(left, []) == RECORDS[fitting]
    assert list(left) == RECORDS[fitting + 1:]
    assert filled.record_count() == fitting
    assert bytes(filled._build()) == bytes(usual._build())
