"""Voters of earlier days: who is among them is not fresh. Pure.

Theory of operation: pseudonyms are keyed hashes, so eight of their bytes tell them apart, and lie
sorted: eight bytes a voter, whatever the order in which they came.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

import numpy as np

from processors.guard.sampling import in_sample


MAX_KNOWN = 16_000_000
"""Voters of all consultations that are remembered: 128 MB. Of more, every other is forgotten, and
is then neither known nor fresh."""
_DIGEST_BYTES = 8


class Known:
    """The voters of a consultation who voted before today."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, voter: bytes) -> bool:
        digest = int.from_bytes(voter[-_DIGEST_BYTES:], "big")
        at = bisect_left(self._digests, digest)
        return at < len(self._digests) and self._digests[at] == digest

    def add(self, voters: Iterable[bytes]) -> None:
        """Remember voters whose day is over."""
        digests = b"".join(voter[-_DIGEST_BYTES:] for voter in voters)
        merged = np.union1d(np.frombuffer(digests, ">u8"), np.frombuffer(self._digests, "=u8"))
        self._digests = array("Q", merged.astype("=u8").tobytes())

    def thin(self, level: int) -> None:
        """Keep those in the sample of a level only."""
        self._digests = array("Q", (digest for digest in self._digests if in_sample(
            digest.to_bytes(_DIGEST_BYTES, "big"), level)))
