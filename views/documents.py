"""From whole flushes to the results document of each consultation. Pure.

The numbers were made by the ideas worker with `processors.results.results_document`; here they
are only read and handed to the same module's `document`. Figures that did not change since the
last document are not decoded again: a flush touches some dozens of proposals of thousands.
"""

from dataclasses import replace
from typing import Any

from processors.results import published_records, rankings, results_document
from processors.results.catalogue import Consultation
from schemas.codec import Undecodable
from views.embargo import concealed, embargoed
from views.flushes import Figure, Flushes, ResultsUnreadable


Decoded = dict[Figure, tuple[bytes, Any]]
Own = tuple[dict[Figure, bytes], Consultation | None]
"""What belongs to one consultation alone: its figures but the rankings, which follow from them and
name positions of the whole log, and its part of the catalogue."""


class Documents:
    """Makes documents from the flushes, remembering what it decoded."""

    def __init__(self, flushes: Flushes) -> None:
        self._flushes = flushes
        self._decoded: dict[str, Decoded] = {}

    def document(self, consultation: str) -> dict[str, Any] | None:
        """Make the results document that people may see; None where nobody knows the id."""
        made = self.whole_document(consultation)
        return concealed(made) if made and self.embargoed(consultation) else made

    def whole_document(self, consultation: str) -> dict[str, Any] | None:
        """Make it as of the last whole flush, embargo or not: for recounts, never to be shown."""
        if consultation not in self._flushes.consultations():
            return None
        return results_document.document(self._published(consultation), self._flushes.catalogue)

    def embargoed(self, consultation: str) -> bool:
        """Whether how people vote is hidden until voting has closed."""
        known = self._flushes.catalogue.consultations.get(consultation)
        return embargoed(known, self.state(consultation))

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
        applied = self._flushes.applied
        if applied is None:
            return results_document.AsOf(
                votes=(), catalogue=self._flushes.catalogue.offset, participants=-1)
        return results_document.AsOf(
            votes=applied.offsets,
            catalogue=applied.catalogue_offset,
            participants=applied.participants_offset,
        )

    def _published(self, consultation: str) -> results_document.Published:
        by_kind: dict[str, dict[str, Any]] = {}
        for name, figure in self._figures(consultation).items():
            by_kind.setdefault(name.kind, {})[name.id] = figure
        if "totals" not in by_kind:
            return self._empty(consultation)
        assert self._flushes.applied is not None, "figures are applied with their flush only"
        return published_records.published(
            consultation, by_kind, self._flushes.applied.fields())

    def _empty(self, consultation: str) -> results_document.Published:
        """Return the results of a consultation nothing was counted for yet."""
        return results_document.compute(
            consultation, results_document.Figures(proposals={}), self._flushes.catalogue,
            self.as_of(), decided={}, undecodable=0,
        )

    def _figures(self, consultation: str) -> dict[Figure, Any]:
        before = self._decoded.get(consultation, {})
        now: Decoded = {}
        for name, value in self._flushes.figures(consultation).items():
            known = before.get(name)
            now[name] = known if known and known[0] == value else (value, _decode(name, value))
        self._decoded[consultation] = now
        return {name: figure for name, (_, figure) in now.items()}


def _decode(name: Figure, value: bytes) -> Any:
    """Read one figure to the form that `processors.results.results_document` works on."""
    try:
        return published_records.read(value)
    except Undecodable as error:
        raise ResultsUnreadable(f"a {name.kind} in the results topic: {error}") from error
