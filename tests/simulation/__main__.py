"""Repeat seeds: `python -m tests.simulation 123` prints the trace of seed 123 and its verdict."""

import sys

from tests.simulation.oracles import check
from tests.simulation.world import World


def main(seed: int) -> None:
    """Repeat one history; its trace comes before the error, if there is one."""
    world = World(seed)
    try:
        world.run()
        check(world)
    finally:
        print("\n".join(world.trace))
    print(f"seed {seed}: everything holds")


main(int(sys.argv[1]))
