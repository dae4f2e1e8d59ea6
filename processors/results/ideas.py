"""From the tallies of all partitions to the results of proposals and ideas. Pure.

Theory of operation: tallies are absolute, so the state is the last whole flush of each partition;
a flush is applied when its marker comes, at once or not at all. Nothing goes back: a marker below
what was applied is dropped (a zombie's, or a copy kept by compaction), so is a record below the one
applied under the same key, and a record beyond the marker waits for the next one, for a zombie's
flush may lie inside the owner's. Sums over partitions move by the difference of each new count to
the one it replaces. `take` computes only what moved.

A record that nobody can read, or that is no event of its topic, is set aside: its offset counts as
read, nothing else moves, and every reader of the topic does the same. A schema id that is not known
here is another matter: a later release can read it, so UnknownSchema is raised and nothing is
folded past it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from processors.results import rankings, results_document, routes, scored_records, scores
from processors.results.catalogue import Catalogue, Consultation
from processors.results.descriptions import Descriptions, told_by
from processors.results.partition_tallies import (
    PartitionTallies,
    Waiting,
    fields_of,
    waiting_of,
)
from processors.results.ranks import Controversial, Ranks
from processors.results.results_document import AsOf, Block, Computed, Figures
from schemas import codec
from schemas.codec import Undecodable
from schemas.topics import FLUSH_KEY
from schemas.words import CHOICES, COUNTS, EVERY_COUNT


Record = tuple[bytes, bytes]

_NOTHING = (0,) * len(EVERY_COUNT)
_ALL_HAVE = len(COUNTS)
"""So many counts come first, which all rules have; then those that rules 2 add."""


@dataclass
class _State:
    """What is kept of one consultation between publications."""

    sums: dict[str, list[int]] = field(default_factory=dict)
    """By proposal, in the order of words.EVERY_COUNT."""
    pooled: list[int] = field(default_factory=lambda: [*_NOTHING])
    """Sum over all proposals, kept as they move."""
    members: dict[str, list[str]] = field(default_factory=dict)
    """Proposals of each idea; empty where the catalogue moved since."""
    proposals: Ranks = field(default_factory=Ranks)
    ideas: Ranks = field(default_factory=Ranks)
    controversial: Controversial = field(default_factory=Controversial)
    drawn_proposals: Ranks = field(default_factory=Ranks)
    drawn_ideas: Ranks = field(default_factory=Ranks)
    """Ranks by their drawn votes, since rules 2."""
    ideas_moved: bool = True
    """Whether all ideas are to be published again: which there are, or what they hold, moved."""
    descriptions: Descriptions = field(default_factory=Descriptions)
    moved: set[str] = field(default_factory=set)
    """Proposals whose sums or idea moved since the last publication."""
    moved_ideas: set[str] = field(default_factory=set)
    """Ideas to publish again, besides those of moved proposals."""
    moved_at_all: bool = True
    """Whether any number moved since the last publication..."""
    ranking_due: bool = True
    """... or since the last one with rankings."""
    in_turn: bool = False
    """Whether a part of it is to be published again, though it did not move..."""
    ranking_in_turn: bool = False
    """... or its rankings."""


class Ideas:
    """The state of the ideas worker: fold the three topics in, take publications out."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [PartitionTallies() for _ in range(partitions)]
        self.catalogue = Catalogue()
        self.participants_offset = -1
        self.rules = 1
        """The newest rules in force in any partition."""
        self.set_aside = {"tallies": 0, "catalogue": 0, "participants": 0}
        """Records that nobody can read, by topic."""
        self._positions_moved = False
        """Whether a position moved since the last publication, even if no number did."""
        self._states: dict[str, _State] = {}
        self._ending: set[str] = set()
        """Consultations whose closing is completed, and whose final result is not yet taken."""
        self._turn = 0
        """The slice whose turn it is to be published again."""

    # Folding

    def apply_tallies(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Fold one record of the tallies topic."""
        tallies = self.partitions[partition]
        try:
            if key != FLUSH_KEY:
                tallies.waiting.append(waiting_of(value))
                return
            marker = fields_of(value, "TalliesFlushed")
        except Undecodable:
            self.set_aside["tallies"] += 1
            return
        offset = marker["source_offset"]
        limit = max(offset, tallies.offset)
        waiting = tallies.waiting
        tallies.waiting = [waited for waited in waiting if waited.offset > limit]
        if offset < tallies.offset:
            return
        for waited in waiting:
            if waited.offset <= limit:
                self._apply_waited(tallies, waited)
        if offset > tallies.offset:
            self._moved_on()
        tallies.offset = offset
        tallies.decided, tallies.undecodable = marker["decided"], marker["undecodable"]
        if marker["ledger_version"] > self.rules:
            self.rules = marker["ledger_version"]
            # From now on every entry has a record more.
            for state in self._states.values():
                state.moved |= {*state.sums}
                state.ideas_moved = True
                state.moved_at_all = True

    def _moved_on(self) -> None:
        """Note that the vector moved.

        Under the first rules a ranking is of one vector, and made anew for each; since rules 2 it
        holds until something of its consultation moves, which costs the others nothing.
        """
        self._positions_moved = True
        if self.rules < routes.RULES:
            for state in self._states.values():
                state.ranking_due = True
        for name in self._ending:  # The vector alone may make a result final.
            self._states[name].moved_at_all = True

    def _apply_waited(self, tallies: PartitionTallies, waited: Waiting) -> None:
        if waited.participation is None:
            self._move(tallies, waited)
            return
        previous = tallies.participation.get(waited.consultation)
        if previous is None or waited.offset >= previous["source_offset"]:
            tallies.participation[waited.consultation] = waited.participation
            self._state(waited.consultation).moved_at_all = True

    def _move(self, tallies: PartitionTallies, waited: Waiting) -> None:
        _, consultation, proposal, counts, _ = waited
        key = (consultation, proposal)
        if waited.offset < tallies.offsets.get(key, -1):
            return
        tallies.offsets[key] = waited.offset
        previous = tallies.counts.get(key)
        if previous == counts:
            return
        state = self._state(consultation)
        sums, pooled = state.sums.setdefault(proposal, [*_NOTHING]), state.pooled
        for index, (count, before) in enumerate(zip(counts, previous or _NOTHING, strict=True)):
            if count != before:
                sums[index] += count - before
                pooled[index] += count - before
        tallies.counts[key] = counts
        state.moved.add(proposal)
        state.moved_at_all = True

    def apply_catalogue(self, value: bytes | None, offset: int) -> None:
        """Fold one record of the catalogue topic."""
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            self.set_aside["catalogue"] += 1
            event, fields = "", {}
        name = self.catalogue.apply(event, fields, offset, value)
        self._positions_moved = True
        counted = self.catalogue.counted
        if name is None or counted is None:
            return
        event, fields = counted.event, counted.fields
        state = self._state(name)
        state.moved_at_all = True
        if event in ("ProposalGrouped", "ProposalAccepted") and fields["proposal"] in state.sums:
            state.moved.add(fields["proposal"])
        if event == "ClosingCompleted":
            self._ending.add(name)
        if event in ("ProposalGrouped", "IdeaDescribed"):
            state.ideas_moved = True
            state.members.clear()

    def apply_participants(self, value: bytes | None, offset: int) -> None:
        """Fold one record of the participants topic."""
        try:
            told = told_by(value)
        except Undecodable:
            self.set_aside["participants"] += 1
            told = None
        self.participants_offset = max(self.participants_offset, offset)
        self._positions_moved = True
        if told is None:
            return
        name, state = told.consultation, self._state(told.consultation)
        is_told = state.descriptions.fold(told)
        state.moved_at_all |= is_told or self._is_closed(name)

    def _state(self, consultation: str) -> _State:
        found = self._states.get(consultation)
        if found is None:
            found = self._states[consultation] = _State()
        return found

    @property
    def unendorsed(self) -> int:
        """Records of the catalogue that nobody endorsed, and closings of descriptions that it does
        not know: whoever writes to the participants' log can leave out who comes later."""
        known = self.catalogue.consultations
        return self.catalogue.unendorsed + sum(
            state.descriptions.closed and (name not in known or known[name].closing is None)
            for name, state in self._states.items())

    # Publishing

    def as_of(self) -> AsOf:
        """Return the positions the state holds."""
        return AsOf(tuple(tallies.offset for tallies in self.partitions),
                    self.catalogue.offset, self.participants_offset)

    def figures(self, consultation: str) -> Figures:
        """Return everything counted of a consultation."""
        sums = self._state(consultation).sums
        found = self._voters(consultation)
        found.proposals = {name: counts[:_ALL_HAVE] for name, counts in sums.items()}
        if found.rules >= routes.RULES:
            found.routes = {name: counts[_ALL_HAVE:] for name, counts in sums.items()}
        return found

    def _voters(self, consultation: str) -> Figures:
        """Return what is counted of voters, not of proposals."""
        state = self._state(consultation)
        seen = [t.participation[consultation] for t in self.partitions
                if consultation in t.participation]
        closed = self._is_closed(consultation)
        return Figures(
            proposals={}, rules=self.rules, closed=closed,
            participants=sum(fields["participants"] for fields in seen),
            participants_received=sum(fields["participants_received"] for fields in seen),
            suspended=sum(fields["suspended"] for fields in seen),
            controls_after_closing=sum(f.get("controls_after_closing", 0) for f in seen),
            descriptions=state.descriptions.published(closed=closed),
        )

    def _is_closed(self, consultation: str) -> bool:
        return all(consultation in tallies.participation
                   and tallies.participation[consultation]["closed"] for tallies in self.partitions)

    def moved(self, *, ranked: bool) -> bool:
        """Whether there is anything to publish; `ranked` as in `take`."""
        return self._positions_moved or any(
            _is_due(state, ranked=ranked) for state in self._states.values())

    def move_slice(self, slices: int) -> None:
        """Have the next publication hold one in `slices` of all proposals and ideas again, in turn.

        After so many calls everything was published again.
        """
        for state in self._states.values():
            state.moved |= set(islice(state.sums, self._turn, None, slices))
            state.moved_ideas |= set(islice(state.members, self._turn, None, slices))
            state.in_turn = True
            state.ranking_in_turn |= self._turn == 0
        self._turn = (self._turn + 1) % slices

    def take(self, published_at: int, *, ranked: bool) -> list[Record]:
        """Take what moved as records of the results topic, the marker last.

        `ranked` asks for the rankings of the consultations that moved, too.
        """
        records: list[Record] = []
        for name, state in self._states.items():
            if _is_due(state, ranked=ranked):
                records += self._take_consultation(name, state, ranked=ranked)
        records.append((FLUSH_KEY, self._marker(published_at)))
        self._positions_moved = False
        return records

    def _take_consultation(self, name: str, state: _State, *, ranked: bool) -> Iterator[Record]:
        known = self.catalogue.consultations.get(name)
        mapping = known.mapping if known else {}
        if not state.members:
            state.members = results_document.members(known)
        moved_ideas = (
            {mapping[p] for p in state.moved if p in mapping} | state.moved_ideas
            if not state.ideas_moved else set(state.members))
        if state.ideas_moved:
            state.ideas.clear()
            state.drawn_ideas.clear()
        totals = results_document.totals(
            name, self._voters(name), state.pooled[:_ALL_HAVE], known, self.as_of())
        if totals["final"]:
            self._ending.discard(name)
        by_route = self.rules >= routes.RULES
        yield from self._proposals(name, state, known)
        yield from self._ideas(name, state, moved_ideas)
        yield from _totals_records(name, totals)
        if by_route:
            yield self._routes(name, "totals_routes", "", state.pooled)
        state.ranking_due |= state.moved_at_all
        if ranked and (state.ranking_due or state.ranking_in_turn):
            yield from rankings.ranking(name, state.ideas, state.proposals,
                                        state.controversial.listed(), self.as_of())
            if by_route:
                yield from rankings.drawn_ranking(
                    name, state.drawn_ideas, state.drawn_proposals, self.as_of())
            state.ranking_due = state.ranking_in_turn = False
        if by_route:
            yield rankings.held(name, held=not state.ranking_due)
        state.moved_at_all = state.in_turn = state.ideas_moved = False
        state.moved.clear()
        state.moved_ideas.clear()

    def _proposals(self, name: str, state: _State, known: Consultation | None) -> Iterator[Record]:
        proposals, mapping = (known.proposals, known.mapping) if known else ({}, {})
        for proposal in sorted(state.moved):
            every = state.sums[proposal]
            counts = every[:_ALL_HAVE]
            computed, rankable = _computed(counts)
            state.proposals.put(proposal, rankable)
            state.controversial.put(proposal, rankable)
            yield (f"{name}\0proposal\0{proposal}".encode(), scored_records.proposal_scored(
                name, proposal, mapping.get(proposal), proposal in proposals, counts, computed))
            if self.rules >= routes.RULES:
                state.drawn_proposals.put(proposal, routes.rankable(every[_ALL_HAVE:]))
                yield self._routes(name, "proposal_routes", proposal, every)

    def _ideas(self, name: str, state: _State, ideas: set[str]) -> Iterator[Record]:
        moved = {idea: state.members[idea] for idea in sorted(ideas)}
        by_route = self.rules >= routes.RULES
        worth: dict[str, int] = {}
        drawn_worth: dict[str, int] = {}
        if by_route:
            worth, drawn_worth = (
                results_document.effective_ideas(state.sums, moved, choices, EVERY_COUNT)
                for choices in (CHOICES, routes.DRAWN_CHOICES))
        for idea, every in results_document.pooled_ideas(state.sums, moved, EVERY_COUNT).items():
            counts = every[:_ALL_HAVE]
            computed, rankable = _computed(counts, worth.get(idea))
            state.ideas.put(idea, rankable)
            yield (f"{name}\0idea\0{idea}".encode(), scored_records.idea_scored(
                name, idea, len(moved[idea]), counts, computed))
            if by_route:
                state.drawn_ideas.put(
                    idea, routes.rankable(every[_ALL_HAVE:], drawn_worth[idea]))
                yield self._routes(name, "idea_routes", idea, every)

    def _routes(self, name: str, kind: str, entry: str, every: Sequence[int]) -> Record:
        key = f"{name}\0{kind}\0{entry}" if entry else f"{name}\0{kind}"
        return key.encode(), scored_records.routes_counted(
            name, entry, self.rules, every[_ALL_HAVE:])

    def _marker(self, published_at: int) -> bytes:
        as_of = self.as_of()
        decided: dict[str, int] = {}
        for tallies in self.partitions:
            for outcome, number in tallies.decided.items():
                decided[outcome] = decided.get(outcome, 0) + number
        return codec.encode(
            "ResultsPublished", offsets=list(as_of.votes), catalogue_offset=as_of.catalogue,
            participants_offset=as_of.participants, decided=decided,
            undecodable=sum(t.undecodable for t in self.partitions),
            scores_version=scores.version(self.rules), published_at=published_at,
        )


def _is_due(state: _State, *, ranked: bool) -> bool:
    """Whether a publication has anything of a consultation."""
    return state.moved_at_all or state.in_turn or (
        ranked and (state.ranking_due or state.ranking_in_turn))


def _computed(counts: Sequence[int], effective: int | None = None) -> tuple[Computed, Block]:
    """Compute what follows from counts, and what of it rankings look at."""
    named = results_document.named(counts)
    computed = results_document.computed(named, effective)
    return computed, {
        "counted": {"votes": sum([named[choice] for choice in CHOICES])}, "scores": computed[2]}


def _totals_records(name: str, totals: Block) -> Iterator[Record]:
    scored = {**totals, "counts": results_document.flat(totals["counts"])}
    in_stretches = "unpublished" in scored
    unpublished = scored.pop("unpublished", None)
    yield f"{name}\0totals".encode(), codec.encode("ConsultationScored", **scored)
    if in_stretches:
        yield f"{name}\0descriptions".encode(), codec.encode(
            "DescriptionsPublished", consultation=name, unpublished=unpublished)
