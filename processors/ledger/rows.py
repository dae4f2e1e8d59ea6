"""What is kept of a voter and a proposal: one row of bytes, and the ids in it. Pure.

Theory of operation: a row is
    0        the standing (bits 0 to 5) and, since rules 2, the route (bits 6 and 7)
    1 to 4   the link to the voter's previous vote: number of its proposal plus one, 0 for none
    5 to 68  the ids of the last eight events that were accepted, the newest first, eight bytes each
    69 to    the ids of the last eight that rules 2 refused, the newest first, five bytes each
Most rows end after one id. Where something was refused, the accepted ids are filled up to eight
with copies of the oldest: a copy is found where the id itself is, and leaves first.
"""

DIGEST_BYTES = 8
"""An event id is remembered by its last bytes: ids are random or hashes."""
REFUSED_DIGEST_BYTES = 5
"""That of a refused one by fewer: a row with both memories full stays within its bound."""
REMEMBERED_EVENTS = 8
"""So many event ids are remembered per voter and proposal, to know a redelivered event."""
LINK_BYTES = 4
IDS_AT = 1 + LINK_BYTES
IDS_END = IDS_AT + REMEMBERED_EVENTS * DIGEST_BYTES
KEPT_IDS_END = IDS_END - DIGEST_BYTES
"""Up to here ids stay when a new one comes."""
_KEPT_REFUSED_BYTES = (REMEMBERED_EVENTS - 1) * REFUSED_DIGEST_BYTES


def remembers(row: bytes, digest: bytes) -> bool:
    """Whether an event id is among those accepted, in a row that has no others."""
    at = row.find(digest, IDS_AT)
    while at >= 0 and (at - IDS_AT) % DIGEST_BYTES:
        at = row.find(digest, at + 1)
    return at >= 0


def remembers_either(row: bytes, digest: bytes) -> bool:
    """Whether an event id is among those accepted or refused."""
    if row.find(digest, IDS_AT) < 0 and len(row) <= IDS_END:
        return False  # as of most: nothing was refused, and the id is nowhere
    return remembers(row[:IDS_END], digest) or refused_holds(row[IDS_END:], digest)


def refused_holds(refused: bytes, digest: bytes) -> bool:
    """Whether an event id is among refused ones."""
    short = digest[-REFUSED_DIGEST_BYTES:]
    at = refused.find(short)
    while at >= 0 and at % REFUSED_DIGEST_BYTES:
        at = refused.find(short, at + 1)
    return at >= 0


def with_accepted(row: bytes, kept: bytes, digest: bytes) -> bytes:
    """Return a row with a new first byte after one more event was accepted."""
    return kept + row[1:IDS_AT] + digest + row[IDS_AT:KEPT_IDS_END] + row[IDS_END:]


def with_refused(row: bytes, digest: bytes) -> bytes:
    """Return a row after one more event was refused."""
    accepted = row[:IDS_END]
    missing = (IDS_END - len(accepted)) // DIGEST_BYTES
    filled = accepted + accepted[-DIGEST_BYTES:] * missing
    return filled + refused_and(row[IDS_END:], digest)


def refused_and(refused: bytes, digest: bytes) -> bytes:
    """Remember one more refused id, as the newest."""
    return digest[-REFUSED_DIGEST_BYTES:] + refused[:_KEPT_REFUSED_BYTES]


def after_refusals(row: bytes, refused: bytes) -> bytes:
    """Return a new row to which the ids belong that were refused before it."""
    accepted = row[:IDS_END]
    missing = (IDS_END - len(accepted)) // DIGEST_BYTES
    return accepted + accepted[-DIGEST_BYTES:] * missing + refused


def known(ids: bytes, event_id: bytes) -> bool:
    """Whether a control's event id is among those remembered."""
    return remembers(bytes(IDS_AT) + ids, event_id[DIGEST_BYTES:])


def remembering(ids: bytes, event_id: bytes) -> bytes:
    """Remember a control's event id as the newest."""
    return (event_id[DIGEST_BYTES:] + ids)[:REMEMBERED_EVENTS * DIGEST_BYTES]
