"""From whole flushes to the results document of each consultation.

The numbers were made by the ideas worker with `processors.results.results_document`; here they
are only read and handed to the same module's `document`. What did not move since it was last
looked at is `Keeping`'s. No I/O, no clock.
"""

import asyncio
from dataclasses import replace
from typing import Any

from processors.results import published_records, rankings, results_document
from processors.results.catalogue import Consultation
from schemas.codec import Undecodable
from views.embargo import embargoed
from views.flushes import Figure, Flushes, ResultsUnreadable
from views.shelf import Shelf
from views.shown import Keeping, Shown, as_of


KEPT_BYTES = 512 << 20
"""Of what is kept of consultations, the last looked at..."""
PROPOSAL_BYTES = 12_288
"""... of which each takes so much a proposal, at most, with its entry and its figures."""
SLICE_FIGURES = 250
"""Figures read, or entries made, before others have their turn: some ten milliseconds."""


Decoded = dict[Figure, tuple[bytes, Any]]
Own = tuple[dict[Figure, bytes], Consultation | None]
"""What belongs to one consultation alone: its figures but the rankings, which follow from them and
name positions of the whole log, and its part of the catalogue."""


class Documents:
    """Makes documents from the flushes, remembering what it read of them."""

    def __init__(self, flushes: Flushes) -> None:
        self._flushes = flushes
        self._decoded: dict[str, Decoded] = {}
        """Of each consultation, the figures that somebody asked for alone."""
        self._kept: Shelf[str, Keeping] = Shelf(KEPT_BYTES)

    async def catch_up(self, consultation: str) -> None:
        """Read what moved of a consultation, in slices: others have their turn between them."""
        left = True
        while left and self._flushes.knows(consultation):
            left = self._advance(consultation)
            await asyncio.sleep(0)

    def shown(self, consultation: str) -> Shown | None:
        """Return what people may see of a consultation; None where nobody knows the id."""
        return self._shown(consultation, hidden=self.embargoed(consultation))

    def document(self, consultation: str) -> dict[str, Any] | None:
        """Make the results document that people may see; None where nobody knows the id."""
        shown = self.shown(consultation)
        return shown.document() if shown else None

    def whole_document(self, consultation: str) -> dict[str, Any] | None:
        """Make it as of the last whole flush, embargo or not: for recounts, never to be shown."""
        shown = self._shown(consultation, hidden=False)
        return shown.document() if shown else None

    def _shown(self, consultation: str, *, hidden: bool) -> Shown | None:
        if not self._flushes.knows(consultation):
            return None
        while self._advance(consultation):
            pass
        kept = self._kept.get(consultation)
        assert kept is not None, "what was put last is kept"
        return kept.shown(hidden=hidden)

    def _advance(self, consultation: str) -> bool:
        kept = self._kept.get(consultation)
        if kept is None:
            kept = Keeping(consultation, self._flushes, _decode)
        left = kept.advance(SLICE_FIGURES)
        self._kept.put(consultation, kept, PROPOSAL_BYTES * kept.size)
        return left

    def embargoed(self, consultation: str) -> bool:
        """Whether how people vote is hidden until voting has closed."""
        known = self._flushes.catalogue.consultations.get(consultation)
        # The totals move with every vote: most consultations need not be asked for them.
        return embargoed(known, "open") and embargoed(known, self.state(consultation))

    def state(self, consultation: str) -> str:
        """Say open, closed or final, without making the document."""
        totals = self.figure(consultation, Figure("totals", ""))
        if totals is None:
            return "open"
        return "final" if totals["final"] else "closed" if totals["closed"] else "open"

    def is_ranked(self, consultation: str) -> bool:
        """Whether the ranks hold the votes that the counts hold."""
        found = {kind: {"": figure} for kind in ("ranking", "rankings_held")
                 if (figure := self.figure(consultation, Figure(kind, ""))) is not None}
        votes = self.as_of().votes
        return "ranking" in found and tuple(rankings.hold(found, votes)) == votes

    def figure(self, consultation: str, name: Figure) -> Any | None:
        """Return one figure, without making the document; None where nothing was counted."""
        value = self._flushes.figures(consultation).get(name)
        if value is None:
            return None
        decoded = self._decoded.setdefault(consultation, {})
        known = decoded.get(name)
        if known is None or known[0] != value:
            # Every page of the booth asks for the totals: whether shares may be shown.
            known = decoded[name] = value, _decode(name, value)
        return known[1]

    def choices(self, consultation: str, proposal: str) -> tuple[int, ...]:
        """Return the counted votes on a proposal, in the order of words.CHOICES, embargo or not."""
        value = self._flushes.figures(consultation).get(Figure("proposal", proposal))
        try:
            return published_records.choices(value) if value is not None else ()
        except Undecodable as error:
            raise ResultsUnreadable(f"a proposal in the results topic: {error}") from error

    def own(self, consultation: str) -> Own:
        """Return what a document of the consultation is made from, to be compared with later."""
        figures = {name: value for name, value in self._flushes.figures(consultation).items()
                   if name.kind not in ("ranking", "drawn_ranking", "rankings_held")}
        known = self._flushes.catalogue.consultations.get(consultation)
        return figures, known and replace(
            known, themes=dict(known.themes), ideas=dict(known.ideas),
            proposals=dict(known.proposals), mapping=dict(known.mapping),
            retired=dict(known.retired), corrections=dict(known.corrections))

    def as_of(self) -> results_document.AsOf:
        """Return the positions of the logs that the documents hold."""
        return as_of(self._flushes)


def _decode(name: Figure, value: bytes) -> Any:
    """Read one figure to the form that `processors.results.results_document` works on."""
    try:
        return published_records.read(value)
    except Undecodable as error:
        raise ResultsUnreadable(f"a {name.kind} in the results topic: {error}") from error
