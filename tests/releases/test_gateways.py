"""Gateways of both releases on one log: voters move between them, in either order of upgrading.

A gateway names its key of receipts in the catalogue, by an event that 0.1.0 does not know: ideas of
0.1.0 stop there, by name. So gateways come after ideas (docs/upgrade.md); who does it the other way
round sees results stand still until ideas are new, and loses nothing.
"""

import httpx2

from schemas.genesis import FIRST_GENESIS
from tests.harness import CATALOGUE, Stack
from tests.producers.gateway.booths import (
    Browser,
    RunningGateway,
    consultation,
    event_of,
    opened,
    started,
)
from tests.releases.rehearsal import PARTITIONS, end, everything_exact


DESCRIBED = [consultation("jeunes"), *CATALOGUE]


async def acts(first: RunningGateway, then: RunningGateway) -> list[httpx2.Response]:
    """Be shown proposals by one gateway, and act there and at the other one, by its proofs."""
    async with Browser(first.url) as browser:
        shown = (await browser.client.get("/v1/consultations/jeunes/sequence")).json()
        proofs = {one["id"]: one["proof"] for one in shown["proposals"]}
        found = [await browser.vote("p1", of="jeunes", proof=proofs["p1"])]
        browser.client.base_url = httpx2.URL(then.url)
        found.append(await browser.vote("p2", "neutral", of="jeunes", proof=proofs["p2"]))
        return [*found, await browser.post("jeunes/qualifications", {
            "proposal": "p1", "qualification": "like_it", "proof": proofs["p1"]})]


async def all_ways(*gateways: RunningGateway) -> int:
    """Have a voter of each pair of gateways; see that all acts are one voter's, trusted."""
    number = 0
    for first in gateways:
        for then in gateways:
            answers = await acts(first, then)
            assert [answer.status_code for answer in answers] == [202] * 3, answers[-1].text
            events = [event_of(answer.json())[1] for answer in answers]
            assert {fields["trust"] for fields in events} == {"trusted"}
            assert len({fields["voter"] for fields in events}) == 1
            number += len(answers)
    return number


async def named(gateway: RunningGateway) -> None:
    """Wait until a gateway of this release has named its key."""
    await gateway.worker.says("key of receipts named in the log")


async def test_gateways_may_be_upgraded_last(stack: Stack, release: dict[str, str]) -> None:
    """The order of docs/upgrade.md: no worker ends but in order, and the count is exact."""
    await opened(stack, catalogue=DESCRIBED, genesis=FIRST_GENESIS)
    old = [stack.started(name, **release) for name in ("ledger", "ideas")]
    first = started(stack, "old", **release)
    await first.ready()
    taken = await all_ways(first)
    for worker in old:
        end(worker)
    for name in ("ledger", "ideas"):
        stack.started(name, "2")
    second = started(stack, "new")
    await second.ready()
    await named(second)
    taken += await all_ways(first, second)
    end(first.worker)
    taken += await all_ways(second)

    assert sum(map(len, await everything_exact(stack))) == taken + PARTITIONS


async def test_gateways_may_be_upgraded_first(stack: Stack, release: dict[str, str]) -> None:
    """Old ledgers decide what new gateways take; old ideas stop by name until new ones go on."""
    await opened(stack, catalogue=DESCRIBED, genesis=FIRST_GENESIS)
    ledger, ideas = (stack.started(name, **release) for name in ("ledger", "ideas"))
    first = started(stack, "old", **release)
    await first.ready()  # Behind a key that is named it would take no vote.
    second = started(stack, "new")
    await second.ready()
    await named(second)
    taken = await all_ways(first, second)
    status = ideas.wait()
    end(first.worker)
    taken += await all_ways(second)
    stack.started("ideas", "2")
    decisions = await everything_exact(stack)

    assert (status, ledger.running()) == (70, True)
    assert "unknown schema id 57: this version of scrutin cannot read the record" in ideas.log()
    assert sum(map(len, decisions)) == taken + PARTITIONS
