"""What release 0.1.0 left half done is finished by this one, without its snapshots.

Snapshots belong to the release that wrote them. A whole one of 0.1.0, and one of ours that means
something else, are said not to be used, and every decision is folded instead.
"""

import marshal
import re
from pathlib import Path

from processors.ledger import snapshots
from schemas.genesis import FIRST_GENESIS
from tests.harness import (
    Stack,
    decided,
    expected_document,
    folded_decisions,
    prepared,
    published_document,
)
from tests.releases.rehearsal import CHUNK, PARTITIONS, exact, write_chunk


HALF = CHUNK // 2
SNAPSHOT_DECISIONS = str(CHUNK)


def snapshot_files(stack: Stack) -> list[Path]:
    """Name the snapshots that are whole; a killed ledger may have left one that is not."""
    return [*(stack.folder / "data/snapshots").glob("*.snapshot")]


async def test_what_the_old_release_left_half_done_is_finished(
    stack: Stack, release: dict[str, str]
) -> None:
    """Decisions behind its snapshots, tallies behind its results, votes behind its decisions."""
    box = await prepared(stack, 33, size=4 * HALF, genesis=FIRST_GENESIS)
    ledger = stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS=SNAPSHOT_DECISIONS, **release)
    ideas = stack.started("ideas", **release)
    for number in range(2):
        await write_chunk(stack, box, number, size=HALF)
    await folded_decisions(stack, [CHUNK + 1] * PARTITIONS)
    await published_document(stack, [CHUNK] * PARTITIONS, FIRST_GENESIS)
    ideas.kill()
    await ledger.says("snapshot written")  # One at a time: of one at least.
    await write_chunk(stack, box, 2, size=HALF)
    left = await folded_decisions(stack, [CHUNK + HALF + 1] * PARTITIONS)
    ledger.kill()
    await write_chunk(stack, box, 3, size=HALF)
    files = [path.read_bytes() for path in snapshot_files(stack)]
    new = [stack.started(name, "2", SCRUTIN_SNAPSHOT_DECISIONS=SNAPSHOT_DECISIONS)
           for name in ("ledger", "ideas")]
    made = await exact(stack, 2 * CHUNK + 1)
    ledgers, _ = decided(box)

    assert min(map(int, re.findall(r"snapshot written +decided=(\d+)", ledger.log()))) <= CHUNK
    assert all(data.startswith(b"scrutin ledger snapshot 3\n") for data in files)
    assert new[0].so_far().count("of another version") == len(files) > 0
    assert [log[:CHUNK + HALF + 1] for log in made] == left
    assert await published_document(
        stack, [2 * CHUNK] * PARTITIONS, FIRST_GENESIS) == expected_document(ledgers, FIRST_GENESIS)


def other_meaning(path: Path, key: bytes) -> None:
    """Write a snapshot as a release does whose words or rules are others, under the same key."""
    body = path.read_bytes()[snapshots.PREAMBLE_BYTES:]
    end = snapshots.LENGTH_BYTES + int.from_bytes(body[:snapshots.LENGTH_BYTES], "big")
    header = marshal.dumps({
        **marshal.loads(body[snapshots.LENGTH_BYTES:end]), "meaning": bytes(32)})
    header = len(header).to_bytes(snapshots.LENGTH_BYTES, "big") + header
    digests = snapshots.Digests(key)
    for part in (header, body[end:]):
        digests.update(part)
    path.write_bytes(digests.preamble() + header + body[end:])


async def test_a_snapshot_that_means_something_else_is_not_used(stack: Stack) -> None:
    """Whole, of this log and under our own key: said, and all decisions are folded."""
    box = await prepared(stack, 34, size=2 * CHUNK, genesis=FIRST_GENESIS)
    ledger = stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="100")
    await write_chunk(stack, box, 0)
    await folded_decisions(stack, [CHUNK + 1] * PARTITIONS)
    await ledger.says("snapshot written")
    ledger.kill()
    files = snapshot_files(stack)
    key = (stack.folder / "data/keys/snapshot.key").read_bytes()
    for path in files:
        assert snapshots.thaw(snapshots.decoded(path.read_bytes(), key)[0]).state()
        other_meaning(path, key)
    await write_chunk(stack, box, 1)
    ledger.start()

    assert await exact(stack, 2 * CHUNK + 1) == decided(box)[1]
    assert ledger.so_far().count("under other words, rules or another layout") == len(files)
