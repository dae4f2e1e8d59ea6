"""What nobody can read is set aside, of every topic; what a later release wrote stops the fold."""

from collections.abc import Callable

import pytest

from processors.ledger import tally_records
from processors.results.ideas import Ideas
from producers.known_catalogue import KnownCatalogue
from schemas import codec
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from schemas.topics import FLUSH_KEY
from schemas.words import COUNTS
from tests.processors.ledger.logs import vote
from tests.processors.results.test_ideas import (
    AT,
    Step,
    accepted,
    catalogue_event,
    participant,
    ran,
)
from views.flushes import Flushes


Reader = Callable[[Ideas, bytes | None, int], None]
FLUSHED = codec.encode(
    "TalliesFlushed", source_offset=3, ledger_version=1, decided={}, undecodable=0)
READERS: dict[str, tuple[Reader, bytes]] = {
    "tallies": (lambda ideas, value, _: ideas.apply_tallies(0, b"jeunes\0p1", value),
                tally_records.proposal_tallied("jeunes", "p1", 3, [0] * len(COUNTS))),
    "flushes": (lambda ideas, value, _: ideas.apply_tallies(0, FLUSH_KEY, value), FLUSHED),
    "catalogue": (Ideas.apply_catalogue, accepted("p1")),
    "participants": (Ideas.apply_participants, participant(1, "woman", None)),
}
"""By what is read: what folds a record, and one that belongs there."""
ELSEWHERE = [vote(1), FLUSHED]
LATER = b"\0" + (9_999).to_bytes(4, "big") + b"later"


def broken(good: bytes) -> dict[str, bytes | None]:
    """Make a record unreadable in every way."""
    return {
        "a tombstone": None, "nothing": b"", "no header": b"{}", "half a header": good[:3],
        "cut off": good[:-3], "one byte more": good + b"\0", "header alone": good[:5],
        "another body": good[:5] + b"\xff" * 40,
    }


@pytest.mark.parametrize("kind", broken(b""))
@pytest.mark.parametrize("name", READERS)
def test_what_nobody_can_read_moves_nothing_and_is_counted(name: str, kind: str) -> None:
    """The offset counts as read; what follows is folded as if the record were not there."""
    fold, good = READERS[name]
    world = ran([("catalogue", accepted("p1")), ("votes", (0, [vote(1), vote(2)]))])
    before = world.ideas.figures("jeunes")
    fold(world.ideas, broken(good)[kind], 10)

    assert world.ideas.figures("jeunes") == before
    assert sum(world.ideas.set_aside.values()) == 1
    assert world.ideas.take(AT, ranked=True)


@pytest.mark.parametrize("value", ELSEWHERE)
@pytest.mark.parametrize("name", READERS)
def test_an_event_of_another_topic_says_nothing(name: str, value: bytes) -> None:
    """Whole and readable, but not of this topic: no consultation comes of it, nothing ends."""
    steps: list[Step] = [("votes", (0, [vote(1)]))]
    world = ran(steps)
    known = {*world.ideas.catalogue.consultations}
    if READERS[name][1] != value:
        READERS[name][0](world.ideas, value, 10)

    assert {*world.ideas.catalogue.consultations} == known
    assert world.ideas.figures("jeunes") == ran(steps).ideas.figures("jeunes")


@pytest.mark.parametrize("name", READERS)
def test_what_a_later_release_wrote_stops_the_fold(name: str) -> None:
    """It may be a closing: the message says what to install, and nothing is passed over."""
    ideas = Ideas(1)
    with pytest.raises(UnknownSchema, match="unknown schema id 9999"):
        READERS[name][0](ideas, LATER, 0)

    assert ideas.as_of() == Ideas(1).as_of()


def test_every_reader_of_the_catalogue_leaves_the_same_records_out() -> None:
    """Ideas, pages and gateways know the same proposals after the same log."""
    values = [accepted("p1"), *broken(accepted("p2")).values(), *ELSEWHERE,
              catalogue_event("IdeaDescribed", idea="i1", theme=None, title={}), accepted("p3")]
    ideas, pages, gateway = Ideas(1), Flushes(), KnownCatalogue()
    for offset, value in enumerate(values):
        ideas.apply_catalogue(value, offset)
        pages.receive_catalogue(offset, value)
        try:
            gateway.apply(*codec.decode(value), offset)
        except Undecodable:
            continue
    named = {subject for event, _, subject in gateway.latest if event == "ProposalAccepted"}

    assert {*ideas.catalogue.consultations["jeunes"].proposals} == {"p1", "p3"} == named
    assert {*pages.catalogue.consultations["jeunes"].proposals} == named
    assert ideas.catalogue.offset == pages.catalogue.offset == len(values) - 1
    assert {*ideas.catalogue.consultations} == {*pages.catalogue.consultations} == {"jeunes"}
