"""What the door gives to devices and signs: marks of the known, and leave to come back. Pure.

A *mark* says that a device has done what a machine does not do a thousand times: it has solved
what was asked, has waited, or has voted a day ago on what was drawn for it. It stands in a cookie
of its own beside the device's, so that devices from before it stay good. A device alone, however
old, is not known: cookies can be collected and kept.

*Leave* is for who does no work: nobody needs to remember who waits, for they bring a text that says
when they may come back, with which vote.
"""

from typing import NamedTuple

from producers.gateway.identity import IDENTIFIER_BYTES, Key, bytes_of, characters, text_of


SOLVED, WAITED, SERVED = 1, 2, 3
"""How a mark was earned."""
LASTING = (SOLVED, SERVED)
"""Marks that no other takes the place of, from their moment on; others give way to them."""
SERVED_SECONDS = 86_400
"""A vote on what was drawn makes its device known after so long."""
LEAVE_SECONDS = 600
"""Leave is good for so long from the moment it names."""
_SECONDS_BYTES = 5
_MARK_BYTES = 1 + _SECONDS_BYTES + IDENTIFIER_BYTES
_LEAVE_BYTES = 2 * _SECONDS_BYTES + IDENTIFIER_BYTES
MARK_CHARACTERS = characters(_MARK_BYTES)
LEAVE_CHARACTERS = characters(_LEAVE_BYTES)


class Mark(NamedTuple):
    """How a device became known; 0: it is not."""

    how: int
    since: int
    """From then on (seconds since 1970); may lie ahead."""


UNMARKED = Mark(0, 0)


def mark_text(key: Key, device: bytes, mark: Mark) -> str:
    """Sign a mark for the cookie of a device."""
    head = bytes((mark.how,)) + mark.since.to_bytes(_SECONDS_BYTES, "big")
    return text_of(head + key.code(b"known", device, head))


def mark_of(key: Key, device: bytes, text: str) -> Mark:
    """Read the mark of a device; UNMARKED where we did not sign it for this one."""
    raw = bytes_of(text, _MARK_BYTES)
    if raw is None:
        return UNMARKED
    head, code = raw[:-IDENTIFIER_BYTES], raw[-IDENTIFIER_BYTES:]
    if not key.signed(code, b"known", device, head):
        return UNMARKED
    return Mark(head[0], int.from_bytes(head[1:], "big"))


class Leave(NamedTuple):
    """When somebody may come back with a vote (seconds since 1970), and when it was said."""

    not_before: int
    said_at: int


def leave_text(key: Key, voter: bytes, consultation: str, proposal: str, leave: Leave) -> str:
    """Sign leave for a voter's vote on a proposal."""
    head = b"".join(each.to_bytes(_SECONDS_BYTES, "big") for each in leave)
    return text_of(head + key.code(b"leave", voter, head, consultation.encode(), proposal.encode()))


def leave_of(
    key: Key, voter: bytes, consultation: str, proposal: str, text: str
) -> Leave | None:
    """Read leave; None where we did not sign it for this voter and proposal."""
    raw = bytes_of(text, _LEAVE_BYTES)
    if raw is None:
        return None
    head, code = raw[:-IDENTIFIER_BYTES], raw[-IDENTIFIER_BYTES:]
    if not key.signed(code, b"leave", voter, head, consultation.encode(), proposal.encode()):
        return None
    return Leave(int.from_bytes(head[:_SECONDS_BYTES], "big"),
                 int.from_bytes(head[_SECONDS_BYTES:], "big"))
