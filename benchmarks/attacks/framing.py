"""Framing: robots so that honest votes fall with theirs, a rival's or a partner's. Pure."""

from collections.abc import Iterable, Iterator

from benchmarks.attacks.informed import CLASSES, LYCEE, PARTNER
from benchmarks.attacks.made import Attack, attack
from benchmarks.attacks.naive import SCRIPT_PAUSE, Maker, even, in_turn, script, somewhen
from benchmarks.attacks.world import AGREE, API, ASKED, HOUR_MS, Call, Vote, World


USUAL_VOTERS = 1_000
"""Of an honest partner, all day: some twenty votes in ten minutes."""
MAILED = 300


def framing(robots: int) -> Maker:
    """Make robots behind the address of a lycée, for the proposal its pupils came for.

    They come evenly and at one pace: whoever frames wants to be found.
    """
    def made(world: World) -> Attack:
        network, target = world.network(), world.target()
        hour = 6 + world.chance.random() * 6
        pupils = world.people(LYCEE, world.in_classes(hour, 1, CLASSES), lambda: network,
                              Call(target, AGREE, 95), alone=0.3)
        begins = world.begins + int(hour * HOUR_MS)
        times = even(world, robots, 1.1 * HOUR_MS / robots, 0.1, begins)
        return attack((Vote(time, world.voter(), network, target, AGREE, ASKED, SCRIPT_PAUSE)
                       for time in times), beside=list(pupils))

    return made


FRAMING: dict[str, Maker] = {
    "framing, 300 robots": framing(300), "framing, 900 robots": framing(900),
    "framing, 3,000 robots": framing(3_000)}
"""Among the 900 pupils of a lycée."""


def _by_key(votes: Iterable[Vote]) -> Iterator[Vote]:
    """Have a partner send votes: of no network."""
    return (vote._replace(origin=API, via=PARTNER, network=None) for vote in votes)


def _leaked(world: World, begins: int) -> Iterator[Vote]:
    return _by_key(script(world, even(world, 6_000, 100, 0.5, begins), in_turn(world, 1),
                          human=True))


def with_a_past(world: World) -> Attack:
    """6,000 votes in ten minutes by the key of a partner who has voters all day."""
    usual = world.people(USUAL_VOTERS, world.between(0, 23), world.anywhere)
    return attack(_leaked(world, somewhen(world)), requests=6_000, beside=_by_key(usual))


def framed(world: World) -> Attack:
    """The same, while the partner mails 300 people, so that their votes fall, too."""
    begins = somewhen(world)
    usual = [*world.people(USUAL_VOTERS, world.between(0, 23), world.anywhere),
             *world.people(MAILED, world.after((begins - world.begins) / HOUR_MS, 4, 1),
                           world.anywhere)]
    return attack(_leaked(world, begins), requests=6_000, beside=_by_key(usual))


PARTNERS: dict[str, Maker] = {"partner with a past": with_a_past, "partner framed": framed}
"""Each has a day of its own: what is much is so beside all other votes of the hour."""
