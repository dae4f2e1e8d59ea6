"""Honest crowds: many at once, from one place or for one proposal, as people do. Pure.

Theory of operation: who shares a network is as many as in life, whatever the scale of the day, for
what the rules ask for are numbers of people; the fewer are the lycées, and the people of crowds
all over the country. All ballots and times are invented; the shapes (classes that begin together,
one link for thousands, a prefix for a whole town) are those that honest crowds are known to have.
"""

from collections.abc import Callable, Iterator
from itertools import repeat

from benchmarks.attacks.world import (
    AGREE,
    ASKED,
    IMPORT,
    LINK_MU,
    SERVED,
    SUSPECT,
    Call,
    Vote,
    World,
)


LYCEES, LYCEE_PUPILS, LYCEE_CLASSES = 20, 900, 30
OFFICES, OFFICE_VOTERS = 30, 12
Crowd = Callable[[World], Iterator[Vote]]


def lycees_served(world: World) -> Iterator[Vote]:
    """Twenty lycées of 900, class by class, on what is drawn for them."""
    for _ in range(world.scaled(LYCEES)):
        network = world.network()
        times = world.in_classes(7 + world.chance.random() * 6, 1, LYCEE_CLASSES)
        for vote in world.people(LYCEE_PUPILS, times, repeat(network).__next__, alone=0.3):
            yield vote._replace(shown=SERVED)


def lycee_own_proposal(world: World) -> Iterator[Vote]:
    """A lycée of 900, 95 % of whom come for the proposal of one of its pupils."""
    network = world.network()
    yield from world.people(
        LYCEE_PUPILS, world.in_classes(7 + world.chance.random() * 6, 1, LYCEE_CLASSES),
        lambda: network, Call(world.target(), AGREE, 95), alone=0.3)


def amphitheatre(world: World) -> Iterator[Vote]:
    """300 students behind one address who follow the link on a slide within minutes."""
    network = world.network()
    yield from world.people(300, world.after(9 + world.chance.random() * 6, 1.5, 1),
                            lambda: network, Call(world.target(), AGREE, 90), alone=0.5)


def company(world: World) -> Iterator[Vote]:
    """600 employees behind one address, called by a mail in the morning."""
    network = world.network()
    yield from world.people(600, world.after(8, 70, 8), lambda: network,
                            Call(world.target(), AGREE, 85), alone=0.6)


def association_national(world: World) -> Iterator[Vote]:
    """5,000 members of an association all over the country; most cast the one vote."""
    yield from world.people(world.scaled(5_000), world.after(10, 90, 10), world.anywhere,
                            Call(world.target(), AGREE, 97), alone=0.8)


def association_in_one_city(world: World) -> Iterator[Vote]:
    """2,000 members in one city: eight prefixes of carriers, and homes."""
    carriers = [world.mobile() for _ in range(8)]
    homes = [world.home() for _ in range(900)]
    yield from world.people(
        2_000, world.after(17, 60, 6), lambda: world.chance.choice(
            carriers if world.chance.random() < 0.5 else homes),
        Call(world.target(), AGREE, 97), alone=0.8)


def influencer(world: World) -> Iterator[Vote]:
    """8,000 followers, most of them on their telephones, within the hour."""
    yield from world.people(
        world.scaled(8_000), world.after(16, 25, 6), world.mostly_mobile(0.8),
        Call(world.target(), AGREE, 93), alone=0.7)


def television(world: World) -> Iterator[Vote]:
    """A moment on television: fifty times as many as before, within two minutes."""
    yield from world.people(world.scaled(3_500), world.after(19.2, 1.2, 1), world.anywhere,
                            Call(world.target(), AGREE, 45), alone=0.5)


def carrier(world: World) -> Iterator[Vote]:
    """2,500 customers behind the busiest prefix of a carrier, on this and that."""
    network = world.largest_mobile()
    yield from world.people(world.scaled(2_500), world.between(6, 16), lambda: network)


def cookie_stripping_school(world: World) -> Iterator[Vote]:
    """400 pupils behind a firewall that strips cookies: each click is a new device's, unproven."""
    network = world.network()
    for vote in world.people(400, world.in_classes(8, 2, 14), lambda: network,
                             Call(world.target(), AGREE, 95), alone=0.2):
        yield vote._replace(voter=world.voter(), trust=SUSPECT)


def offices(world: World) -> Iterator[Vote]:
    """Thirty offices of twelve, 97 % of whom cast the one vote their federation asked for."""
    yield from _offices(world, 97)


def _offices(world: World, percent: float) -> Iterator[Vote]:
    places = [world.network() for _ in range(OFFICES)]
    seats = iter(place for place in places for _ in range(OFFICE_VOTERS))
    yield from world.people(OFFICES * OFFICE_VOTERS, world.after(9, 90, 8), lambda: next(seats),
                            Call(world.target(), AGREE, 100), alone=percent / 100)


def polis_import(world: World) -> Iterator[Vote]:
    """A conversation taken over from Polis: 20,000 votes at even gaps, from nowhere."""
    time = world.between(12, 2)()
    for _ in range(world.scaled(2_000)):
        voter = world.voter()
        for _ in range(10):
            time += 20
            yield Vote(time, voter, None, world.popular(), world.opinion(), 0, 15, origin=IMPORT)


def identical_ballots(world: World) -> Iterator[Vote]:
    """Blind spot: 900 people on one network, every ballot the same and nothing else."""
    network, target = world.network(), world.target()
    times = world.in_classes(13, 1, LYCEE_CLASSES)
    for _ in range(LYCEE_PUPILS):
        yield Vote(times(), world.voter(), network, target, AGREE, ASKED, world.reading(LINK_MU))


def offices_alike(world: World) -> Iterator[Vote]:
    """Blind spot: the thirty offices, 99 % of whom cast the one vote."""
    yield from _offices(world, 99)


CROWDS: dict[str, Crowd] = {
    "20 lycées of 900, what is drawn": lycees_served,
    "lycée of 900, its own proposal": lycee_own_proposal,
    "amphitheatre of 300": amphitheatre,
    "company of 600": company,
    "association, 5,000 nationwide": association_national,
    "association, 2,000 in one city": association_in_one_city,
    "influencer, 8,000": influencer,
    "television, × 50": television,
    "carrier's busiest /24, 2,500": carrier,
    "school that strips cookies, 400": cookie_stripping_school,
    "30 offices of 12, 97 % alike": offices,
    "Polis import, 20,000 votes": polis_import,
}
BLIND_SPOTS: dict[str, Crowd] = {
    "900 on one network, all ballots identical": identical_ballots,
    "30 offices of 12, 99 % alike": offices_alike,
}
"""Which the rules take for machines, and the guard's page says so."""
