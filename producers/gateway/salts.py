"""Random bytes of the operating system, drawn many at a time: a system call for each would cost
a vote as much as its signatures."""

import os


BLOCK_BYTES = 4_096
"""Drawn at once: the salts of 256 votes."""


class Salts:
    """Gives each random byte once; for one thread of one process, which must not fork."""

    def __init__(self) -> None:
        self._block = b""
        self._at = 0

    def draw(self, size: int) -> bytes:
        """Return bytes that nobody had before."""
        if self._at + size > len(self._block):
            self._block, self._at = os.urandom(max(BLOCK_BYTES, size)), 0
        at, self._at = self._at, self._at + size
        return self._block[at:at + size]
