"""A receipt tells the truth: the event lies where it says, as cast, and the signature holds."""

import asyncio
import base64
import functools
import hashlib
import json
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import receipts
from schemas.topics import partition_of
from tests.e2e.running import scrutin
from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway.booths import (
    Browser,
    RunningGateway,
    event_of,
    holds,
    opened,
    started,
)
from tests.waiting import until


async def test_a_receipt_names_the_event_that_lies_in_the_log(gateway: RunningGateway) -> None:
    """The record at the receipt's offset is the receipt's event, in the voter's partition."""
    async with Browser(gateway.url) as browser:
        answer = await browser.vote("p1", "disagree")
    receipt = answer.json()

    assert answer.status_code == 202, answer.text
    value = await gateway.value_at(receipt["partition"], receipt["offset"])
    assert base64.b64decode(receipt["event"]) == value
    event, fields = event_of(receipt)
    assert event == "VoteCast"
    assert (fields["consultation"], fields["proposal"], fields["choice"], fields["trust"]) == (
        "town", "p1", "disagree", receipt["trust"])
    assert fields["event_id"].hex() == receipt["event_id"]
    assert partition_of(fields["voter"], gateway.topics.partitions) == receipt["partition"]


async def test_the_signature_of_a_receipt_holds_for_it_alone(gateway: RunningGateway) -> None:
    """The published key verifies the receipt, and no other offset, partition or event."""
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote()).json()
        public = base64.b64decode((await browser.client.get("/v1/keys")).json()["receipt"])

    topic = gateway.topics.votes
    assert holds(receipt, public, topic)
    assert not holds(receipt, public, topic, offset=receipt["offset"] + 1)
    assert not holds(receipt, public, topic, partition=1 - receipt["partition"])
    assert not holds(receipt, public, topic, event=base64.b64decode(receipt["event"])[:-1] + b"x")
    assert not holds(receipt, public, topic, inclusion_seconds=3_601)
    assert not holds(receipt, public, "other.votes")


async def test_a_voter_checks_a_vote_by_what_the_public_address_gives(
    gateway: RunningGateway, shared_stack: Stack, tmp_path: Path
) -> None:
    """Receipt, keys, policy and proof, saved from the gateway's address, verify offline."""
    notary = shared_stack.started("notary", SCRUTIN_CHECKPOINT_SECONDS="0.2")
    prefix = gateway.topics.prefix
    async with Browser(gateway.url) as browser:
        receipt = (await browser.vote("p2")).json()
        where = f"/v1/receipts/{receipt['partition']}/{receipt['offset']}"
        async with asyncio.timeout(WAIT_SECONDS):
            while (proof := await browser.client.get(where)).status_code != 200:
                assert notary.running(), notary.log()
                await asyncio.sleep(0.1)
        for name, text in (
            ("receipt", json.dumps(receipt)), ("proof", proof.text),
            ("keys", (await browser.client.get("/v1/keys")).text),
            ("policy", (await browser.client.get(f"/log/{prefix}/policy")).text),
        ):
            (tmp_path / name).write_text(text)
    done = scrutin({}, "receipt", "verify", str(tmp_path / "receipt"), "--prefix", prefix, *(
        word for name in ("keys", "proof", "policy") for word in (
            f"--{name}", str(tmp_path / name))))

    assert "signature: valid" in done.stdout
    assert f"log: valid. It is entry {receipt['offset']} of localhost/log/{prefix}" in done.stdout


async def test_the_log_names_the_key_that_receipts_are_by(stack: Stack) -> None:
    """Named once for all gateways of a folder and every start, and receipts say which it is."""
    await opened(stack)
    first, second = started(stack, "1"), started(stack, "2")
    for gateway in (first, second):
        await gateway.ready()
        await until(functools.partial(_names_a_key, gateway.url))
    first.worker.kill()
    first.worker.start()
    await first.ready()
    await until(functools.partial(_names_a_key, first.url))
    async with Browser(first.url) as browser:
        receipt = (await browser.vote()).json()
        said = (await browser.client.get("/v1/keys")).json()
    named = [(fields["event_id"], fields["public"])
             for _, event, fields in await first.events(stack.topics.catalogue)
             if event == "PublicKeyNamed"]
    [(_, public)] = set(named)

    assert len(named) <= 2, "gateways that start at once may both name it, and nobody later"
    assert holds(receipt, public, stack.topics.votes)
    assert receipt["key"] == hashlib.sha256(public).digest()[:8].hex()
    assert said == {"receipt": base64.b64encode(public).decode(), "receipts": [
        {"id": receipt["key"], "public": base64.b64encode(public).decode(), "state": "in_use"}]}


def _names_a_key(url: str) -> bool:
    return "in_use" in httpx2.get(f"{url}/v1/keys").text


async def test_every_salt_is_its_own(gateway: RunningGateway) -> None:
    """Two votes alike have different salts: a leaf of the log betrays no choice."""
    async with Browser(gateway.url) as browser:
        salts = {event_of((await browser.vote()).json())[1]["salt"] for _ in range(5)}

    assert len(salts) == 5


@given(values=st.lists(st.binary(max_size=8), min_size=1, max_size=20), data=st.data())
def test_one_signature_covers_every_event_of_a_batch(
    values: list[bytes], data: st.DataObject
) -> None:
    """Of a batch of any size each event has a path that holds, and no other event has it."""
    key = Ed25519PrivateKey.generate()
    sealed = receipts.Batch("votes", 3, 70, values).seal(key)
    public = key.public_key().public_bytes_raw()
    place = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(st.binary(max_size=8).filter(lambda value: value != values[place]))

    def signed(event: bytes, offset: int, path: list[bytes]) -> bool:
        return receipts.is_signed(
            public, topic="votes", partition=3, offset=offset, event=event, first_offset=70,
            size=len(values), path=path,
            inclusion_seconds=receipts.INCLUSION_SECONDS, signature=sealed.signature)

    path = sealed.path(place)
    assert signed(values[place], 70 + place, path)
    assert not signed(other, 70 + place, path)
    assert not signed(values[place], 70 + len(values), path)
    assert not signed(values[place], 70 + place, [*path, bytes(32)])
    assert not path or not signed(values[place], 70 + place, path[:-1])
