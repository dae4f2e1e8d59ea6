"""The service's public keys are named in the catalogue: who signed cannot be denied afterwards.

Whoever holds a key names it before it signs, or as soon as a broker answers: a gateway its keys of
receipts, a notary those of its logs, `scrutin keys` each that it makes or ends. The id of such an
event is made of what it says, so that two who name a key at once write the same event twice.
"""

import hashlib
import secrets
from collections.abc import Sequence

from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.named_keys import EVENT, RETIRED, NamedKey
from schemas.registry import seed


def naming(key: NamedKey, now: int) -> bytes:
    """Encode the event that says how a key stands."""
    said = b"\0".join((key.kind.encode(), key.name.encode(), key.state.encode(), key.public))
    event_id = hashlib.sha256(seed(EVENT) + said).digest()[:ID_BYTES]
    return codec.encode(
        EVENT, event_id=event_id, kind=key.kind, name=key.name, public=key.public,
        state=key.state, salt=secrets.token_bytes(ID_BYTES), origin="operator", occurred_at=now)


def unsaid(known: KnownCatalogue, keys: Sequence[NamedKey]) -> list[NamedKey]:
    """Return the keys of which the catalogue does not say yet how they stand."""
    found = []
    for key in keys:
        held = known.keys.find(key.kind, key.public, key.name)
        if held is None or held.state not in (RETIRED, key.state):
            found.append(key)
    return found


async def known_keys(log: Log) -> KnownCatalogue:
    """Read what the catalogue says of keys."""
    async with LogReader(log.address) as reader:
        return await read_catalogue(reader, log.topics)


async def name_keys(log: Log, keys: Sequence[NamedKey], *, now: int) -> list[NamedKey]:
    """Say in the catalogue how keys stand, where it does not yet; return those written."""
    wanted = unsaid(await known_keys(log), keys)
    if wanted:
        async with BulkWriter(log.address) as writer:
            for key in wanted:
                await writer.write(log.topics.catalogue, 0, now, naming(key, now))
    return wanted
