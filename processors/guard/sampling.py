"""Above its bounds the patrol looks at a sample of the voters, by hash. Pure."""

import hashlib


SAMPLE_MOST = 32
"""Levels there are: at each, half of the voters of the one before."""


def in_sample(voter: bytes, level: int) -> bool:
    """Whether a voter is in the sample of a level: one of two to its power.

    Decided by the hash of the pseudonym's last eight bytes, so that neither who came first nor how
    records arrived has a say.
    """
    if not level:
        return True
    digest = hashlib.blake2b(voter[-8:], digest_size=8, person=b"patrol").digest()
    return not int.from_bytes(digest, "big") >> 64 - min(level, SAMPLE_MOST)
