"""What is kept of a voter and a proposal: one row of bytes, and the ids in it. Pure.

Theory of operation: a row is
    0        the standing (bits 0 to 5) and, since rules 2, the route (bits 6 and 7)
    1 to 4   the link to the voter's previous vote: number of its proposal plus one, 0 for none
    5 to 68  the ids of the last eight events that were accepted, the newest first, eight bytes each
and most rows end after one id. Where rules 2 refused something it is, from there on and for ever,
    5 to 44  the ids of the last eight that were accepted, the newest first, five bytes each
    45 to 76 the ids of the last eight that were refused, the newest first, four bytes each
so that both memories, full, stay within 250 bytes with all that Python keeps around them. Either is
filled up to eight with copies of the oldest: a copy is found where the id itself is, and leaves
first.
"""

DIGEST_BYTES = 8
"""An event id is remembered by its last bytes: ids are random or hashes."""
SHORT_DIGEST_BYTES, REFUSED_DIGEST_BYTES = 5, 4
"""By fewer where something was refused: that of an accepted one, and of a refused one."""
REMEMBERED_EVENTS = 8
"""So many event ids are remembered per voter and proposal, to know a redelivered event."""
LINK_BYTES = 4
IDS_AT = 1 + LINK_BYTES
IDS_END = IDS_AT + REMEMBERED_EVENTS * DIGEST_BYTES
"""A row without refused ids is no longer; one with them is."""
KEPT_IDS_END = IDS_END - DIGEST_BYTES
"""Up to here ids stay when a new one comes."""
_REFUSED_AT = IDS_AT + REMEMBERED_EVENTS * SHORT_DIGEST_BYTES
_KEPT_SHORT_END = _REFUSED_AT - SHORT_DIGEST_BYTES
_KEPT_REFUSED_BYTES = (REMEMBERED_EVENTS - 1) * REFUSED_DIGEST_BYTES


def remembers(row: bytes, digest: bytes) -> bool:
    """Whether an event id is among those accepted, in a row that has no others."""
    at = row.find(digest, IDS_AT)
    while at >= 0 and (at - IDS_AT) % DIGEST_BYTES:
        at = row.find(digest, at + 1)
    return at >= 0


def remembers_either(row: bytes, digest: bytes) -> bool:
    """Whether an event id is among those accepted or refused."""
    if len(row) <= IDS_END:
        return remembers(row, digest)
    return (_holds(row[IDS_AT:_REFUSED_AT], digest[-SHORT_DIGEST_BYTES:])
            or refused_holds(row[_REFUSED_AT:], digest))


def refused_holds(refused: bytes, digest: bytes) -> bool:
    """Whether an event id is among refused ones."""
    return _holds(refused, digest[-REFUSED_DIGEST_BYTES:])


def _holds(ids: bytes, short: bytes) -> bool:
    at = ids.find(short)
    while at >= 0 and at % len(short):
        at = ids.find(short, at + 1)
    return at >= 0


def with_accepted(row: bytes, kept: bytes, digest: bytes) -> bytes:
    """Return a row that has refused ids, with a new first byte, after one more was accepted."""
    return (kept + row[1:IDS_AT] + digest[-SHORT_DIGEST_BYTES:] + row[IDS_AT:_KEPT_SHORT_END]
            + row[_REFUSED_AT:])


def with_refused(row: bytes, digest: bytes) -> bytes:
    """Return a row after one more event was refused."""
    if len(row) <= IDS_END:
        return after_refusals(row, digest[-REFUSED_DIGEST_BYTES:])
    return row[:_REFUSED_AT] + refused_and(row[_REFUSED_AT:], digest)


def refused_and(refused: bytes, digest: bytes) -> bytes:
    """Remember one more refused id, as the newest."""
    return digest[-REFUSED_DIGEST_BYTES:] + refused[:_KEPT_REFUSED_BYTES]


def after_refusals(row: bytes, refused: bytes) -> bytes:
    """Return a row without refused ids as one that has these."""
    less = DIGEST_BYTES - SHORT_DIGEST_BYTES
    accepted = b"".join(
        row[at + less:at + DIGEST_BYTES] for at in range(IDS_AT, len(row), DIGEST_BYTES))
    return (row[:IDS_AT] + _filled(accepted, SHORT_DIGEST_BYTES)
            + _filled(refused, REFUSED_DIGEST_BYTES))


def _filled(ids: bytes, size: int) -> bytes:
    """Fill ids up to eight with copies of the oldest."""
    return ids + ids[-size:] * (REMEMBERED_EVENTS - len(ids) // size)
