"""What is sent under an entity tag: its bytes, and their compressed form."""

import asyncio
import gzip


COMPRESSION_LEVEL = 6
"""Of gzip: 5 MB of JSON take a tenth of a second, in a thread, once a publication."""


class Representation:
    """Bytes to send under a strong entity tag, with their compressed form.

    `packed` is that form where it is known already.
    """

    def __init__(self, body: bytes, tag: str, packed: bytes | None = None) -> None:
        self.body = body
        self.tag = tag
        self._packed = packed
        self._compressing: asyncio.Task[bytes] | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes, at most: as much again when it is compressed."""
        return 2 * len(self.body)

    async def compressed(self) -> bytes:
        """Return the gzip form; the first caller starts the work, the others wait for it."""
        if self._packed is not None:
            return self._packed
        if self._compressing is None:
            self._compressing = asyncio.create_task(
                asyncio.to_thread(gzip.compress, self.body, COMPRESSION_LEVEL, mtime=0)
            )
        # Shielded: a visitor who leaves must not stop what others wait for.
        return await asyncio.shield(self._compressing)
