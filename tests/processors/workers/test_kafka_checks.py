"""What a worker that starts is told of a broker that goes away."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NodeNotReadyError, RequestTimedOutError

from processors.workers.kafka_checks import BrokerUnreachable, check_topics


@pytest.mark.parametrize("error", [NodeNotReadyError(), RequestTimedOutError(), OSError("reset")])
async def test_a_broker_that_goes_away_between_two_questions_is_one_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, error: KafkaError | OSError
) -> None:
    """The worker ends with a sentence and status 3, as where there was none from the beginning."""
    closed = []

    async def connected(_admin: AIOKafkaAdminClient) -> None: ...

    async def gone(_admin: AIOKafkaAdminClient, _topics: list[str]) -> None:
        raise error

    async def close(admin: AIOKafkaAdminClient) -> None:
        closed.append(admin)

    monkeypatch.setattr(AIOKafkaAdminClient, "start", connected)
    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", gone)
    monkeypatch.setattr(AIOKafkaAdminClient, "close", close)

    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:9"):
        await check_topics("127.0.0.1:9", [])
    assert len(closed) == 1
