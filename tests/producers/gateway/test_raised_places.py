"""What a gateway makes of records that ask the door for more: whoever wrote them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway.raised_places import DAY_MILLISECONDS, HOLDS_MS, SKEW_MS, RaisedPlaces
from schemas import codec
from schemas.registry import newest
from tests.schemas.events import property_test


NOON = 20_000 * DAY_MILLISECONDS + 12 * 3_600_000
NETWORK = b"a network's name"
RAISED: dict[str, Any] = {
    "event_id": bytes(16), "network": NETWORK, "day": 20_000, "consultation": "jeunes",
    "proposal": "p11", "level": 2, "until": NOON + HOLDS_MS, "occurred_at": NOON}


class Asked:
    """A door that remembers what it was asked."""

    def __init__(self) -> None:
        self.places: list[tuple[bytes, str, str, int, int]] = []

    def raise_challenge(
        self, name: bytes, consultation: str, proposal: str, level: int, until: int, now: int
    ) -> None:
        """Take what is asked."""
        assert until > now
        self.places.append((name, consultation, proposal, level, until))


def asked(value: bytes | None, now: int = NOON) -> list[tuple[bytes, str, str, int, int]]:
    """Return what a record asks of the door of a gateway with this clock."""
    door = Asked()
    following = RaisedPlaces(
        "127.0.0.1:1", "networks", door, milliseconds=lambda: now,
        accepts=lambda consultation, proposal: (consultation, proposal) == ("jeunes", "p11"))
    assert following.take(value, now) == bool(door.places)
    return door.places


def raised(**changed: Any) -> bytes:
    """Write a record."""
    return codec.encode("ChallengeRaised", **{**RAISED, **changed})


def test_a_place_is_raised_for_an_hour_at_most() -> None:
    """By the record's clock or the gateway's, whatever the record says."""
    assert asked(raised()) == [(NETWORK, "jeunes", "p11", 2, NOON + HOLDS_MS)]
    assert asked(raised(until=2**50)) == [(NETWORK, "jeunes", "p11", 2, NOON + HOLDS_MS)]
    old = raised(until=2**50, occurred_at=NOON - HOLDS_MS + 5)
    assert asked(old) == [(NETWORK, "jeunes", "p11", 2, NOON + 5)]


@pytest.mark.parametrize("changed", [
    {"until": NOON}, {"occurred_at": NOON - HOLDS_MS}, {"occurred_at": NOON + SKEW_MS + 1},
    {"level": 0}, {"level": 3}, {"level": -1}, {"day": 19_999}, {"day": 20_001},
    {"consultation": "other"}, {"proposal": "p12"}])
def test_what_cannot_be_meant_is_passed_over(changed: dict[str, Any]) -> None:
    """Over, not begun, of another day, of no proposal, or more than the patrol asks for."""
    assert asked(raised(**changed)) == []


def test_clocks_may_differ_by_a_minute() -> None:
    """A record of a moment that is still to come, and names of both days around midnight."""
    midnight = 20_001 * DAY_MILLISECONDS
    late = {"occurred_at": midnight - 1_000, "until": midnight + HOLDS_MS}

    assert asked(raised(occurred_at=NOON + SKEW_MS))
    for now in (midnight - 1_000, midnight + SKEW_MS - 1):
        assert asked(raised(**late), now)
    assert asked(raised(**late ), midnight + SKEW_MS) == []
    assert asked(raised(**{**late, "day": 20_001}), midnight - SKEW_MS)


@given(value=st.binary(max_size=90))
@property_test
def test_whatever_is_no_such_record_asks_nothing(value: bytes) -> None:
    """Records of networks, and garbled ones, are passed over; none stops the gateway."""
    header = newest("ChallengeRaised").header
    for one in (value, header + value, header + raised()[5:][:len(value)], None):
        for place in asked(one):
            assert place[1:3] == ("jeunes", "p11")
    assert asked(codec.encode("NetworksSeen", events=[bytes(16)], networks=[NETWORK],
                              occurred_at=NOON)) == []
