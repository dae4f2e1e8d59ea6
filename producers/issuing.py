"""Issues codes: makes them, and writes into the catalogue how many there are, and under which root.

Theory of operation: a consultation asks for codes from the first issue in the catalogue on, and
never stops. So the first one has to lie there before anybody can vote: as long before the opening
as a gateway may need to read it. Later ones come on top at any time until the closing. Codes are on
paper, and their hashes with the gateways, before the log counts them: a command that is killed in
between leaves cards that are good for nothing, never codes in the log that nobody has.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from producers import cuts, operations
from producers.endorsing import Endorser, endorser
from producers.errors import InvalidInput
from producers.gateway import codes
from producers.gateway.codes import CODE_BYTES, Issue
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.writer import WAIT_SECONDS
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.codes import ISSUED, KNOWN_BEFORE_MILLISECONDS
from schemas.registry import seed


CODES_MOST = 10_000
"""Made at once, at most: a page of them has 25 MB, and is printed as 1,000 sheets."""
FIRST_BEFORE_MILLISECONDS = KNOWN_BEFORE_MILLISECONDS + int(1_000 * WAIT_SECONDS)
"""The first codes are written so long before voting opens: the log may take some time to take
them."""


@dataclass(frozen=True)
class Ready:
    """A consultation that codes can be issued for."""

    consultation: str
    described: Mapping[str, Any]
    issued: int
    """How many codes it has already."""
    endorsed: Endorser


async def ready(log: Log, consultation: str | None, *, now: int) -> Ready:
    """Find out whether codes can be issued; without a consultation the only one there is is meant.

    Raises Missing for an unknown one, ChangesFinal for one that is closed, InvalidInput where it
    has no codes and voting is about to open or has been open, or no key at hand may endorse.
    """
    found = await _ready(log, consultation, now=now)
    if not found.issued:  # Else nobody has voted without one; the box is read for as long as it is.
        box = await cuts.cut(log.address, log.topics, found.consultation)
        if box.votes.total:
            raise InvalidInput(
                f"people have voted in {found.consultation!r} without a code, {box.votes.total:,} "
                "votes, though it has yet to open: its date was put off. They would count beside "
                "those of codes. Describe another consultation. No code was issued.")
    return found


async def _ready(log: Log, consultation: str | None, *, now: int) -> Ready:
    """Find out what the catalogue says; raise as `ready`."""
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    consultation = known.require_consultation(consultation)
    operations.require_open(log, known, consultation)
    described = known.find("ConsultationDescribed", consultation)
    assert described is not None, "it is known"
    issued = known.codes.get(consultation, {})
    if not issued and now > described["opens_at"] - FIRST_BEFORE_MILLISECONDS:
        raise InvalidInput(
            f"voting in {consultation!r} has opened, or does within three minutes: whoever voted "
            "without a code would count. The first codes are made before; the catalogue says when "
            "voting opens (opens_at), and before it does `scrutin correct` puts it off. No code "
            "was issued.")
    return Ready(consultation, described, sum(issued.values()),
                 endorser(known, log.own_keys, (ISSUED,)))


def made(consultation: str, number: int) -> tuple[list[str], Issue]:
    """Make codes: as they are written on cards, in no order, and as gateways keep them."""
    drawn = [secrets.token_bytes(CODE_BYTES) for _ in range(number)]
    issue = codes.issue_of(codes.hash_of(consultation, code) for code in drawn)
    return [codes.written(code) for code in drawn], issue


async def issue(log: Log, consultation: str, made: Issue, *, now: int) -> Ready:
    """Write into the catalogue that codes were issued: from then on they are good.

    Return how the consultation stood before. Raises as `ready`, but looks at no votes: to draw the
    cards of ten thousand codes takes minutes, and voting may open meanwhile, or close.
    """
    found = await _ready(log, consultation, now=now)
    event = codec.encode(
        ISSUED, event_id=hashlib.sha256(seed(ISSUED) + made.root).digest()[:ID_BYTES],
        consultation=consultation, codes=made.size, root=made.root, origin="operator",
        occurred_at=now)
    await operations.write_catalogue(log, [event], now, found.endorsed)
    return found
