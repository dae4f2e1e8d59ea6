"""Which proposals a gateway lets people vote on: those that say something."""

from producers.gateway.follower import Follower
from producers.polis import catalogue_events, read_export
from schemas import codec
from schemas.topics import Topics
from tests.producers.test_polis_cases import CASES


def test_proposals_without_a_text_are_offered_to_nobody() -> None:
    """Rejected and empty comments of an import count, but are neither shown nor voted on."""
    follower = Follower("nowhere:1", Topics("t", 1))
    for _, _, value in catalogue_events(read_export(CASES / "polis-moderated"), "set", "en"):
        follower.known.apply(*codec.decode(value))
    follower.offset = 4

    assert list(follower.proposals("set")) == ["0", "2"]
