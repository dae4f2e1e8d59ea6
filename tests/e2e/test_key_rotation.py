"""The runbook of keys, step by step, on real gateways and a notary: nothing signed is lost."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import Broker
from sinks.transparency.policy import parse_policy
from tests.e2e.running import scrutin
from tests.harness import Stack, Worker, stack_on
from tests.producers.gateway.booths import Browser, RunningGateway, event_of, opened, started
from tests.waiting import WAIT_SECONDS, until, until_found


BEGINS_IN = "20"
"""The least that the command takes: two looks of a gateway."""


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of a test's own; end its processes afterwards."""
    with stack_on(broker, topic_prefix, 2, tmp_path) as found:
        yield found


@dataclass
class Operator:
    """Whoever follows the runbook."""

    stack: Stack
    gateways: list[RunningGateway] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        return self.stack.worker("keys").environment

    def keys(self, *words: str, expected: int = 0) -> Any:
        """Run `scrutin keys`; return what it says."""
        return json.loads(scrutin(self.settings, "keys", *words, expected=expected).stdout or "{}")

    def held(self, kind: str) -> list[tuple[str, str]]:
        """List the keys of a kind: how each stands here, and in the log."""
        return [(key["state"], key["named"]) for key in self.keys("list", "--json")
                if key["kind"] == kind]

    def retires(self, kind: str) -> bool:
        """Whether the old keys of a kind can go by now, and went."""
        try:
            return bool(self.keys("retire", kind, "--yes")["retired"])
        except AssertionError:
            return False


@dataclass
class Voter:
    """Somebody with a cookie, an open page and a receipt, all signed at one time."""

    cookies: dict[str, str]
    pseudonym: bytes
    proof: str
    receipt: dict[str, Any]


async def arrived(gateway: RunningGateway) -> Voter:
    """Come to a gateway as a new voter, look at a page and vote."""
    async with Browser(gateway.url) as browser:
        shown = (await browser.client.get("/v1/consultations/town/sequence")).json()
        proof = next(each["proof"] for each in shown["proposals"] if each["id"] == "p1")
        receipt = (await browser.vote("p1", proof=proof)).json()
        return Voter(dict(browser.client.cookies), event_of(receipt)[1]["voter"], proof, receipt)


async def known(voter: Voter, gateway: RunningGateway, choice: str) -> bool:
    """Whether a gateway knows the voter, and believes that the proposal was shown."""
    async with Browser(gateway.url) as browser:
        browser.client.cookies.update(voter.cookies)
        answer = (await browser.vote("p1", choice, proof=voter.proof)).json()
    _, fields = event_of(answer)
    return bool((fields["voter"], fields["trust"]) == (voter.pseudonym, "trusted"))


async def proven(voter: Voter, gateway: RunningGateway, folder: Path) -> str:
    """Check a receipt offline with what the public address gives; say what the command says."""
    receipt, prefix = voter.receipt, gateway.topics.prefix
    where = f"/v1/receipts/{receipt['partition']}/{receipt['offset']}"
    async with asyncio.timeout(WAIT_SECONDS), Browser(gateway.url) as browser:
        while (proof := await browser.client.get(where)).status_code != 200:
            await asyncio.sleep(0.1)
        for name, text in (
                ("receipt", json.dumps(receipt)), ("proof", proof.text),
                ("keys", (await browser.client.get(f"/log/{prefix}/keys")).text),
                ("policy", (await browser.client.get(f"/log/{prefix}/policy")).text)):
            (folder / name).write_text(text)
    return scrutin({}, "receipt", "verify", str(folder / "receipt"), "--prefix", prefix, *(
        word for name in ("keys", "proof", "policy") for word in (
            f"--{name}", str(folder / name)))).stdout


async def stands(voter: Voter, gateway: RunningGateway, folder: Path, state: str) -> bool:
    """Whether a checkpoint commits by now to a receipt's key in a state: the log has it first.

    A checkpoint signed between two fetches does not fit the list of keys: they are fetched again.
    """
    try:
        said = await proven(voter, gateway, folder)
    except AssertionError:
        return False
    return bool(re.search(
        rf"signature: valid.*, now {state}, and this checkpoint commits to that", said, re.DOTALL))


async def signing(gateway: RunningGateway) -> str:
    """Return the key that a gateway signs receipts with."""
    async with Browser(gateway.url) as browser:
        return str((await browser.client.get("/v1/keys")).json()["receipt"])


def restarted(notary: Worker) -> None:
    """Start the notary again, as the runbook says for keys of logs."""
    notary.kill()
    notary.start()


async def test_every_key_is_changed_under_voters_who_notice_nothing(
    stack: Stack, tmp_path: Path
) -> None:
    """Cookies, proofs, receipts of before and after work on both gateways, before and after."""
    await opened(stack)
    operator = Operator(stack)
    notary = stack.started("notary", SCRUTIN_CHECKPOINT_SECONDS="0.2")
    first, second = started(stack, "1"), started(stack, "2")
    for gateway in (first, second):
        await gateway.ready()
    await notary.says("keys of logs named")
    early = await arrived(first)
    before = await signing(first)
    policy = stack.folder / "data/transparency" / stack.topics.prefix / "policy"

    for kind in ("device", "view", "receipt"):
        operator.keys("rotate", kind, "--begins-in", BEGINS_IN)
    operator.keys("rotate", "log")
    restarted(notary)
    async with asyncio.timeout(WAIT_SECONDS):
        while before in {await signing(first), await signing(second)}:
            await asyncio.sleep(0.2)
    late = await arrived(second)

    assert late.receipt["key"] != early.receipt["key"]
    for voter in (early, late):
        for gateway, choice in ((first, "disagree"), (second, "neutral")):
            assert await known(voter, gateway, choice)

    await until(lambda: operator.retires("receipt"))
    await until(lambda: operator.retires("log"))
    restarted(notary)
    for voter, state in ((early, "retired"), (late, "in use")):
        await until_found(partial(stands, voter, first, tmp_path, state))
    assert (operator.held("receipt"), operator.held("log")) == (
        [("signs", "in_use")], [("signs", "in_use")] * 4)
    assert all(len(log.publics) == 2 for log in parse_policy(policy.read_text()).values())
