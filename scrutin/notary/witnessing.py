"""Checkpoints are countersigned by independent witnesses (C2SP tlog-witness), beside the notary.

Theory of operation: each witness has a task of its own, which submits log after log and waits for
nobody else. Checkpoints are signed and shown without waiting for any of it; a witness that is slow,
away or lies costs its own task time, within the bounds below, and the others and the logs nothing.
What it answers is verified before it is kept.
"""

import asyncio
import functools
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from scrutin.notary.countersigned import CountersignedLog, Proposal
from sinks.faults import TreeRefused
from sinks.transparency.cosignatures import Witness
from sinks.transparency.notes import Refused
from sinks.transparency.quorum import WITNESSES_MAX, Quorum
from sinks.transparency.submissions import (
    ADDRESS,
    AHEAD,
    ANSWER_BYTES_MAX,
    ANSWERS,
    AWAY,
    CONFLICT_STATUS,
    COSIGNED,
    FAILED,
    FORKED,
    OF_STATUS,
    SIGNED_STATUS,
    UNFIT,
    cosigned_by,
    size_in,
    submission,
)


LOOK_SECONDS = 1.0
"""Pause between two looks at what a witness has not signed: it is asked no more often."""
ANSWER_SECONDS = 10.0
"""Longest wait for a witness's whole answer."""
RETRY_SECONDS = 2.0
"""Pause before a witness that is away is asked again, doubled each time..."""
RETRY_SECONDS_MAX = 60.0
"""... up to this, which is also the pause after an answer that is no cosignature."""
TRIES = 2
"""Submissions of one checkpoint: the second from the size that the witness says it knows."""
OWN_FILES = (OSError, TreeRefused, Refused, UnicodeDecodeError)
"""What reading and writing our own files raises: it costs cosignatures, and never the signing."""

log = structlog.get_logger("scrutin.notary")


@dataclass
class _Standing:
    """What is known of a witness about one log."""

    size: int = 0
    """Of the tree that it signed last, as far as we know."""
    not_before: float = 0.0
    """When it is asked next, after an answer that is no cosignature."""
    last: str = COSIGNED


class Asking:
    """One witness, and what it has answered."""

    def __init__(
        self, witness: Witness, logs: Sequence[CountersignedLog], session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.witness, self._logs, self._session, self._clock = witness, logs, session, clock
        self.answers = dict.fromkeys(ANSWERS, 0)
        self._standing = [_Standing() for _ in logs]
        self._pause = RETRY_SECONDS
        self._next = 0
        """Which log is looked at next: one that fails keeps no other waiting."""

    async def run(self) -> None:
        """Submit what it has not signed, until cancelled."""
        while True:
            pause = LOOK_SECONDS if await self.look() else self._longer_pause()
            await asyncio.sleep(pause)

    def _longer_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, RETRY_SECONDS_MAX)
        return pause

    async def look(self) -> bool:
        """Submit each log's checkpoint that it has not signed; False where it does not answer."""
        for _ in self._logs:
            place, standing = self._logs[self._next], self._standing[self._next]
            self._next = (self._next + 1) % len(self._logs)
            if self._clock() < standing.not_before or not place.wants(self.witness):
                continue
            try:
                proposal = await asyncio.to_thread(place.propose)
            except OWN_FILES as error:
                self._note(place, standing, FAILED, f"our own files: {error}")
                return False
            if proposal.has(self.witness):
                continue
            answer, why = await self._submitted(place, standing, proposal)
            self._note(place, standing, answer, why)
            if answer in (AWAY, FAILED):
                return False
            self._pause = RETRY_SECONDS
        return True

    def _note(
        self, place: CountersignedLog, standing: _Standing, answer: str, why: str
    ) -> None:
        """Count an answer; say it, where it is another one than before."""
        self.answers[answer] += 1
        if answer not in (COSIGNED, AWAY, FAILED):
            standing.not_before = self._clock() + RETRY_SECONDS_MAX
        if answer != standing.last:
            said = {"witness": self.witness.label, "origin": place.origin, "answer": answer}
            if answer == COSIGNED:
                log.info("witness countersigns again", **said)
            elif answer in FORKED:
                log.error("witness has seen another log", **said, reason=why, remedy=(
                    "compare its checkpoint with ours: was a folder restored from an older copy, "
                    "or does somebody else sign with our key?"))
            else:
                log.warning("witness does not countersign", **said, reason=why)
        standing.last = answer

    async def _submitted(
        self, place: CountersignedLog, standing: _Standing, proposal: Proposal
    ) -> tuple[str, str]:
        """Submit a checkpoint; return what became of it, and why."""
        try:
            for _ in range(TRIES):
                path = await asyncio.to_thread(place.path, standing.size, proposal)
                status, body = await self._post(submission(standing.size, path, proposal.note))
                if status != CONFLICT_STATUS:
                    break
                known = size_in(body)
                if known is None or known == standing.size:
                    return UNFIT, f"409 with the size {body[:80]!r}, submitted was {standing.size}"
                if known > proposal.checkpoint.size:
                    return AHEAD, f"it has signed {known} entries, we {proposal.checkpoint.size}"
                standing.size = known
            return await self._answered(place, standing, proposal, status, body)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            return AWAY, f"{type(error).__name__} {error}"
        except OWN_FILES as error:
            return FAILED, f"our own files: {error}"

    async def _answered(
        self, place: CountersignedLog, standing: _Standing, proposal: Proposal, status: int,
        body: bytes,
    ) -> tuple[str, str]:
        if status != SIGNED_STATUS:
            return OF_STATUS.get(status, FAILED), f"{status} {body[:200]!r}"
        try:
            one = cosigned_by(self.witness, proposal.note, body, time.time())
        except Refused as error:
            return UNFIT, str(error)
        standing.size = proposal.checkpoint.size
        await asyncio.to_thread(place.keep, proposal, one)
        return COSIGNED, ""

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        """Send a submission; raise what says that no answer came, or one that is too long."""
        async with self._session.post(
                f"{self.witness.url}{ADDRESS}", data=body, allow_redirects=False) as answer:
            read = bytearray()
            async for piece in answer.content.iter_any():
                read += piece
                if len(read) > ANSWER_BYTES_MAX:
                    raise ValueError(f"more than {ANSWER_BYTES_MAX:,} bytes")
            return answer.status, bytes(read)


class _Names(AbstractResolver):
    """Looks up addresses in threads of its own.

    A name server that is silent holds a thread for half a minute, whoever gave up meanwhile. Of
    those that all share there are a few, and checkpoints are signed in them.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WITNESSES_MAX, thread_name_prefix="witness-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM,
            flags=socket.AI_ADDRCONFIG))
        return [ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind,
                              proto=protocol, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
                for kind, _, protocol, _, address in found]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def connected() -> aiohttp.ClientSession:
    """Open what all witnesses are asked through; no answer takes it longer than the bound."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Names()),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS), cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False, headers={"content-type": "text/plain; charset=utf-8"})


class Witnessing:
    """All witnesses, and the logs that they are asked to countersign."""

    def __init__(self, quorum: Quorum) -> None:
        self._quorum = quorum
        self._logs: list[CountersignedLog] = []
        self._asking: list[Asking] = []

    async def run(self, logs: Sequence[CountersignedLog]) -> None:
        """Have the logs countersigned, until cancelled."""
        self._logs = list(logs)
        opened = [place for place in logs if await self._opened(place)]
        async with connected() as session:
            self._asking = [Asking(each, opened, session) for each in self._quorum.witnesses]
            async with asyncio.TaskGroup() as tasks:
                for asking in self._asking:
                    tasks.create_task(asking.run())

    @staticmethod
    async def _opened(place: CountersignedLog) -> bool:
        """Open a log; one that cannot be is signed all the same, and countersigned no more."""
        try:
            await asyncio.to_thread(place.open)
        except OWN_FILES as error:
            log.error("log is not countersigned", origin=place.origin, reason=str(error),  # noqa: TRY400 -- said
                      remedy="mend its folder witnessed, then start the notary again")
            return False
        return True

    def status(self) -> dict[str, Any]:
        """Say which logs are witnessed how far, and what each witness has answered."""
        return {
            "quorum": self._quorum.said(),
            "logs": [{"topic": each.topic, "partition": each.partition,
                      "size": each.witnessed_size,
                      "unwitnessed_seconds": each.unwitnessed_seconds} for each in self._logs],
            "witnesses": [{"witness": each.witness.label, "answers": dict(each.answers)}
                          for each in self._asking],
        }
