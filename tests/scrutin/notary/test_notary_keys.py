"""A notary names the keys of its logs in the catalogue, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from schemas import codec
from schemas.named_keys import NamedKey
from sinks.transparency.policy import parse_policy
from tests.harness import Stack, read_to_end, stack_on
from tests.producers.gateway.booths import opened
from tests.waiting import until


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of a test's own; end its processes afterwards."""
    with stack_on(broker, topic_prefix, 2, tmp_path) as found:
        yield found


async def test_the_keys_of_logs_are_named_in_the_catalogue(stack: Stack) -> None:
    """All that the policy lists, in use; a notary started again writes nothing more."""
    await opened(stack)
    notary = stack.started("notary", SCRUTIN_CHECKPOINT_SECONDS="0.2")
    await notary.says("keys of logs named")
    notary.kill()
    notary.start()
    folder = stack.folder / "data/transparency" / stack.topics.prefix
    await until(lambda: (folder / "keys").read_text().count(" log in_use ") == 4)
    records = await read_to_end(stack.kafka, stack.topics.catalogue, 1)
    named = [fields for event, fields in (codec.decode(each.value) for each in records)
             if event == "PublicKeyNamed"]

    assert {NamedKey(each["kind"], each["name"], each["public"], each["state"])
            for each in named} == {
        NamedKey("log", name, verifier.public, "in_use")
        for name, verifier in parse_policy((folder / "policy").read_text()).items()}
    assert len(named) == 4
