"""The naive suite: scripts by somebody who has not read how the guard works. Pure."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from benchmarks.attacks.made import Attack, attack
from benchmarks.attacks.world import AGREE, ASKED, HOUR_MS, MINUTE_MS, Networks, Vote, World


SCRIPT_PAUSE = 4
"""A script takes two seconds over a card, always."""
PREFIXES = 200
Maker = Callable[[World], Attack]


def even(world: World, count: int, gap_ms: float, spread: float, first: int) -> Iterable[int]:
    """Return instants at gaps that vary by so much at most."""
    return (first + int(after) for after in accumulate(
        gap_ms * world.chance.uniform(1 - spread, 1 + spread) for _ in range(count)))


def at_random(world: World, count: int, first: int, length_ms: float) -> Iterable[int]:
    """Return instants as people come who know nothing of each other."""
    return sorted(first + int(world.chance.random() * length_ms) for _ in range(count))


def somewhen(world: World) -> int:
    """Return an instant of the day with twelve hours to go."""
    return world.between(5, 7)()


def script(
    world: World, times: Iterable[int], networks: Networks, *, human: bool = False
) -> Iterator[Vote]:
    """Cast one vote each by a new device on one target, at some pace."""
    target = world.target()
    for time in times:
        yield Vote(time, world.voter(), networks(), target, AGREE, ASKED,
                   world.reading() if human else SCRIPT_PAUSE)


def in_turn(world: World, count: int) -> Networks:
    """Make networks that are used one after the other."""
    networks, number = [world.network() for _ in range(count)], -1

    def following() -> bytes:
        nonlocal number
        number += 1
        return networks[number % count]

    return following


def one_prefix(world: World) -> Attack:
    """A1: one machine, 5,659 votes in a minute, as it was done to a running stack."""
    return attack(script(world, even(world, 5_659, 10.6, 0.2, somewhen(world)),
                         in_turn(world, 1)))


def human_pace(world: World) -> Attack:
    """A2: one machine that comes at random over an hour and takes as long as people do."""
    return attack(script(world, at_random(world, 3_000, somewhen(world), HOUR_MS),
                         in_turn(world, 1), human=True))


def many_prefixes(world: World) -> Attack:
    """A4: 10,000 votes in an hour over 200 prefixes, in turn."""
    return attack(script(world, even(world, 10_000, HOUR_MS / 10_000, 0.5, somewhen(world)),
                         in_turn(world, PREFIXES)))


def drip(world: World) -> Attack:
    """A8: one prefix, a vote every five minutes, give or take a fifth."""
    return attack(script(world, even(world, 144, 5 * MINUTE_MS, 0.2, somewhen(world)),
                         in_turn(world, 1), human=True))


def bounded_delays(world: World) -> Attack:
    """A11: one prefix, a random delay of half to one and a half seconds before each vote."""
    return attack(script(world, even(world, 3_000, 1_000, 0.5, somewhen(world)),
                         in_turn(world, 1), human=True))


def within_a_carrier(world: World) -> Attack:
    """A12: 3,000 votes in an hour from within the prefix of a carrier that people use."""
    network = world.mobile()
    return attack(script(world, even(world, 3_000, HOUR_MS / 3_000, 0.5, somewhen(world)),
                         lambda: network))


NAIVE: dict[str, Maker] = {
    "A1": one_prefix, "A2": human_pace, "A4": many_prefixes, "A8": drip,
    "A11": bounded_delays, "A12": within_a_carrier}
