"""Sign what is published: each consultation's results document as a note.

Theory of operation: a document is taken at a moment when its ranks hold the same votes as its
counts, and kept until checkpoints cover all it holds: under load the results are always some votes
ahead of the last checkpoint, and would never be signed if the newest ones were asked for. So
whoever has the note knows which trees its numbers come from, and can recompute all of them. What is
embargoed is signed as the public may see it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from processors.results.results_document import AsOf
from sinks.transparency.results_folder import ResultsFolder
from sinks.transparency.results_notes import results_text
from views.documents import Documents
from views.encoding import encode_json
from views.flushes import Figure, ResultsUnreadable
from views.reader import BrokerUnreachable, ResultsReader


RESULTS_SECONDS = 600.0
"""Pause between two signed results of a consultation that moves; one in another state is signed at
once, one of which nothing moved not again."""
END_SECONDS = 30.0
"""Longest wait for what reads results to let go of the broker."""
LOOK_SECONDS = 1.0
"""Pause between two looks at what is due."""
RETRY_SECONDS = 2.0
"""Pause before results are read again from a broker that went away."""
RANKS_SECONDS = 30.0
"""Longest wait for ranks of the same votes as the counts: they are made every second."""
COVERED_SECONDS = 120.0
"""A result that waits longer for checkpoints is told: they are signed every few seconds."""

log = structlog.get_logger()


class Covering(Protocol):
    """The logs' keeper, as far as results need it."""

    def covers(self, votes: Sequence[int], catalogue: int) -> bool: ...
    def sign_note(self, text: str) -> str: ...


@dataclass
class _Taken:
    """A document that waits for checkpoints."""

    body: bytes
    as_of: AsOf
    made_of: tuple[int, int]
    """Figures and descriptions of the consultation there had been: votes elsewhere add none."""
    state: str
    since: float
    told: bool = False


class ResultsNotary:
    """Follows the results topic and signs; the notary gives key and coverage."""

    def __init__(self, reader: ResultsReader, notary: Covering, folder: ResultsFolder) -> None:
        self._reader, self._notary, self._folder = reader, notary, folder
        self._documents = Documents(reader.flushes)
        self._signed: dict[str, _Taken] = {}
        """The last result of each consultation that was signed."""
        self._taken: dict[str, _Taken] = {}
        self._due: dict[str, float] = {}
        """Consultations whose result is to be taken, since when."""
        reader.flushes.watch(self._take_ranked)

    async def run(self) -> None:
        """Sign until cancelled, over whatever becomes of the broker.

        Ends where results cannot be understood: the logs are kept on without them.
        """
        while True:
            try:
                await self._follow()
            except BrokerUnreachable as error:
                log.warning("results cannot be read", reason=str(error))
            except ResultsUnreadable as error:
                log.error("results are not signed any more", reason=str(error), remedy=(  # noqa: TRY400 -- said, not traced
                    "install the version that wrote them and start the notary again"))
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        reading = asyncio.create_task(self._reader.read())
        try:
            while not reading.done():
                if self._reader.ready.is_set():
                    self.sign_due()
                await asyncio.wait([reading], timeout=LOOK_SECONDS)
            reading.result()
        finally:
            reading.cancel()
            # Else who loses the lease and stands by keeps these connections for ever.
            await asyncio.wait([reading], timeout=END_SECONDS)

    def sign_due(self) -> None:
        """Take each result that is due, sign each one taken that checkpoints cover."""
        now = time.monotonic()
        if self._documents.as_of().votes:
            self._find_due(now)
            self._take_ranked()
            self._take_unranked(now)
        for consultation, taken in list(self._taken.items()):
            if self._notary.covers(taken.as_of.votes, taken.as_of.catalogue):
                self._sign(consultation, self._taken.pop(consultation))
            elif now - taken.since > COVERED_SECONDS and not taken.told:
                taken.told = True
                log.warning("result waits for checkpoints", consultation=consultation, remedy=(
                    "see which log of this notary has stopped or is behind, and why; the result "
                    "is signed once checkpoints cover it"))

    def _find_due(self, now: float) -> None:
        """Find the consultations whose newest result is neither signed nor taken, and is due."""
        for consultation in self._reader.flushes.consultations():
            state = self._documents.state(consultation)
            last = self._taken.get(consultation) or self._signed.get(consultation)
            if last is None or last.state != state or (
                    now - last.since >= RESULTS_SECONDS and consultation not in self._taken
                    and last.made_of != self._made_of(consultation)):
                self._due.setdefault(consultation, now)

    def _made_of(self, consultation: str) -> tuple[int, int]:
        flushes = self._reader.flushes
        return flushes.stored(consultation), flushes.described(consultation)

    def _take_ranked(self) -> None:
        """Take what is due and whose ranks hold the votes its counts hold."""
        for consultation in list(self._due):
            nothing = self._documents.figure(consultation, Figure("totals", "")) is None
            if nothing or self._documents.is_ranked(consultation):
                self._take(consultation)

    def _take_unranked(self, now: float) -> None:
        """Take what has waited for its ranks long enough; verifiers trust older ones.

        Of a final result they refuse them, so it waits on.
        """
        for consultation, since in list(self._due.items()):
            if now - since <= RANKS_SECONDS:
                continue
            if self._documents.state(consultation) == "final":
                self._due[consultation] = now
                log.warning("final result waits for its ranks", consultation=consultation, remedy=(
                    "see that `scrutin ideas` runs and keeps up; it is signed once ranks hold the "
                    "votes its counts hold"))
                continue
            log.warning("result has older ranks", consultation=consultation, remedy=(
                "see that `scrutin ideas` keeps up; the next result is taken in ten minutes"))
            self._take(consultation)

    def _take(self, consultation: str) -> None:
        del self._due[consultation]
        self._taken[consultation] = _Taken(
            encode_json(self._documents.document(consultation)), self._documents.as_of(),
            self._made_of(consultation), self._documents.state(consultation), time.monotonic())

    def _sign(self, consultation: str, taken: _Taken) -> None:
        self._signed[consultation] = taken
        note = self._notary.sign_note(results_text(taken.body))
        if note != self._folder.note(consultation):
            self._folder.publish(consultation, note, taken.body)
            log.info("result signed", consultation=consultation)
