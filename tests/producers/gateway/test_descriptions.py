"""Descriptions wait for others: neither time nor order joins them to votes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.gateway import descriptions
from producers.gateway.descriptions import BATCH_PEOPLE, DAY_MILLISECONDS, Descriptions
from producers.gateway.outlet import Full, NotWritten
from tests.producers.gateway import linking


TODAY = 20_000
TOWNS = ("town", "village")
Posted = list[tuple[int, list[bytes]]]


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.mark.parametrize("voters", [500, 2_000, 10_000])
@pytest.mark.parametrize("gateways", [1, 3])
def test_neither_time_nor_order_joins_descriptions_to_votes(voters: int, gateways: int) -> None:
    """What found most of them falls to chance: one in twenty, or in what a day's end leaves.

    Even for who knows when each batch was written, by which gateway, and who is in it.
    """
    chance = random.Random(voters)
    votes, told = linking.campaign(voters, gateways, chance)
    before = linking.one_by_one(told)
    log = linking.gathered(told, gateways, chance.shuffle)
    batches = len({(each.gateway, each.batch_at, each.timestamp) for each in log})
    by_chance = batches / len(log)

    assert batches <= gateways * linking.DAYS + len(log) / BATCH_PEOPLE
    assert linking.joined(before, linking.by_instant(votes, [each.at for each in told])) > 0.4
    assert linking.joined(before, linking.by_order(told, before, gateways)) == 1
    assert sorted(each.voter for each in log) == sorted(each.voter for each in told)
    for guesses in (
            linking.by_instant(votes, [each.timestamp for each in log]),
            linking.by_instant(votes, [each.batch_at for each in log]),
            linking.by_order(told, log, gateways)):
        assert linking.joined(log, guesses) < 1.5 * by_chance + 0.02


def test_without_the_draw_order_would_join_them_all() -> None:
    """Batches alone do not protect: the attack is one that finds what can be found."""
    _, told = linking.campaign(500, 1, random.Random(1))
    log = linking.gathered(told, 1, lambda values: None)

    assert linking.joined(log, linking.by_order(told, log, 1)) == 1


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(TOWNS), st.integers(0, 1)),
                max_size=200))
def test_before_a_day_ends_nothing_is_written_of_fewer_than_twenty(
    given: list[tuple[int, str, int]]
) -> None:
    """Whatever comes in whatever order: twenty participants of one day and consultation, or none.

    What is left is written at the day's end, the last description of each.
    """
    posted: Posted = []
    held = Descriptions(lambda begin, values: posted.append((begin, list(values))))
    for number, (person, town, day) in enumerate(given):
        held.take(TODAY + day, town, name(person), b"%d %s %d %d" % (
            person, town.encode(), day, number))
    for begin, values in posted:
        parts = [value.split() for value in values]
        assert len({person for person, *_ in parts}) == len(values) >= BATCH_PEOPLE
        assert {(town, int(day)) for _, town, day, _ in parts} == {
            (parts[0][1], begin // DAY_MILLISECONDS - TODAY)}
    held.look(TODAY + 2)
    last = {(person, town, day): number for number, (person, town, day) in enumerate(given)}
    written = [value.decode().split() for _, values in posted for value in values]

    assert set(last.values()) <= {int(number) for *_, number in written}
    assert {(int(person), town, int(day)) for person, town, day, _ in written} == set(last)


def test_a_day_that_goes_on_keeps_what_it_has() -> None:
    """Nineteen wait, however often somebody looks; at midnight they are written as they are."""
    posted: Posted = []
    held = Descriptions(lambda begin, values: posted.append((begin, list(values))))
    for number in range(BATCH_PEOPLE - 1):
        held.take(TODAY, "town", name(number), name(number))
    held.look(TODAY)
    assert not posted
    held.look(TODAY + 1)

    [(begin, values)] = posted
    assert begin == TODAY * DAY_MILLISECONDS
    assert sorted(values) == [name(number) for number in range(BATCH_PEOPLE - 1)]


def test_what_no_broker_takes_waits_whole_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of a batch is written alone; past the bounds others are refused."""
    taken: list[int] = []
    is_down = True

    def post(_begin: int, values: object) -> None:
        assert isinstance(values, list)
        if is_down:
            raise NotWritten
        taken.append(len(values))

    held = Descriptions(post)
    for number in range(descriptions.CONSULTATION_PEOPLE):
        held.take(TODAY, "town", name(number), name(number))
    with pytest.raises(Full):
        held.take(TODAY, "town", name(9_999), b"")
    held.take(TODAY, "town", name(0), b"")  # who is there may say something else
    monkeypatch.setattr(descriptions, "PEOPLE_MOST", descriptions.CONSULTATION_PEOPLE)
    with pytest.raises(Full):
        held.take(TODAY, "village", name(1), b"")
    is_down = False
    held.look(TODAY)
    held.take(TODAY, "village", name(1), b"")

    assert taken == [descriptions.CONSULTATION_PEOPLE]
