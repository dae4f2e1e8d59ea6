"""One consultation as it is shown, kept up with the flushes: what did not move stays. Pure.

Theory of operation: a flush moves some dozens of proposals of thousands. What the document says of
a proposal is made when it moved, and never changed: whoever holds `Shown` holds one moment, though
later ones share most of its entries. Ranks move by the hundred with every vote, so that they are
kept apart, as their records hold them, and joined to the entries that somebody asks for. A change
of the catalogue makes all of it again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from processors.results import published_records, results_document
from processors.results.catalogue import Consultation
from processors.results.descriptions import Descriptions
from processors.results.results_document import AsOf, Published, shares_hidden
from views.embargo import concealed, concealed_entry
from views.flushes import Figure, Flushes
from views.pages.highlights import OfProposals, Orders


Block = dict[str, Any]
Read = Callable[[Figure, bytes], Any]
"""Reads one figure to the form that `published_records` works on."""


@dataclass(frozen=True)
class Shown:
    """What is shown of a consultation at one moment; nobody changes it."""

    frame: Block
    """The results document without its proposals."""
    entries: Mapping[str, Block]
    """Proposals in the order of the document, without their ranks."""
    ranks: Mapping[str, Block]
    drawn_ranks: Mapping[str, Block]
    of_proposals: OfProposals

    def of(self, names: Iterable[str]) -> list[Block]:
        """Return proposals as the document has them."""
        if shares_hidden(self.frame):
            return [concealed_entry(self.entries[name]) for name in names]
        return [self.ranked(name) for name in names]

    def ranked(self, name: str) -> Block:
        """Return a proposal with its ranks."""
        entry = self.entries[name]
        found = {**entry, "rank": self.ranks.get(name)}
        if "drawn_rank" in entry:
            found["drawn_rank"] = self.drawn_ranks.get(name)
        return found

    def document(self) -> Block:
        """Put the whole results document together."""
        return {**self.frame, "proposals": self.of(self.entries)}


class Keeping:
    """What is kept of one consultation between two looks at it."""

    def __init__(self, consultation: str, flushes: Flushes, read: Read) -> None:
        self._consultation, self._flushes, self._read = consultation, flushes, read
        self._stored = 0
        self._made_of: tuple[int, bool] | None = None
        """Of how many events of the catalogue, and whether with routes, the entries are made."""
        self._by_kind: dict[str, dict[str, Any]] = {}
        """Figures that were read, by kind and name."""
        self._entries: dict[str, Block] = {}
        self._moved: set[str] = set()
        """Proposals whose entries are to be made again."""
        self._orders = Orders()

    @property
    def size(self) -> int:
        """So many proposals."""
        return len(self._entries)

    def advance(self, most: int) -> bool:
        """Read so many of the figures that moved, or make so many entries; say if any are left."""
        figures = self._flushes.figures(self._consultation)
        newer = self._flushes.newer(self._consultation, self._stored)[::-1]
        for name in newer[:most]:
            self._by_kind.setdefault(name.kind, {})[name.id] = self._read(name, figures[name])
            if name.kind in ("proposal", "proposal_routes"):
                self._moved.add(name.id)
        left = len(newer[most:])
        self._stored = self._flushes.stored(self._consultation) - left
        if left:
            return True
        made_of = self._flushes.described(self._consultation), "totals_routes" in self._by_kind
        if self._moved or made_of != self._made_of:
            self._make(most, again=made_of != self._made_of)
            self._made_of = made_of
        return bool(self._moved)

    def _make(self, most: int, *, again: bool) -> None:
        """Make so many of the entries that moved, or begin to make all of them again."""
        found, known = self._published(), self._known()
        if again or not self._moved <= self._entries.keys():
            names = [*known.proposals, *results_document.unknown_proposals(found, known)]
            self._entries = {name: {} for name in names}
            self._orders, self._moved = Orders(), {*names}
        zone = results_document.zone_of_description(known)
        for name in [*islice(self._moved, most)]:
            self._entries[name] = entry = results_document.proposal(found, known, name, zone)
            self._orders.put(entry)
            self._moved.discard(name)

    def shown(self, *, hidden: bool) -> Shown:
        """Return what is shown now; nothing may be left to `advance`."""
        found = self._published()
        frame = results_document.document(found, self._flushes.catalogue, [])
        drawn = found.by_route.proposals.ranks if found.by_route else {}
        shown = Shown(concealed(frame) if hidden else frame, dict(self._entries),
                      found.proposal_ranks, drawn, OfProposals(0, [], None))
        return replace(shown, of_proposals=OfProposals(
            len(shown.entries), shown.of(self._changed()),
            None if hidden else self._orders.highlights(shown.ranked, shown.ranks, drawn)))

    def _changed(self) -> list[str]:
        """Name the proposals of which the catalogue says more than their words."""
        known = self._known()
        told = known.retired.keys() | known.corrections.keys()
        return [name for name in self._entries if name in told] if told else []

    def _published(self) -> Published:
        if "totals" not in self._by_kind:
            return nothing_published(self._consultation, self._flushes)
        assert self._flushes.applied is not None, "figures are applied with their flush only"
        return published_records.published(
            self._consultation, self._by_kind, self._flushes.applied.fields())

    def _known(self) -> Consultation:
        known = self._flushes.catalogue.consultations.get(self._consultation)
        return known or Consultation(self._consultation)


def nothing_published(consultation: str, flushes: Flushes) -> Published:
    """Return the results of a consultation nothing was counted for yet."""
    nothing = results_document.Figures(
        proposals={}, descriptions=Descriptions().published(closed=False))
    return results_document.compute(
        consultation, nothing, flushes.catalogue, as_of(flushes), decided={}, undecodable=0)


def as_of(flushes: Flushes) -> AsOf:
    """Return the positions of the logs that the documents hold."""
    applied = flushes.applied
    if applied is None:
        return AsOf(votes=(), catalogue=flushes.catalogue.offset, participants=-1)
    return AsOf(votes=applied.offsets, catalogue=applied.catalogue_offset,
                participants=applied.participants_offset)
