"""Sign what is published: each consultation's results document as a note.

A result is signed only once checkpoints cover all it holds, so whoever has the note knows which
trees its numbers come from. What is embargoed is signed as the public may see it.
"""

import asyncio
import time

import structlog

from sinks.transparency.notary import Notary
from sinks.transparency.results_folder import ResultsFolder
from sinks.transparency.results_notes import results_text
from views.documents import Documents
from views.encoding import encode_json
from views.flushes import ResultsUnreadable
from views.reader import BrokerUnreachable, ResultsReader


RESULTS_SECONDS = 600.0
"""Pause between two signed results of an open consultation; a final one is signed at once."""
LOOK_SECONDS = 1.0
"""Pause between two looks at what is due."""
RETRY_SECONDS = 2.0
"""Pause before results are read again from a broker that went away."""

log = structlog.get_logger()


class ResultsNotary:
    """Follows the results topic and signs; the notary gives key and coverage."""

    def __init__(self, reader: ResultsReader, notary: Notary, folder: ResultsFolder) -> None:
        self._reader, self._notary, self._folder = reader, notary, folder
        self._documents = Documents(reader.flushes)
        self._looked: dict[str, tuple[float, object]] = {}
        """When a consultation's result was signed, and its positions and state."""

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

    def sign_due(self) -> None:
        """Sign each result that is due and covered by checkpoints."""
        as_of = self._documents.as_of()
        if not as_of.votes or not self._notary.covers(as_of.votes, as_of.catalogue):
            return
        for consultation in self._reader.flushes.consultations():
            state = self._documents.state(consultation)
            found = (as_of.votes, as_of.catalogue, state)
            signed_at, signed = self._looked.get(consultation, (-RESULTS_SECONDS, None))
            waits = state != "final" and time.monotonic() - signed_at < RESULTS_SECONDS
            if signed != found and not waits:
                self._sign(consultation)
                self._looked[consultation] = (time.monotonic(), found)

    def _sign(self, consultation: str) -> None:
        body = encode_json(self._documents.document(consultation))
        note = self._notary.sign_note(results_text(body))
        if note != self._folder.note(consultation):
            self._folder.publish(consultation, note, body)
            log.info("result signed", consultation=consultation)
