"""View proofs: this voter was shown this proposal, then, on this route, in these words. Pure.

Theory of operation: a proof goes with a proposal to whoever is shown it, and comes back with an
act. It is no proof that one person votes once. It says what only the gateway can know, and is
signed with voter, consultation and proposal: nobody can change it or use another's, and nothing is
kept of it meanwhile. Version 1 has the seconds alone; version 2 the route by which the device
first reached the proposal, the milliseconds, and which record of the catalogue gave the words.
Version 2 is made once the catalogue announces rules 2; both are accepted always, for gateways
learn of that one after the other, and pages lie open for a day. They differ in length, and each is
signed under a word of its own.

What was asked for may be drawn later too, and who throws away cookies reaches everything for the
first time: a proof says what one gateway and one browser knew.
"""

from producers.gateway.identity import IDENTIFIER_BYTES, Key, bytes_of, characters, text_of
from schemas.words import SHOWN


PROOF_SECONDS = 86_400
"""A view proof is good for a day: so long a page may lie open before its votes are suspect."""
CLOCK_SKEW_SECONDS = 60
"""A proof of another gateway may come from a clock so far ahead."""
PAUSE_UNIT_MILLISECONDS = 125
"""The first bucket of pauses; each later one is twice as long."""
PAUSE_LONGEST, PAUSE_UNKNOWN = 14, 15
"""Half an hour and more; and where nobody can tell."""
WORDING_UNKNOWN = -1

_SECONDS_BYTES = 5
"""Seconds since 1970 in version 1: enough for 34,000 years."""
_HEAD_BYTES, _ROUTE_AT, _TIME_AT = 13, 96, 48
"""Of version 2: one number whose highest byte is the route, then six for the milliseconds since
1970, then six for the offset and one."""
_TIME_MASK = _WORDING_MASK = (1 << 48) - 1
_FIRST_CHARACTERS = characters(_SECONDS_BYTES + IDENTIFIER_BYTES)

_SKEW, _GOOD = CLOCK_SKEW_SECONDS * 1_000, PROOF_SECONDS * 1_000


Seen = tuple[int, int, int]
"""What an act says of the view before it, as ballots do: index of the route, bucket of the pause,
catalogue offset of the words. A plain tuple, for each vote makes one."""
UNSEEN: Seen = SHOWN.index("unknown"), PAUSE_UNKNOWN, WORDING_UNKNOWN
"""All that a proof of version 1 says beside that there was a view, or none at all."""


def first_proof(key: Key, voter: bytes, consultation: str, proposal: str, issued_at: int) -> str:
    """Write version 1 of a proof for a view at a time (seconds since 1970)."""
    issued = issued_at.to_bytes(_SECONDS_BYTES, "big")
    return text_of(issued + key.code(
        b"view", voter, issued, consultation.encode(), proposal.encode()))


def view_proof(
    key: Key, voter: bytes, consultation: str, proposal: str, *, shown_at: int, shown: int,
    wording: int,
) -> str:
    """Write version 2 of a proof for a view at a time (milliseconds since 1970)."""
    head = (shown << _ROUTE_AT | shown_at << _TIME_AT | wording + 1).to_bytes(_HEAD_BYTES, "big")
    return text_of(head + key.code(
        b"shown", voter, head, consultation.encode(), proposal.encode()))


def read(
    key: Key, voter: bytes, consultation: str, proposal: str, proof: str | None, now: int
) -> Seen | None:
    """Read a proof of a voter for a proposal, now (milliseconds since 1970); None of a bad one."""
    if not proof:
        return None
    is_first = len(proof) == _FIRST_CHARACTERS
    raw = bytes_of(proof, (_SECONDS_BYTES if is_first else _HEAD_BYTES) + IDENTIFIER_BYTES)
    if raw is None:
        return None
    head, code = raw[:-IDENTIFIER_BYTES], raw[-IDENTIFIER_BYTES:]
    if is_first:
        word, seen = b"view", UNSEEN
        paused = (now // 1_000 - int.from_bytes(head, "big")) * 1_000
    else:
        word, said = b"shown", int.from_bytes(head, "big")
        paused = now - (said >> _TIME_AT & _TIME_MASK)
        seen = said >> _ROUTE_AT, pause_of(paused), (said & _WORDING_MASK) - 1
    if not -_SKEW <= paused <= _GOOD or not key.signed(
            code, word, voter, head, consultation.encode(), proposal.encode()):
        return None
    return seen


def dated_anew(
    key: Key, voter: bytes, consultation: str, proposal: str, proof: str, now: int, *,
    tells_routes: bool,
) -> str | None:
    """Write a proof again as of now (milliseconds since 1970), with its route and words."""
    found = read(key, voter, consultation, proposal, proof, now)
    if found is None:
        return None
    if not tells_routes:
        return first_proof(key, voter, consultation, proposal, now // 1_000)
    shown, _, wording = found
    return view_proof(
        key, voter, consultation, proposal, shown_at=now, shown=shown, wording=wording)


def pause_of(milliseconds: int) -> int:
    """Return the bucket of a time between view and act: floor(log2(1 + time / 125 ms)), up to 14.

    Another gateway's clock may be ahead: what ends before it began took no time.
    """
    if milliseconds < PAUSE_UNIT_MILLISECONDS:
        return 0
    return min(PAUSE_LONGEST, (1 + milliseconds // PAUSE_UNIT_MILLISECONDS).bit_length() - 1)
