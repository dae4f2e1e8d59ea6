"""What the views send, made once and kept: a burst of visitors costs no more than one.

Theory of operation: a publication is one results document with its JSON and its pages, each made
when first asked for. While votes come in, flushes follow each other many times a second; a
publication younger than REBUILD_SECONDS is sent even if a newer flush is there, so that making
documents takes a bounded share of the processor however many people look.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from processors.results import FORMAT
from views.documents import Documents
from views.encoding import encode_json
from views.flushes import Flushes
from views.pages import rendering, results_page
from views.pages.languages import LANGUAGES


REBUILD_SECONDS = 0.25
"""Least age of a publication before a newer one is made: well under the second people notice."""

PUBLICATIONS_KEPT = 32
"""Consultations whose publication is held, the last made ones: about 10 MB each at 3,000
proposals."""

WARMED_CONSULTATIONS = 4
"""Consultations made ready before anybody asks: a first document takes half a second."""

COMPRESSION_LEVEL = 6
"""Of gzip: 5 MB of JSON take a tenth of a second, in a thread, once a publication."""


class Representation:
    """Bytes to send under a strong entity tag, with their compressed form."""

    def __init__(self, body: bytes, tag: str) -> None:
        self.body = body
        self.tag = tag
        self._compressing: asyncio.Task[bytes] | None = None

    async def compressed(self) -> bytes:
        """Give the gzip form; the first caller starts the work, the others wait for it."""
        if self._compressing is None:
            self._compressing = asyncio.create_task(
                asyncio.to_thread(gzip.compress, self.body, COMPRESSION_LEVEL, mtime=0)
            )
        # Shielded: a visitor who leaves must not stop what others wait for.
        return await asyncio.shield(self._compressing)


class Publication:
    """One results document and what is made from it."""

    def __init__(self, document: dict[str, Any], *, published_at: int | None, tag: str) -> None:
        self.document = document
        self._published_at = published_at
        self._tag = tag
        self._json: Representation | None = None
        self._pages: dict[str, Representation] = {}

    @property
    def final(self) -> bool:
        return bool(self.document["final"])

    def results(self) -> Representation:
        """Give the document as JSON."""
        if self._json is None:
            self._json = Representation(encode_json(self.document), self._tag)
        return self._json

    def page(self, language: str) -> Representation:
        """Give the results page in a language."""
        if language not in self._pages:
            model = results_page.page(self.document, self._published_at)
            body = rendering.render("results.html", language, **model)
            tag = f"{self._tag}-{self._published_at}-{language}-{rendering.revision()}"
            self._pages[language] = Representation(body, tag)
        return self._pages[language]


@dataclass(frozen=True)
class _Kept:
    publication: Publication
    version: int
    made_at: float


class Publications:
    """The newest publication of each consultation."""

    def __init__(self, flushes: Flushes, clock: Callable[[], float]) -> None:
        self._flushes = flushes
        self._clock = clock
        self.documents = Documents(flushes)
        self._kept: dict[str, _Kept] = {}

    def publication(self, consultation: str) -> Publication | None:
        """Give the publication to send now; None where nobody knows the consultation."""
        kept = self._kept.get(consultation)
        if kept and (kept.version == self._flushes.version or self._young(kept)):
            return kept.publication
        document = self.documents.document(consultation)
        if document is None:
            return None
        made = self._publish(consultation, document)
        self._kept.pop(consultation, None)
        self._kept[consultation] = _Kept(made, self._flushes.version, self._clock())
        while len(self._kept) > PUBLICATIONS_KEPT:
            del self._kept[next(iter(self._kept))]
        return made

    def warm(self) -> Iterator[str]:
        """Make what the first visitors ask for, consultation by consultation, naming each."""
        for consultation in self._flushes.consultations()[:WARMED_CONSULTATIONS]:
            publication = self.publication(consultation)
            if publication:
                publication.results()
                for language in LANGUAGES:
                    publication.page(language)
            yield consultation

    def _young(self, kept: _Kept) -> bool:
        return self._clock() - kept.made_at < REBUILD_SECONDS

    def _publish(self, consultation: str, document: dict[str, Any]) -> Publication:
        applied = self._flushes.applied
        held = [FORMAT, consultation, document["as_of"], self._flushes.catalogue.offset]
        tag = hashlib.sha256(json.dumps(held).encode()).hexdigest()[:32]
        published_at = applied.published_at if applied else None
        return Publication(document, published_at=published_at, tag=tag)
