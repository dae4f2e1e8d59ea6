"""Work that a device does instead of waiting: ALTCHA's proof of work, version 2.

Theory of operation: a challenge is a riddle without a picture. The browser derives keys from
successive numbers until one begins as the challenge says; that takes it about a second and us two
derivations less than that. We choose the number, so everybody's work is alike, and sign the key
that comes out: a solution is checked by two HMACs and never derived again, so nobody can keep us
busy with wrong ones.

What the package leaves to its user is done here (its `verify_solution` takes a payload any number
of times, never looks at `data`, and takes challenges without an end): every challenge ends after
ten minutes; `data` names consultation, voter and what is voted on, and is compared; the signature
of a challenge that was solved is remembered until it ends, and names it whatever else of the text
was altered. Brought again it is the same voter's on the same proposal: it counts once, and may be
sent until its vote is in the log. So it is good at any gateway, though they share no such memory.
"""

import base64
import json
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import altcha

from producers.gateway.identity import Ring


ALGORITHM = "PBKDF2/SHA-256"
"""What every browser computes by itself, in its own code."""
COST = 1_000
"""Iterations of a derivation."""
COUNTERS = ((0, 0), (1_500, 2_500), (6_000, 10_000), (6_000, 10_000))
"""Between these lies the number to be found, by step: 2 and 8 million iterations on average."""
EXPIRY_SECONDS = 600
SKEW_SECONDS = 60
"""A challenge of another gateway may end so much later."""
SOLUTION_CHARACTERS = 1_500
"""Longest solution that is read; one for the longest names has some 1,450."""
SPENT_MOST = 1 << 17
"""Solved challenges remembered; past it solutions are refused, and waiting is the other way in."""
SPENT_BYTES = 160
"""What one of them takes, at most."""
SIGNATURE_BYTES = 32
MADE_PER_SECOND = 250
"""Challenges made in a second: each takes 0.4 ms. Past it the answer names the wait alone.

A network has as many of them as it leaves to others: one alone takes half, and the next half of
the rest."""

SOLVED = "solved"
ALTERED, EXPIRED, OTHER, REPLAYED, BUSY = "altered", "expired", "other", "replayed", "busy"
VERDICTS = (SOLVED, ALTERED, EXPIRED, OTHER, REPLAYED, BUSY)
"""What is said of a solution: altered or wrong; too late; of another vote; brought before, with the
same vote, so it passes and is not counted again; too many at once."""


class Checked(NamedTuple):
    """What is said of a solution; what names its challenge, and when that was given."""

    verdict: str
    signature: bytes = b""
    given_at: int = 0
    """Seconds since 1970."""


class Work:
    """Makes challenges and checks solutions, by the keys of devices."""

    def __init__(self, keys: Callable[[], Ring]) -> None:
        self._keys = keys
        self._second = 0
        self._made: Counter[bytes] = Counter()
        """Challenges made in this second, by network: fewer than MADE_PER_SECOND."""

    def challenge(
        self, voter: bytes, consultation: str, proposal: str, *, network: bytes, step: int, now: int
    ) -> dict[str, Any] | None:
        """Make a challenge for a vote, now (seconds since 1970); None where too many are made."""
        if now != self._second:
            self._second = now
            self._made.clear()
        if self._made[network] >= MADE_PER_SECOND - self._made.total():
            return None
        self._made[network] += 1
        least, most = COUNTERS[step]
        secret, key_secret = _secrets(self._keys())[0]
        made = altcha.create_challenge(
            ALGORITHM, COST, counter=least + secrets.randbelow(most - least),
            expires_at=now + EXPIRY_SECONDS, data=self._data(voter, consultation, proposal),
            hmac_secret=secret, hmac_key_secret=key_secret)
        return made.to_dict()

    def check(
        self, voter: bytes, consultation: str, proposal: str, solution: str, now: int
    ) -> Checked:
        """Check a solution for a vote, now (seconds since 1970); whether it is spent, not yet."""
        payload = _read(solution)
        ends_at = payload.challenge.parameters.expires_at if payload else None
        if payload is None or type(ends_at) is not int:
            return Checked(ALTERED)
        if payload.challenge.parameters.data != self._data(voter, consultation, proposal):
            return Checked(OTHER)
        if ends_at < now:
            return Checked(EXPIRED)
        if ends_at > now + EXPIRY_SECONDS + SKEW_SECONDS or not self._is_solved(payload):
            return Checked(ALTERED)
        signature = bytes.fromhex(payload.challenge.signature or "")
        return Checked(SOLVED, signature, ends_at - EXPIRY_SECONDS)

    def _is_solved(self, payload: altcha.Payload) -> bool:
        """Whether we made the challenge and signed the key that solves it: nothing is derived."""
        return bool(payload.challenge.parameters.key_signature) and any(
            altcha.verify_solution(payload, secret, hmac_key_secret=key_secret).verified
            for secret, key_secret in _secrets(self._keys()))

    def _data(self, voter: bytes, consultation: str, proposal: str) -> dict[str, str]:
        return {"consultation": consultation, "voter": voter.hex(), "action": f"vote/{proposal}"}


class Spent:
    """Challenges that were solved, until they end."""

    def __init__(self, most: int = SPENT_MOST) -> None:
        self._most = most
        self._ends: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    async def take(self, signature: bytes, now: int) -> str:
        """Note a solved challenge; say SOLVED where that is new, else why it does not count."""
        while self._ends and next(iter(self._ends.values())) < now:
            self._ends.popitem(last=False)
        if signature in self._ends:
            return REPLAYED
        if len(self._ends) >= self._most:
            return BUSY
        # In order of their ends but for a minute's difference: each was given ten minutes before.
        self._ends[signature] = now + EXPIRY_SECONDS + SKEW_SECONDS
        return SOLVED


def _secrets(keys: Ring) -> list[tuple[str, str]]:
    """Derive what challenges and keys are signed with, by each key of devices, newest first."""
    return [(signer.code(b"work").hex(), signer.code(b"work key").hex())
            for signer in keys.signers]


def _read(solution: str) -> altcha.Payload | None:
    """Read a solution as the browser sent it; None where it cannot be one."""
    if len(solution) > SOLUTION_CHARACTERS:
        return None
    try:
        found: altcha.Payload = altcha.Payload.from_dict(
            json.loads(base64.b64decode(solution, validate=True)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if isinstance(found.challenge.signature, str) else None
