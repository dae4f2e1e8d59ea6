"""A campaign on a whole stack whose processes are killed: nothing is lost, nothing counts twice."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import clickhouse_connect

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from processors.results.results_document import flat, named
from producers.campaign import published
from producers.campaign.plan import Plan, plan
from schemas import codec
from schemas.topics import Topics
from sinks.transparency.policy import parse_policy
from sinks.transparency.results_folder import ResultsFolder
from tests.e2e.running import end_offsets, eventually, read, scrutin
from tests.e2e.stack import Stack, stack
from tests.producers.plays import PARTITIONS, records
from tests.sinks.transparency.keeping import entries_of, signed


SEED = 11
SCALE = 0.06
"""Some 70,000 records: enough for every kind of noise, small enough for a test."""
RECORDS_A_SECOND = 5_000
"""So the campaign lasts some fifteen seconds and is hit in the middle."""
TOPICS = Topics("scrutin", PARTITIONS)
CONSULTATION = "solutions-jeunes"

Cells = dict[tuple[bytes | None, str], int]
"""What each voter holds on each proposal in the end."""


async def simulated_while_killing(running: Stack, names: Iterable[str]) -> None:
    """Write the campaign, killing the named processes one after the other meanwhile."""
    chance = random.Random(SEED)
    simulator = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scrutin", "simulate", "--seed", str(SEED), "--scale", str(SCALE),
        "--rate", str(RECORDS_A_SECOND), env={**os.environ, **running.environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    votes = TOPICS.votes
    while sum(await end_offsets(running.kafka, votes, PARTITIONS)) < RECORDS_A_SECOND:
        await asyncio.sleep(0.2)
    for name in names:
        await eventually(partial(running.kill, name), f"{name} runs, and is killed")
        await asyncio.sleep(chance.uniform(0.8, 2.5))
    _, errors = await simulator.communicate()

    assert simulator.returncode == 0, errors.decode()


async def published_results(running: Stack) -> dict[str, Any]:
    """Wait until the results hold the whole log; return the document."""
    ends = await end_offsets(running.kafka, TOPICS.votes, PARTITIONS)
    found: dict[str, Any] = {}

    def complete() -> bool:
        found.update(json.loads(
            scrutin(running.environment, "results", CONSULTATION, "--json").stdout))
        return [offset + 1 for offset in found["as_of"]["votes"]] == ends and found["final"]

    await eventually(complete, "final results hold every vote")
    return found


def accepted(decisions: list[bytes]) -> list[bytes]:
    """Read decisions as everybody must: source offset = last + 1; a repeat has the same bytes."""
    taken: list[bytes] = []
    for value in decisions:
        offset = decode(value).source_offset
        if offset == len(taken):
            taken.append(value)
        elif offset < len(taken):
            assert taken[offset] == value
    return taken


def cells(decisions: Iterable[bytes]) -> Cells:
    """Fold decisions to what each voter holds in the end."""
    held: Cells = {}
    for value in decisions:
        decision = decode(value)
        held |= {(decision.voter, change.proposal): change.after for change in decision.changes}
    return held


def decided(votes: list[bytes], partition: int) -> list[bytes]:
    """Decide a partition without any disturbance."""
    ledger = Ledger(partition, PARTITIONS)
    return [value for offset, vote in enumerate(votes)
            if (value := ledger.decide(offset, vote)) is not None]


async def test_a_stack_whose_parts_are_sigkilled_leaves_what_an_undisturbed_one_would(
    tmp_path: Path, cache_folder: Path
) -> None:
    """Broker and patrol die once, ledger, ideas, archive and notary twice each: nothing shows it.

    A broker that dies while it is written to makes repeated records, and those change nothing.
    """
    campaign = plan(published.load(None), SEED, SCALE)
    with stack(tmp_path, cache_folder) as running:
        await simulated_while_killing(
            running, ("ledger", "archive", "kafka", "notary", "ideas", "patrol", "ledger", "notary",
                      "ideas", "archive"))
        document = await published_results(running)
        votes = await read(running.kafka, TOPICS.votes, PARTITIONS)
        decisions = await read(running.kafka, TOPICS.decisions, PARTITIONS)

        assert running.restarts()["kafka"] >= 1
        assert running.restarts()["patrol"] >= 1
        await eventually(lambda: all(
            running.restarts()[name] >= 2 for name in ("ledger", "ideas", "archive", "notary")),
            "all that was killed was started again")
        await check_transparency(tmp_path / "transparency", votes)
        await check_signed_results(running, tmp_path / "transparency/scrutin")
        check_archive(running, {TOPICS.votes: votes, TOPICS.decisions: decisions})
    check_counts(document, campaign)
    for partition, undisturbed in enumerate(undisturbed_votes(campaign)):
        made = accepted(decisions[partition])
        assert made == decided(votes[partition], partition)
        assert cells(made) == cells(decided(undisturbed, partition))


async def check_transparency(folder: Path, votes: list[list[bytes]]) -> None:
    """Each transparency log is soon that of its partition, under every checkpoint signed."""
    keys = parse_policy((folder / "scrutin/policy").read_text())
    for partition, values in enumerate(votes):
        place = f"scrutin/votes/{partition}"
        covered = partial(_says, folder / place / "checkpoint", f"\n{len(values)}\n")
        await eventually(covered, "a checkpoint covers every vote")
        logged, _ = signed(folder / place, keys[f"localhost/log/{place}"])
        assert logged == entries_of(values)


async def check_signed_results(running: Stack, folder: Path) -> None:
    """The final result is soon signed, and the recounts give the document that was."""
    note = folder / f"results/c-{CONSULTATION}/note"
    await eventually(partial(_says, note, "\nfinal yes\n"), "the final result is signed")
    document = folder / "signed.json"
    document.write_bytes(
        ResultsFolder(folder / "results").document(CONSULTATION) or b"")
    recount = scrutin(
        running.environment, "audit", "recount", CONSULTATION, "--json", "--document",
        str(document), "--note", str(note), "--policy", str(folder / "policy"))
    assert json.loads(recount.stdout), "the report alone is on stdout"
    assert "pure: partition 0" in recount.stderr, "progress is on stderr"
    document.write_bytes(document.read_bytes().replace(b'"final":true', b'"final":false'))
    scrutin(running.environment, "audit", "recount", CONSULTATION, "--document", str(document),
            "--note", str(note), "--policy", str(folder / "policy"), expected=4)


def _says(path: Path, words: str) -> bool:
    return path.exists() and words in path.read_text("utf-8")


def check_archive(running: Stack, logs: dict[str, list[list[bytes]]]) -> None:
    """The archive holds every record once, with its very bytes."""
    client = clickhouse_connect.get_client(dsn=running.clickhouse, database="scrutin")
    for topic, partitions in logs.items():
        view = topic.removeprefix("scrutin.")
        rows = client.query(
            f"SELECT count(), uniqExact(partition, offset) FROM {view}_log WHERE topic = '{topic}'"
        ).result_rows
        assert rows == [(sum(map(len, partitions)),) * 2]
        for partition, values in enumerate(partitions):
            archived = client.query(
                f"SELECT hex(value) FROM {view} WHERE topic = '{topic}' AND partition = "
                f"{partition} ORDER BY offset").result_columns
            assert list(archived[0]) == [value.hex().upper() for value in values]
    client.close()


def check_counts(document: dict[str, Any], campaign: Plan) -> None:
    """Every count is that of the undisturbed campaign; deliveries again may be more."""
    ledgers = [Ledger(partition, PARTITIONS) for partition in range(PARTITIONS)]
    for ledger, votes in zip(ledgers, undisturbed_votes(campaign), strict=True):
        for offset, value in enumerate(votes):
            ledger.decide(offset, value)
    expected: dict[str, list[int]] = {}
    for ledger in ledgers:
        for (_, proposal), counts in ledger.tallies().items():
            sums = expected.setdefault(proposal, [0] * len(counts))
            expected[proposal] = [a + b for a, b in zip(sums, counts, strict=True)]
    for block in document["proposals"]:
        found = flat(block)
        wanted = named(expected.get(block["id"], [0] * len(found)))
        again = {name: found[name] - wanted[name] for name in ("received", "repeated")}
        assert again["received"] == again["repeated"] >= 0, block["id"]
        assert found == wanted | {name: found[name] for name in again}, block["id"]


def undisturbed_votes(campaign: Plan) -> list[list[bytes]]:
    """Return what each partition holds when nothing goes wrong."""
    log: list[list[bytes]] = [[adopted(partition)] for partition in range(PARTITIONS)]
    for _, partition, _, value in records(campaign):
        if partition < PARTITIONS:
            log[partition].append(value)
    return log


def adopted(partition: int) -> bytes:
    """Make the first record of a partition."""
    return codec.encode(
        "RulesAdopted", event_id=bytes(16), ledger_version=1, partition=partition,
        partitions=PARTITIONS, salt=bytes(16), origin="operator", occurred_at=0)
