"""Framing: robots for a rival's proposal, so that honest votes for it fall with theirs. Pure."""

from benchmarks.attacks.informed import CLASSES, LYCEE
from benchmarks.attacks.made import Attack, attack
from benchmarks.attacks.naive import SCRIPT_PAUSE, Maker, even
from benchmarks.attacks.world import AGREE, ASKED, HOUR_MS, Call, Vote, World


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
