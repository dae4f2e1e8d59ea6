"""The informed suite: by somebody who knows the code, the rules and their numbers. Pure."""

from collections.abc import Iterator

from benchmarks.attacks.made import Attack, attack
from benchmarks.attacks.naive import PREFIXES, Maker, at_random, even, in_turn, script, somewhen
from benchmarks.attacks.world import (
    AGREE,
    API,
    ASKED,
    DISAGREE,
    HOUR_MS,
    LINK_MU,
    SERVED,
    SUSPECT,
    UNKNOWN,
    Call,
    Vote,
    World,
)
from producers.gateway.unanswered import Unanswered


VARIED_SHARE = 0.1
"""Of devices that vote on something else besides."""
PARTNER = 7
RING = 300
MOST_SHOWN = 0.047
"""Chance that the most shown proposal of the campaign is in a sequence; others are far below."""
LYCEE, CLASSES = 900, 30


def varied(world: World, votes: Iterator[Vote]) -> Iterator[Vote]:
    """Have one device of ten vote on something else as well."""
    for vote in votes:
        yield vote
        if world.chance.random() < VARIED_SHARE:
            yield vote._replace(time=vote.time + 9_000, proposal=world.popular(),
                                choice=world.opinion(), shown=SERVED, pause=world.reading())


def varied_ballots(world: World) -> Attack:
    """A3: A2, one ballot of ten varied."""
    return attack(varied(world, script(
        world, at_random(world, 3_000, somewhen(world), HOUR_MS), in_turn(world, 1), human=True)))


def few_at_human_pace(world: World) -> Attack:
    """A2 with 300 votes: too few ballots to be all alike beyond chance."""
    return attack(script(world, at_random(world, 300, somewhen(world), HOUR_MS),
                         in_turn(world, 1), human=True))


def varied_over_prefixes(world: World) -> Attack:
    """A5: 10,000 over 200 prefixes at random, one ballot of ten varied."""
    return attack(varied(world, script(
        world, at_random(world, 10_000, somewhen(world), HOUR_MS), in_turn(world, PREFIXES),
        human=True)))


def thousand_a_day(world: World) -> Attack:
    """A6: 1,000 a day over 200 prefixes, at random."""
    return attack(script(world, at_random(world, 1_000, world.begins, 23 * HOUR_MS),
                         in_turn(world, PREFIXES), human=True))


def four_hundred_a_day(world: World) -> Attack:
    """A7: 400 a day over 200 prefixes: two votes each."""
    return attack(script(world, at_random(world, 400, world.begins, 23 * HOUR_MS),
                         in_turn(world, PREFIXES), human=True))


def drip_at_random(world: World) -> Attack:
    """A9: one prefix, 144 a day, at random."""
    return attack(script(world, at_random(world, 144, world.begins, 23 * HOUR_MS),
                         in_turn(world, 1), human=True))


def residential(world: World) -> Attack:
    """A10: 5,000 hired homes, a vote each, at random over the evening."""
    return attack(script(world, at_random(world, 5_000, somewhen(world), 6 * HOUR_MS),
                         world.network, human=True), residential=True)


def all_day_over_prefixes(world: World) -> Attack:
    """200 prefixes, 48 a day each, at random."""
    return attack(script(world, at_random(world, 9_600, world.begins, 23 * HOUR_MS),
                         in_turn(world, PREFIXES), human=True))


def ring(world: World, targets: int, camouflage: int, dropped: float) -> Attack:
    """300 homes with common targets, so many other votes a target, some targets left out."""
    aims = [world.target() for _ in range(targets)]
    return attack(_ring(world, aims, camouflage, dropped))


def _ring(world: World, aims: list[int], camouflage: int, dropped: float) -> Iterator[Vote]:
    chance = world.chance
    for time in at_random(world, RING, somewhen(world), 4 * HOUR_MS):
        voter, network, now = world.voter(), world.home(), time
        cards = [(aim, AGREE, ASKED) for aim in aims if chance.random() >= dropped]
        cards += [(world.popular(), world.opinion(), SERVED)
                  for _ in range(camouflage * len(cards))]
        chance.shuffle(cards)
        for proposal, choice, shown in cards:
            yield Vote(now, voter, network, proposal, choice, shown, world.reading())
            now += chance.randint(4_000, 20_000)


def burial(world: World) -> Attack:
    """Twelve devices say no to ten rivals, by links, before anybody else does."""
    aims = [world.target() for _ in range(10)]
    times, network = world.between(5, 0.2), world.network()
    return attack(Vote(times(), voter, network, aim, DISAGREE, ASKED, world.reading())
                  for voter in [world.voter() for _ in range(12)] for aim in aims)


def forged_proofs(world: World) -> Attack:
    """3,000 votes with proofs of their own making: taken as unproven."""
    return attack((vote._replace(trust=SUSPECT) for vote in script(
        world, even(world, 3_000, 1_000, 0.5, somewhen(world)), in_turn(world, 1))),
        requests=3_000)


def replays(world: World) -> Attack:
    """One good vote, sent 3,000 times."""
    [vote] = script(world, [somewhen(world)], in_turn(world, 1))
    return attack([vote] * 3_000, requests=3_001)


def partner_key(world: World) -> Attack:
    """A partner's key that leaked: 6,000 votes in ten minutes, of no network."""
    return attack((vote._replace(origin=API, via=PARTNER, network=None) for vote in script(
        world, even(world, 6_000, 100, 0.5, somewhen(world)), in_turn(world, 1), human=True)),
        requests=6_000)


def click_farm(world: World) -> Attack:
    """400 telephones in people's hands on twelve prefixes of carriers, three other cards each."""
    target, places = world.target(), [world.mobile() for _ in range(12)]
    first = somewhen(world) / HOUR_MS - world.begins / HOUR_MS
    return attack(world.people(400, world.between(first, 5), lambda: world.chance.choice(places),
                               Call(target, AGREE, 100), alone=0.1))


def within_a_lycee(world: World) -> Attack:
    """400 robots at human pace behind the address of a lycée that votes on what is drawn."""
    network, hour = world.network(), 6 + world.chance.random() * 6
    times = world.in_classes(hour, 1, CLASSES)
    pupils = [vote._replace(shown=SERVED) for vote in world.people(
        LYCEE, times, lambda: network, alone=0.3)]
    return attack(script(world, sorted(times() for _ in range(400)), lambda: network, human=True),
                  beside=pupils)


def until_it_is_drawn(world: World) -> Attack:
    """Throw sequences away until the most shown proposal is drawn; an hour, one prefix.

    The real count of unanswered sequences says which proofs still carry a route.
    """
    unanswered, network, target = Unanswered(), world.network(), world.target()
    begins, votes, requests = somewhen(world), [], 0
    for time in at_random(world, 60 * 1_500, begins, HOUR_MS):
        device, requests = world.voter(), requests + 1
        is_drawn = unanswered.draw(device, network, time / 1_000)
        if world.chance.random() < MOST_SHOWN and is_drawn:
            unanswered.answer(device, network, time / 1_000)
            votes.append(Vote(time, device, network, target, AGREE, SERVED, world.reading()))
    return attack(votes, requests=requests + len(votes))


def until_it_is_in_sight(world: World) -> Attack:
    """The same at any speed: beyond the bound proofs say no route, and the vote is cast anyway."""
    found = until_it_is_drawn(world)
    unknown = [vote._replace(voter=world.voter(), shown=UNKNOWN, pause=world.reading(LINK_MU),
                             time=vote.time + 400) for vote in found.votes]
    return attack([*found.votes, *unknown], requests=2 * found.requests)


INFORMED: dict[str, Maker] = {
    "A2, 300 votes": few_at_human_pace, "A3": varied_ballots, "A5": varied_over_prefixes,
    "A6": thousand_a_day, "A7": four_hundred_a_day, "A9": drip_at_random, "A10": residential,
    "200 × 48": all_day_over_prefixes, "burial": burial, "forged": forged_proofs,
    "replays": replays, "partner": partner_key, "click farm": click_farm,
    "in a lycée": within_a_lycee, "drawn": until_it_is_drawn, "drawn, fast": until_it_is_in_sight,
}
def _maker(targets: int, camouflage: int, dropped: float) -> Maker:
    def made(world: World) -> Attack:
        """300 homes with targets in common."""
        return ring(world, targets, camouflage, dropped)

    return made


RINGS: dict[str, Maker] = {
    "ring, 20, 1, 0.2": _maker(20, 1, 0.2), "ring, 8, 1, 0.2": _maker(8, 1, 0.2),
    "ring, 20, 3, 0.5": _maker(20, 3, 0.5),
}
"""Targets, other votes a target, share of targets left out. Each has a day of its own."""
