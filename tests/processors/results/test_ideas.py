"""The ideas: whole flushes only, never back, and sums that are the sums, in whatever order."""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results import results_document, scores
from processors.results.ideas import Ideas, Record
from schemas import codec
from schemas.topics import FLUSH_KEY
from schemas.words import COUNTS
from tests.harness import document_of
from tests.processors.ledger.logs import (
    PARTITION,
    PARTITIONS,
    PROPOSALS,
    Log,
    adopted,
    ballots,
    closed,
    controls,
    identifier,
    property_test,
    vote,
    voter,
)
from tests.processors.ledger.logs_2 import adopted_2, ballots_2, controls_2


AT = 1_650_000_000_000
TALLIES = 2
"""Partitions of the tallies in these tests."""


def catalogue_event(event: str, **fields: Any) -> bytes:
    """Encode an event of the catalogue."""
    return codec.encode(event, **{
        "event_id": bytes(16), "consultation": "jeunes", "origin": "operator", "occurred_at": 0,
        **fields})


def accepted(proposal: str) -> bytes:
    """Encode a ProposalAccepted."""
    return catalogue_event("ProposalAccepted", proposal=proposal, text={"fr": "Il faut"},
                           author=None)


def grouped(proposal: str, idea: str | None) -> bytes:
    """Encode a ProposalGrouped."""
    return catalogue_event("ProposalGrouped", proposal=proposal, idea=idea)


def described(idea: str) -> bytes:
    """Encode an IdeaDescribed."""
    return catalogue_event("IdeaDescribed", idea=idea, theme=None, title={})


def participant(number: int, gender: str | None, region: str | None) -> bytes:
    """Encode a ParticipantDescribed."""
    return catalogue_event("ParticipantDescribed", participant=identifier(number, "part"),
                           gender=gender, age_band=None, region=region)


catalogue_records = st.one_of(
    st.builds(accepted, st.sampled_from(PROPOSALS)),
    st.builds(grouped, st.sampled_from(PROPOSALS), st.sampled_from((None, "i1", "i2"))),
    st.builds(described, st.sampled_from(("i1", "i2"))),
)
participant_records = st.builds(
    participant, st.integers(0, 3), st.sampled_from((None, "woman", "man")),
    st.sampled_from((None, "FR-IDF", "FR-BRE")))
rises = st.just(adopted_2())
Step = tuple[str, Any]
steps = st.one_of(
    st.tuples(st.just("votes"), st.tuples(
        st.integers(0, TALLIES - 1), st.lists(
            ballots() | controls() | ballots_2() | ballots_2() | controls_2() | rises,
            min_size=1, max_size=6))),
    st.tuples(st.just("flush"), st.tuples(st.integers(0, TALLIES - 1), st.booleans())),
    st.tuples(st.just("stale"), st.integers(0, TALLIES - 1)),
    st.tuples(st.just("catalogue"), catalogue_records),
    st.tuples(st.just("participants"), participant_records),
    st.tuples(st.just("take"), st.booleans()),
)


class World:
    """Two ledgers, what they flushed, and an ideas state that reads it."""

    def __init__(self) -> None:
        self.ledgers = [Ledger(PARTITION, PARTITIONS) for _ in range(TALLIES)]
        self.stale = [Ledger(PARTITION, PARTITIONS) for _ in range(TALLIES)]
        """Zombies: they decide the same records, later, and flush what they have."""
        self.logs: list[Log] = [[] for _ in range(TALLIES)]
        self.flushed: list[list[Record]] = [[] for _ in range(TALLIES)]
        self.catalogue: list[bytes] = []
        self.participants: list[bytes] = []
        self.ideas = Ideas(TALLIES)
        self.published: dict[bytes, bytes] = {}
        for number in range(TALLIES):
            self.votes(number, [adopted()])

    def step(self, step: Step) -> None:
        """Do one thing."""
        kind, what = step
        if kind in ("votes", "flush"):
            getattr(self, kind)(*what)
        else:
            getattr(self, kind if kind != "stale" else "flush_stale")(what)

    def votes(self, number: int, values: Log) -> None:
        """Decide votes of a partition; its zombie lags one step behind."""
        for offset, value in enumerate(self.logs[number]):
            self.stale[number].decide(offset, value)
        for value in values:
            self.ledgers[number].decide(len(self.logs[number]), value)
            self.logs[number].append(value)

    def flush(self, number: int, everything: bool) -> None:  # noqa: FBT001 -- drawn
        """Let a ledger flush, and the ideas read it."""
        self.read(number, tally_records.flush(self.ledgers[number], everything=everything))

    def flush_stale(self, number: int) -> None:
        """Let a zombie flush everything it has."""
        if self.stale[number].last_offset >= 0:
            self.read(number, tally_records.flush(self.stale[number], everything=True))

    def read(self, number: int, records: list[Record]) -> None:
        """Fold records of the tallies topic."""
        self.flushed[number] += records
        for key, value in records:
            self.ideas.apply_tallies(number, key, value)

    def catalogue_record(self, value: bytes) -> None:
        """Fold a record of the catalogue topic."""
        self.ideas.apply_catalogue(value, len(self.catalogue))
        self.catalogue.append(value)

    def participant_record(self, value: bytes) -> None:
        """Fold a record of the participants topic."""
        self.ideas.apply_participants(value, len(self.participants))
        self.participants.append(value)

    def take(self, ranked: bool) -> None:  # noqa: FBT001 -- drawn
        """Publish."""
        if self.ideas.moved(ranked=ranked):
            self.published |= dict(self.ideas.take(AT, ranked=ranked))

    def finish(self) -> None:
        """Flush and publish what is left."""
        for number in range(TALLIES):
            self.flush(number, everything=False)
        self.take(ranked=True)

    def sums(self) -> dict[tuple[str, str], list[int]]:
        """Add the ledgers' own counts up, directly."""
        found: dict[tuple[str, str], list[int]] = {}
        for ledger in self.ledgers:
            for met, counts in ledger.tallies().items():
                found[met] = [a + b for a, b in zip(
                    found.get(met, [0] * len(COUNTS)), counts, strict=True)]
        return found


def ran(done: list[Step]) -> World:
    """Run steps to their end."""
    world = World()
    for kind, what in done:
        world.step(({"catalogue": "catalogue_record",
                     "participants": "participant_record"}.get(kind, kind), what))
    world.finish()
    return world


def sums_of(found: Ideas) -> dict[tuple[str, str], list[int]]:
    """Return the sums an ideas state holds."""
    return {
        (name, proposal): list(counts) for name in ("jeunes", "forêts")
        for proposal, counts in found.figures(name).proposals.items() if any(counts)
    }


@given(done=st.lists(steps, max_size=30))
@property_test
def test_sums_over_partitions_are_the_sums_of_the_ledgers(done: list[Step]) -> None:
    """Whatever the order of flushes, zombies' among them, the sums are those of the ledgers."""
    world = ran(done)

    assert sums_of(world.ideas) == {met: c for met, c in world.sums().items() if any(c)}
    for name in ("jeunes", "forêts"):
        figures = world.ideas.figures(name)
        ledgers = [ledger.participation(name) for ledger in world.ledgers]

        assert figures.participants == sum(found.participants for found in ledgers)
        assert figures.suspended == sum(found.suspended for found in ledgers)
        assert figures.controls_after_closing == sum(
            found.controls_after_closing for found in ledgers)


@given(done=st.lists(steps, max_size=30))
@property_test
def test_a_compacted_topic_gives_the_same_figures(done: list[Step]) -> None:
    """Reading only the last record of each key, after a full flush, gives the same state."""
    world = ran(done)
    late = Ideas(TALLIES)
    for number in range(TALLIES):
        world.flush(number, everything=True)
        last = {key: place for place, (key, _) in enumerate(world.flushed[number])}
        for key, place in sorted(last.items(), key=lambda found: found[1]):
            late.apply_tallies(number, key, world.flushed[number][place][1])

    assert sums_of(world.ideas) == sums_of(late)
    assert world.ideas.as_of().votes == late.as_of().votes


@given(done=st.lists(steps, max_size=30))
@property_test
def test_small_steps_publish_what_one_step_publishes(done: list[Step]) -> None:
    """However often results were taken, the last record of each key is that of one taking.

    Since rules 2 a ranking may be older, where it still holds.
    """
    world = ran(done)
    at_once = Ideas(TALLIES)
    for number in range(TALLIES):
        for key, value in world.flushed[number]:
            at_once.apply_tallies(number, key, value)
    for offset, value in enumerate(world.catalogue):
        at_once.apply_catalogue(value, offset)
    for offset, value in enumerate(world.participants):
        at_once.apply_participants(value, offset)
    expected = dict(at_once.take(AT, ranked=True))
    gone = {key for key in world.published if key not in expected}
    found = {key: value for key, value in world.published.items() if key in expected}

    assert {key: timeless(value) for key, value in expected.items()} == {
        key: timeless(value) for key, value in found.items()}
    assert all(not key.endswith(b"rankings_held") or codec.decode(value)[1]["held"]
               for key, value in found.items())
    assert all(b"\0idea" in key for key in gone), "only ideas nothing is grouped under any more"


def timeless(value: bytes) -> tuple[str, dict[str, Any]]:
    """Decode a record; of a ranking without its vector."""
    event, fields = codec.decode(value)
    if event in ("ProposalsRanked", "DrawnRanked"):
        del fields["offsets"]
    return event, fields


@given(done=st.lists(steps, max_size=20))
@property_test
def test_the_records_give_what_is_computed_directly(done: list[Step]) -> None:
    """Published records, put together, are what `compute` makes of the same figures."""
    world = ran(done)
    if b"jeunes\0totals" not in world.published:
        return
    made = document_of(world.published, world.ideas.catalogue)
    _, marker = codec.decode(world.published[FLUSH_KEY])
    direct = results_document.compute(
        "jeunes", world.ideas.figures("jeunes"), world.ideas.catalogue, world.ideas.as_of(),
        decided=marker["decided"], undecodable=marker["undecodable"])

    assert made == results_document.document(direct, world.ideas.catalogue)
    assert made["rules_version"] == max(1, *(found.ledger_version for found in world.ledgers))


# Whole flushes, never back


def flushes(log: Log, cuts: tuple[int, ...]) -> list[list[Record]]:
    """Decide a log, flushing what moved after each of the cuts."""
    ledger, found = Ledger(PARTITION, PARTITIONS), []
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
        if offset in cuts:
            found.append(tally_records.flush(ledger, everything=False))
    return found


def fold(found: Ideas, records: list[Record]) -> None:
    """Fold records of tallies partition 0."""
    for key, value in records:
        found.apply_tallies(0, key, value)


LOG: Log = [adopted(), vote(1), vote(2, proposal="p2"), vote(3, "disagree", voter=voter(1)),
            vote(4, "disagree", proposal="p2", voter=voter(1))]


def test_a_flush_is_applied_whole_or_not_at_all() -> None:
    """Records count once their marker has come, not before."""
    first, second = flushes(LOG, (2, 4))
    state = Ideas(1)
    fold(state, first)
    before = sums_of(state)
    fold(state, second[:-1])

    assert (before, state.as_of().votes) == (sums_of(state), (2,))
    fold(state, second[-1:])

    assert before != sums_of(state)
    assert state.as_of().votes == (4,)


def test_results_never_go_back() -> None:
    """A zombie's flush that holds less than what was applied is dropped with its records."""
    early, late = flushes(LOG, (2,))[0], flushes(LOG, (4,))[0]
    state = Ideas(1)
    fold(state, late)
    before = sums_of(state)
    fold(state, early)

    assert (before, (4,)) == (sums_of(state), state.as_of().votes)


def test_a_zombies_records_inside_a_flush_change_nothing() -> None:
    """Records of a stale flush between those of a newer one and its marker do not go back."""
    early, late = flushes(LOG, (2,))[0], flushes(LOG, (4,))[0]
    state = Ideas(1)
    fold(state, late)
    before = sums_of(state)
    fold(state, [*early[:-1], late[-1]])

    assert before == sums_of(state)


def test_a_flush_without_a_moved_count_is_published() -> None:
    """Records that moved no count still move the vector and the decided totals."""
    state = Ideas(1)
    first, second = flushes([*LOG, b"{}"], (4, 5))
    fold(state, first)
    state.take(AT, ranked=True)
    assert not state.moved(ranked=True)
    fold(state, second)
    assert state.moved(ranked=False)
    records = dict(state.take(AT, ranked=False))
    _, marker = codec.decode(records[FLUSH_KEY])

    assert (marker["offsets"], marker["undecodable"]) == ([5], 1)
    assert state.moved(ranked=True)
    _, ranking = codec.decode(dict(state.take(AT, ranked=True))[b"jeunes\0ranking"])
    assert ranking["offsets"] == [5]
    assert not state.moved(ranked=True)


def test_slices_publish_everything_again_by_turns() -> None:
    """After as many slices as there are, every proposal and idea was published once more."""
    state = Ideas(1)
    fold(state, flushes(LOG, (4,))[0])
    for offset, value in enumerate((described("i1"), described("i2"), accepted("p1"),
                                    grouped("p1", "i1"))):
        state.apply_catalogue(value, offset)
    everything = dict(state.take(AT, ranked=True))
    again: list[Record] = []
    for _ in range(3):
        state.move_slice(3)
        again += state.take(AT, ranked=True)

    assert len(everything) == 8
    assert dict(again) == everything
    assert sum(key.startswith(b"jeunes\0proposal\0") for key, _ in again) == 2


def test_the_marker_is_the_last_record() -> None:
    """Whoever reads a publication up to its marker has read it whole."""
    state = Ideas(1)
    fold(state, flushes(LOG, (4,))[0])
    records = state.take(AT, ranked=True)

    assert [key == FLUSH_KEY for key, _ in records] == [False] * (len(records) - 1) + [True]
    assert codec.decode(records[-1][1])[1]["scores_version"] == scores.SCORES_VERSION


def test_a_publication_moves_with_descriptions_of_fifty_people_and_then_of_twenty() -> None:
    """After the closing it says how many are left; what is on no list was not stated."""
    state, due = Ideas(1), []
    said = itertools.cycle(("woman", "man", "other", "Vote for me"))
    for offset in range(75):
        state.apply_participants(participant(offset, next(said), None), offset)
        records = dict(state.take(AT, ranked=False))
        if b"jeunes\0descriptions" in records and offset:
            due.append(offset + 1)
            assert codec.decode(records[b"jeunes\0descriptions"])[1]["unpublished"] is None
    assert due == [50, 70]
    fold(state, flushes([*LOG, closed(6)], (5,))[0])
    records = dict(state.take(AT, ranked=False))

    assert codec.decode(records[b"jeunes\0descriptions"])[1]["unpublished"] == 5
    totals = codec.decode(records[b"jeunes\0totals"])[1]
    assert (totals["descriptions"], [cell["count"] for cell in totals["gender"]]) == (
        70, [18, 18, 17])
