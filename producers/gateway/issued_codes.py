"""Which consultations ask for a code, and which codes were issued for them.

Theory of operation: the catalogue names each issue of codes by number and root, the hashes lie in
the folder of keys. What lies there is believed only where its root is one that the log names: who
can write to the folder cannot add a code. A code becomes a bearer, an HMAC under the consultation's
pepper, which stands in the place of the device from then on: no browser and no log keeps the code.
"""

import time

import structlog

from producers.gateway import codes
from producers.gateway.codes import HASH_BYTES, Issue
from producers.gateway.follower import Follower
from producers.gateway.identity import Clock
from producers.gateway.keys import KeyFolder, KeysUnusable
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.codes import KNOWN_BEFORE_MILLISECONDS


AGAIN_SECONDS = 2.0
"""An issue that is not here is looked for again after so long, and said again: whoever shows codes
by thousands has no disk read and no line written by each."""


class IssuedCodes:
    """Looks codes up; what an issue holds is read at the first code that is shown."""

    def __init__(
        self, keys: KeyFolder, follower: Follower, clock: Clock = time.monotonic
    ) -> None:
        self._keys = keys
        self._follower = follower
        self._clock = clock
        self._held: dict[bytes, Issue] = {}
        """Issues that were read, by their root."""
        self._missed: dict[bytes, float] = {}
        """When issues that are not here were looked for last, by their root."""
        self._logger = structlog.get_logger("codes")

    def asked(self, consultation: str) -> bool:
        """Whether a consultation takes votes by codes alone: since it was issued some, for ever."""
        return consultation in self._follower.known.codes

    def none_asked(self, consultation: str, opens_at: int, now: int) -> bool:
        """Whether a consultation that has opened takes votes without codes.

        Raises Refused while nobody knows: its first codes are in the catalogue some time before it
        opens, and a gateway that was frozen or cut off has not read them, perhaps.
        """
        if self.asked(consultation):
            return False
        read_at = now - 1_000 * (self._clock() - self._follower.whole_at)
        if read_at < opens_at - KNOWN_BEFORE_MILLISECONDS:
            raise Refused(problems.UNAVAILABLE)
        return True

    def bearer(self, consultation: str, text: str) -> bytes:
        """Return what stands for a code of an open consultation; raise Refused for any other text.
        """
        code = codes.read(text)
        if code is None:
            raise Refused(problems.WRONG_CODE)
        hashed, whole = codes.hash_of(consultation, code), True
        for root, size in self._follower.known.codes.get(consultation, {}).items():
            issue = self._issue(consultation, root, size)
            if issue is None:
                whole = False
            elif codes.holds(issue, hashed):
                return self._keys.pepper(consultation).code(b"bearer", code)
        raise Refused(problems.WRONG_CODE if whole else problems.UNAVAILABLE)

    def _issue(self, consultation: str, root: bytes, size: int) -> Issue | None:
        """Give an issue; None where its hashes are not here, or are others than the log names."""
        found, now = self._held.get(root), self._clock()
        if found is not None or now - self._missed.get(root, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return found
        found, reason = read_issue(self._keys, consultation, root, size)
        if found is None:
            self._missed[root] = now
            self._logger.error("codes that the log names are not taken",
                               consultation=consultation, root=root.hex(), reason=reason)
        else:
            self._held[root] = found
        return found


def read_issue(
    keys: KeyFolder, consultation: str, root: bytes, size: int
) -> tuple[Issue | None, str]:
    """Read an issue that the log names, or say why it is not taken."""
    try:
        hashes = keys.codes(consultation, root, size * HASH_BYTES)
    except KeysUnusable as error:
        return None, str(error)
    if hashes is None:
        return None, "no such file"
    found = codes.read_issue(hashes)
    return (found, "") if found.root == root else (None, "the file holds other hashes")
