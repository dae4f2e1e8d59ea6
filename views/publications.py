"""What the views send, made once and kept: a burst of visitors costs no more than one.

Theory of operation: a publication is one results document with its JSON and its pages, each made
when first asked for. While votes come in, flushes follow each other many times a second; a
publication younger than REBUILD_SECONDS is sent even if a newer flush is there, so that making
documents takes a bounded share of the processor however many people look. Final results stay as
they were first published, with their positions in the logs and their tag, until something of
their own changes: a later vote elsewhere says nothing about them. The document is put together
on the event loop, where flushes are applied; what is made of it, in threads.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from processors.results.results_document import shares_hidden
from schemas.partners import sites_of
from views import downloads, paging
from views.aged import Aged, weigh
from views.days import Days, Told
from views.documents import Documents, Own
from views.draw_costs import DrawCosts
from views.encoding import encode_json
from views.flushes import Flushes
from views.pages import changes, proposals_page, rendering, results_page
from views.pages.languages import LANGUAGES
from views.representation import Representation
from views.shelf import Shelf
from views.shown import Shown
from views.tags import LOG_DIGITS, State, digest, placed
from views.workshop import TooManyReaders, Workshop


REBUILD_SECONDS = 0.25
"""Least age of a publication before a newer one is made: well under the second people notice."""

DOCUMENTS_BYTES = 320 << 20
"""Of the documents that are held, the last asked for..."""
PROPOSAL_BYTES = 4_096
"""... of which each takes so much a proposal, at most."""

WARMED_CONSULTATIONS = 4
"""Consultations made ready before anybody asks: a first document takes half a second."""

DOWNLOAD_SECONDS = 10.0
"""Least age of files to take away before newer ones are made: half a second of work each."""

FILES_BYTES = 32 << 20
"""Of the files that are held, the last asked for: up to a megabyte each, half of it compressed."""

PAGES_BYTES = 96 << 20
"""Of the JSON and the pages of all publications that are held, the last asked for: five megabytes
and a hundred kilobytes each at 3,000 proposals, and as much again for their compressed forms. A
search makes a page that nobody else may ask for."""

PAGED_SECONDS = 10.0
"""Who begins to read results in pages is given those that others began with so long ago at most."""
PAGED_BYTES = 128 << 20
"""Of publications whose pages are read, the last begun..."""
PAGED_BYTES_EACH = 1_024
"""... each with so much a proposal: entries that did not move since are those of all others."""

Pages = Shelf[tuple[int, str], asyncio.Task[Representation]]
"""What was made of publications, by the number of each and by tag."""
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Surroundings:
    """What pages say beside the document."""

    phase: str
    told: Told | None
    address: str
    costs: dict[str, Any] | None
    """What a drawn vote costs."""
    embeddable: bool
    """Whether there is a site that may embed the widget."""


class Publication:
    """One results document and what is made from it, each once while there is room for it."""

    def __init__(
        self, shown: Shown, *, published_at: int | None, tag: str, state: State,
        workshop: Workshop, pages: "Pages",
    ) -> None:
        self.shown = shown
        self.state = state
        self.published_at = published_at
        self.tag = tag
        self._workshop = workshop
        self._pages = pages
        self._number = next(_NUMBERS)

    @property
    def frame(self) -> dict[str, Any]:
        """The results document without its proposals."""
        return self.shown.frame

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The whole document: of thousands of proposals it is put together in a thread."""
        return self.shown.document()

    @property
    def final(self) -> bool:
        return bool(self.frame["final"])

    def let_go(self) -> None:
        """Let go of what was made: another publication has taken the place of this one."""
        self._pages.drop_all(lambda key: key[0] == self._number)

    async def results(self) -> Representation:
        """Return the document as JSON."""
        return await self._once(
            self.tag, lambda: Representation(encode_json(self.document), self.tag))

    async def part(self, wanted: paging.Asked) -> Representation:
        """Return a page of the document as JSON."""
        tag = digest([self.tag, "part", wanted.first, wanted.limit])
        return await self._once(tag, lambda: Representation(
            encode_json(paging.page(self.shown, self.tag, wanted)), tag))

    async def page(self, language: str, around: Surroundings) -> Representation:
        """Return the results page in a language."""
        return await self._rendered("results.html", language, around, lambda: results_page.page(
            self.frame, self.published_at, phase=around.phase, told=around.told,
            address=around.address, costs=around.costs, kept=self.shown.of_proposals) | {
                "embeddable": around.embeddable})

    async def proposals(
        self, language: str, around: Surroundings, wanted: proposals_page.Asked
    ) -> Representation:
        """Return a page of the list of proposals; NoSuchPage where there are fewer."""
        return await self._rendered(
            "all_proposals.html", language, around, lambda: proposals_page.page(
                self.document, wanted, phase=around.phase, published_at=self.published_at),
            wanted.query())

    def entry(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return a proposal or an idea as people may see it; None where there is no such."""
        if kind == "proposal":
            return self.shown.of([name])[0] if name in self.shown.entries else None
        return next((idea for idea in self.frame["ideas"] if idea["id"] == name), None)

    async def file(self, name: str, told: Told | None) -> Representation:
        """Make a file to take away; half a second of work for some of them."""
        body = (await self.results()).body
        made = {
            "proposals.csv": lambda: downloads.proposals_csv(self.document),
            "ideas.csv": lambda: downloads.ideas_csv(self.document),
            "results.xlsx": lambda: downloads.results_xlsx(self.document, told),
            "results.zip": lambda: downloads.whole_zip(
                self.document, self.published_at, told, body),
        }
        held = f"{told.told_at}" if told else ""
        tag = digest([self.tag, self.published_at, name, held])
        return await self._workshop.make(lambda: Representation(made[name](), tag))

    async def beside(self, held: list[Any], make: Callable[[], bytes]) -> Representation:
        """Return what is made of this publication and of something beside it, which is `held`."""
        tag = digest([self.tag, self.published_at, *held])
        return await self._once(tag, lambda: Representation(make(), tag))

    async def _rendered(
        self, template: str, language: str, around: Surroundings,
        model: Callable[[], dict[str, Any]], query: str = "",
    ) -> Representation:
        told_at = around.told.told_at.isoformat() if around.told else ""
        kind = [template, self.frame["consultation"]["id"], language, rendering.revision(), query]
        tag = placed(kind, self.state, [
            *kind, self.tag, self.published_at, around.phase, told_at, around.costs,
            around.embeddable])
        return await self._once(
            tag, lambda: Representation(rendering.render(
                template, language, log_name=self.state.log[:LOG_DIGITS], **model()), tag))

    async def _once(self, tag: str, make: Callable[[], Representation]) -> Representation:
        """Return what bears a tag; the first caller starts the work, the others wait for it."""
        key = (self._number, tag)
        making = self._pages.get(key)
        if making is None:
            making = asyncio.create_task(self._workshop.make(make))
            self._pages.put(key, making)
            making.add_done_callback(functools.partial(weigh, self._pages, key, making))
        # Shielded: a visitor who leaves must not stop what others wait for.
        return await asyncio.shield(making)


@dataclass(frozen=True)
class _Kept:
    publication: Publication
    version: int
    made_at: float
    own: Own | None
    """What settled final results were made from."""


@dataclass(frozen=True)
class _Paged:
    publication: Publication
    made_at: float


def hides(publication: Publication) -> tuple[bool, frozenset[str]]:
    """Say what a publication hides: how people vote, and the words of which proposals."""
    return (shares_hidden(publication.frame),
            changes.hidden_in(publication.shown.of_proposals.changed))


def _now() -> datetime:
    return datetime.now(UTC)


class Publications:
    """The newest publication of each consultation.

    `clock` counts seconds from anywhere, `now` tells the time, `address` is where people reach
    the pages (for links that are shared), `days` is told by the archive.
    """

    def __init__(
        self, flushes: Flushes, clock: Callable[[], float], *, days: Days | None = None,
        now: Callable[[], datetime] = _now, address: str = "",
    ) -> None:
        self._flushes = flushes
        self.clock = clock
        self._days = days or Days()
        self.costs = DrawCosts()
        """Told by who measures."""
        self._now = now
        self.address = address.rstrip("/")
        self.documents = Documents(flushes)
        self._workshop = Workshop()
        self._kept: Shelf[str, _Kept] = Shelf(DOCUMENTS_BYTES)
        self._pages: Pages = Shelf(PAGES_BYTES)
        self._paged: Shelf[tuple[str, str], _Paged] = Shelf(PAGED_BYTES)
        """By tag; under an empty one the publication of first pages."""
        self._files: Aged[tuple[str, str, tuple[bool, frozenset[str]]]] = Aged(
            clock, seconds=DOWNLOAD_SECONDS, bytes_most=FILES_BYTES)

    @property
    def held_bytes(self) -> int:
        """What the pages and files that are held take, at most."""
        return self._pages.size_bytes + self._files.size_bytes

    async def ready(self, consultation: str) -> Publication | None:
        """Return the publication to send now, as `publication`, but read what moved in slices."""
        if self._sent(consultation) is None:
            await self.documents.catch_up(consultation)
        return self.publication(consultation)

    async def paged(self, consultation: str, tag: str) -> Publication | None:
        """Return the publication whose pages are read: that of a tag, or of a first page.

        None where the consultation is not known, or the publication of the tag is kept no more.
        """
        if tag:
            held = self._paged.get((consultation, tag))
            newest = self._kept.get(consultation)
            found = held.publication if held else None
            if found is None and newest is not None and newest.publication.tag == tag:
                found = newest.publication
            return None if found is None or self._shows_hidden(found) else found
        begun = self._paged.get((consultation, ""))
        if (begun is not None and self.clock() - begun.made_at < PAGED_SECONDS
                and not self._shows_hidden(begun.publication)):
            return begun.publication
        publication = await self.ready(consultation)
        if publication is not None:
            begun = _Paged(publication, self.clock())
            self._paged.put((consultation, publication.tag), begun,
                            PAGED_BYTES_EACH * len(publication.shown.entries))
            self._paged.put((consultation, ""), begun)
        return publication

    def _shows_hidden(self, publication: Publication) -> bool:
        """Whether words are hidden now that a publication shows."""
        shown = publication.shown
        known = self._flushes.catalogue.consultations.get(shown.frame["consultation"]["id"])
        return known is not None and not (
            known.hidden.keys() <= changes.hidden_in(shown.of_proposals.changed))

    def _sent(self, consultation: str) -> Publication | None:
        """Return the publication that is sent as it is; None where there is a newer one."""
        kept = self._kept.get(consultation)
        if kept and (kept.version == self._flushes.version or self._young(kept)
                     or self._unmoved(consultation, kept)):
            return kept.publication
        return None

    def publication(self, consultation: str) -> Publication | None:
        """Return the publication to send now; None where nobody knows the consultation."""
        if (sent := self._sent(consultation)) is not None:
            return sent
        shown = self.documents.shown(consultation)
        if shown is None:
            return None
        made, as_of = self._publish(consultation, shown), shown.frame["as_of"]
        # Rankings follow from the counts, but later: until they hold them, nothing is settled.
        settled = made.final and as_of["ranking"] == as_of["votes"]
        self._keep(consultation, made, self.documents.own(consultation) if settled else None)
        return made

    def _keep(self, consultation: str, publication: Publication, own: Own | None) -> None:
        before = self._kept.get(consultation)
        if before is not None and before.publication is not publication:
            before.publication.let_go()
        kept = _Kept(publication, self._flushes.version, self.clock(), own)
        self._kept.put(
            consultation, kept, PROPOSAL_BYTES * len(publication.shown.entries))

    def _unmoved(self, consultation: str, kept: _Kept) -> bool:
        """Whether final results say the same, whatever came in elsewhere."""
        if kept.own is None or kept.own != self.documents.own(consultation):
            return False
        self._keep(consultation, kept.publication, kept.own)
        return True

    def around(self, publication: Publication) -> Surroundings:
        """Return what pages of a publication say beside its document to somebody who looks now."""
        return self._around(publication, self.costs.asked)

    def _around(
        self, publication: Publication, costs: Callable[[str], dict[str, Any] | None]
    ) -> Surroundings:
        consultation = publication.frame["consultation"]
        return Surroundings(
            phase=self.phase(publication.frame["state"], consultation),
            told=self._days.of(consultation["id"]), address=self.address,
            costs=costs(consultation["id"]), embeddable=self._embeddable(consultation["id"]))

    def _embeddable(self, consultation: str) -> bool:
        known = self._flushes.catalogue.consultations.get(consultation)
        return known is not None and any(map(sites_of, known.partners.values()))

    def phase(self, state: str, consultation: dict[str, Any]) -> str:
        """Name the phase of a consultation now; see `results_page.phase_of`."""
        return results_page.phase_of(state, consultation, self._now())

    async def file(self, publication: Publication, name: str) -> Representation:
        """Return a file to take away, made in a thread and kept while nothing changes.

        A newer one is made after DOWNLOAD_SECONDS at the soonest.

        A file of a state that hides how people vote, or words, differs from one that shows them:
        it is never sent in the other's place.
        """
        consultation = publication.frame["consultation"]["id"]
        told = self._days.of(consultation)
        return await self._files.made(
            (consultation, name, hides(publication)),
            (publication.tag, publication.published_at, told),
            lambda: publication.file(name, told))

    async def warm(self) -> None:
        """Make what the first visitors ask for, consultation by consultation."""
        for consultation in self._flushes.consultations()[:WARMED_CONSULTATIONS]:
            await self.documents.catch_up(consultation)
            publication = self.publication(consultation)
            if publication:
                with contextlib.suppress(TooManyReaders):  # Then they have come already.
                    await publication.results()
                    for language in LANGUAGES:
                        await publication.page(
                            language, self._around(publication, self.costs.of))

    def _young(self, kept: _Kept) -> bool:
        return self.clock() - kept.made_at < REBUILD_SECONDS

    def _publish(self, consultation: str, shown: Shown) -> Publication:
        applied, frame = self._flushes.applied, shown.frame
        kind, as_of = [frame["format"], consultation], frame["as_of"]
        ends = [self._flushes.catalogue.offset, as_of["catalogue"], as_of["participants"]]
        state = State(self._flushes.log, sum(
            end + 1 for end in (*ends, *as_of["votes"], *as_of["ranking"])))
        tag = placed(kind, state, [*kind, as_of, self._flushes.catalogue.offset])
        published_at = applied.published_at if applied else None
        return Publication(
            shown, published_at=published_at, tag=tag, state=state, workshop=self._workshop,
            pages=self._pages)
