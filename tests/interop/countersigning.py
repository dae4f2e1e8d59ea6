"""A log before two real witnesses, and its fork under the same key before them.

A third witness of the policy never answers: two of three are enough.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.topics import Topics
from scrutin.notary.countersigned import CountersignedLog
from scrutin.notary.witnessing import Witnessing
from sinks.transparency.cosignatures import Witness
from sinks.transparency.entries import entry_of
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.keys import make_key
from sinks.transparency.notes import Signer
from sinks.transparency.policy import POLICY, WITNESSED_POLICY, write_policy
from sinks.transparency.quorum import Quorum
from tests.interop.witnesses import witness
from tests.sinks.transparency.cosigning import least_of
from tests.sinks.transparency.serving import served
from tests.waiting import until


PLACE = "scrutin/votes/0"
COMMON, GROWTH = 300, 70
"""Entries that log and fork share, and how many each grows by, step after step."""
STEPS = 3
COMMAND_SECONDS = 120


def faults(litewitness: Path) -> list[str]:
    """Say what was not as it must be."""
    with tempfile.TemporaryDirectory(prefix="witnesses-") as name:
        folder = Path(name)
        signer = Signer(f"localhost/log/{PLACE}", make_key(folder / "log.key"))
        with witness(litewitness, folder, "w1", [signer.verifier]) as one, \
                witness(litewitness, folder, "w2", [signer.verifier]) as other:
            quorum = least_of(2, [one, other, _away()])
            return list(_faults(folder, signer, quorum))


def _away() -> Witness:
    """Return a witness that is not there."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return Witness("w3", "witness.example/w3", public, "http://127.0.0.1:9")


def _faults(folder: Path, signer: Signer, quorum: Quorum) -> Iterator[str]:
    honest = asyncio.run(_grown(folder / "honest", signer, quorum))
    answers = asyncio.run(_forked(folder / "forked", signer, quorum))
    for name, (status, said) in {
            "honest": _audited(folder / "honest", signer, quorum, WITNESSED_POLICY),
            "forked": _audited(folder / "forked", signer, quorum, WITNESSED_POLICY),
            "trusted": _audited(folder / "forked", signer, quorum, POLICY)}.items():
        print(f"{name}: {status} {said}", file=sys.stderr)
        wanted = {"honest": (0, "witnessed: "), "forked": (1, "w1 (witness.example/w1)"),
                  "trusted": (0, "")}[name]
        if status != wanted[0] or wanted[1] not in said:
            yield f"`scrutin audit log` ends with {status} over the {name} log: {said}"
    if honest != STEPS:
        yield f"two witnesses countersigned {honest} of {STEPS} checkpoints"
    for label in ("w1", "w2"):
        if answers[label]["cosigned"] or not answers[label]["refused"]:
            yield f"{label} answered the fork with {answers[label]}"


def _keeper(folder: Path, signer: Signer) -> Keeper:
    keeper = Keeper(LogFolder(folder / PLACE), signer)
    keeper.open()
    keeper.append([entry_of("town", f"vote {at}".encode()) for at in range(COMMON)])
    return keeper


def _grow(keeper: Keeper, word: str) -> None:
    keeper.append([entry_of("town", f"{word} {keeper.size + at}".encode())
                   for at in range(GROWTH)])
    keeper.sign()


@asynccontextmanager
async def _before(
    keeper: Keeper, quorum: Quorum
) -> AsyncIterator[tuple[Witnessing, CountersignedLog]]:
    place = CountersignedLog(
        "scrutin.votes", 0, keeper.folder, quorum, lambda: keeper.checkpoint)
    asking = Witnessing(quorum)
    task = asyncio.create_task(asking.run([place]))
    try:
        yield asking, place
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _grown(folder: Path, signer: Signer, quorum: Quorum) -> int:
    """Have a log countersigned as it grows; return how many checkpoints were."""
    keeper = _keeper(folder, signer)
    async with _before(keeper, quorum) as (_, place):
        for _ in range(STEPS):
            _grow(keeper, "vote")
            await until(lambda: place.witnessed_size == keeper.size)
    return len(keeper.folder.witnessed.history())


async def _forked(folder: Path, signer: Signer, quorum: Quorum) -> dict[str, dict[str, int]]:
    """Show a fork of the same length and more to the same witnesses; return what they answered."""
    keeper = _keeper(folder, signer)
    for _ in range(STEPS + 1):
        _grow(keeper, "another vote")
    async with _before(keeper, quorum) as (asking, _):
        def answers() -> dict[str, dict[str, int]]:
            return {each["witness"]: each["answers"] for each in asking.status()["witnesses"]}

        await until(lambda: all(
            sum(answers().get(label, {}).values()) for label in ("w1", "w2")))
        return answers()


def _audited(folder: Path, signer: Signer, quorum: Quorum, name: str) -> tuple[int, str]:
    """Audit a log as anybody does, over HTTP; return the status and what was said."""
    policy = folder / name
    policy.write_text(write_policy(
        [signer.verifier], quorum if name == WITNESSED_POLICY else None))
    with served(folder, Topics("scrutin", 1)) as url:
        done = subprocess.run(
            [sys.executable, "-m", "scrutin", "audit", "log", f"{url}/{PLACE}", "--policy", policy],
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr
