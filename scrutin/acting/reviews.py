"""What voters ask: that a person looks at what a rule set aside; and the answer.

Theory of operation: who asks is in the log of sequences, which gateways write, once a device and
consultation. The answer is the voter's reinstatement in the ballot box; beside it the catalogue
says so under the id of what was asked, which gateways follow, and in which nobody finds a
pseudonym.
"""

import hashlib
import secrets
from collections.abc import Collection
from typing import Any

from processors.guard.parameters import NAMES
from producers import signing
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log, require_reason, write_catalogue
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.corrections import REVIEW_ANSWERED
from schemas.finding_acts import REVIEW_ASKED, review_id
from schemas.registry import HEADER_BYTES, headers, seed


_ASKED = headers(REVIEW_ASKED)


async def reviews(log: Log, consultation: str | None) -> list[dict[str, Any]]:
    """List what voters asked, the oldest first; raise Missing, Unreachable."""
    found: dict[bytes, dict[str, Any]] = {}
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
        await reader.require(log.topics.sequences, 1)
        async for records in reader.read(log.topics.sequences, 0):
            for record in records:
                fields = _asked(record.value or b"")
                if fields and consultation in (None, fields["consultation"]):
                    found.setdefault(fields["event_id"], fields)
    return [{
        "asked_at": fields["occurred_at"], "consultation": fields["consultation"],
        "voter": fields["voter"].hex(), "finding": fields["finding"].hex(),
        "rule": NAMES.get(fields["rule"], str(fields["rule"])),
        "state": known.acts.standing(fields["consultation"], fields["finding"]).state,
        "answered": fields["rule"] in known.answered.get(review, ())
        or known.acts.lets_count(fields["consultation"], fields["finding"]),
    } for review, fields in found.items()]


def _asked(value: bytes) -> dict[str, Any] | None:
    """Read a ReviewAsked whose id is that of its voter; None for anything else."""
    if value[:HEADER_BYTES] not in _ASKED:
        return None
    try:
        fields = codec.decode(value)[1]
    except codec.Undecodable:
        return None
    own = review_id(fields["consultation"], fields["voter"])
    return fields if fields["event_id"] == own else None


async def answer(
    log: Log, voter: bytes, consultation: str, rules: Collection[int], reason: str, *, now: int
) -> bool:
    """Say in the catalogue that a voter counts, for good; return whether that was needed.

    Raises InvalidInput where no key at hand may sign.
    """
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    review, said = review_id(consultation, voter), sorted(rules)
    if known.answered.get(review, frozenset()).issuperset(said):
        return False
    signer = signing.operators_key(known, log.own_keys)
    event_id = hashlib.sha256(
        seed(REVIEW_ANSWERED) + review + repr(said).encode()).digest()[:ID_BYTES]
    value = require_reason(lambda form: signing.correction(
        signer, REVIEW_ANSWERED, event_id=event_id, consultation=consultation, review=review,
        rules=said, reason=form, salt=secrets.token_bytes(ID_BYTES), origin="operator",
        occurred_at=now), reason)
    await write_catalogue(log, [value], now)
    return True
