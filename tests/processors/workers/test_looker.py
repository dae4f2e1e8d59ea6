"""One question at a time, and nothing asked of the broker between two."""

import pytest
from aiokafka import TopicPartition

from deploy.local.services import Broker
from processors.workers import looker as lookers
from processors.workers.looker import Looker
from schemas.topics import Topics
from tests.sinks.topics import append, create


async def test_who_looked_something_up_fetches_no_more(broker: Broker, topic_prefix: str) -> None:
    """A consumer that stood at the end would ask for more twice a second, for nobody."""
    topics = Topics(topic_prefix, 1)
    place = TopicPartition(topics.catalogue, 0)
    await create(broker.address, topics)
    await append(broker.address, topics.catalogue, [[b"a", b"b"]])
    looker = Looker(broker.address)
    try:
        values = await looker.values(place, 0)
        after_values = looker._consumer and looker._consumer.paused()
        _, value = await looker.record(place, 1)
        after_record = looker._consumer and looker._consumer.paused()
        again = await looker.values(place, -1)
    finally:
        await looker.stop()

    assert (values, value, again) == ([b"a", b"b"], b"b", [b"b"])
    assert after_values == after_record == {place}


async def test_who_asks_for_ends_waits_for_no_other_question_without_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever watches for a stall asks so, and must come round while another one hangs."""
    monkeypatch.setattr(lookers, "LOOK_UP_SECONDS", 0.05)
    looker = Looker("127.0.0.1:1")
    async with looker._asking:
        with pytest.raises(TimeoutError):
            await looker.ends([TopicPartition("votes", 0)])
