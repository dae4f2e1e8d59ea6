"""The first counts of a proposal's record in the results, without the rest of it. Pure.

Theory of operation: shares, intervals and scores follow the counts and are most of the record, so
reading all of it takes twenty times as long. Who votes in the booth asks for three counts anew,
for each vote moves them, and a pool of proposals for nine of each, every ten seconds.
"""

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import read_long
from schemas.registry import HEADER_BYTES, versions
from schemas.words import COUNTS


_FIRST = versions("ProposalScored")[0].header
_KNOWN_BYTES = 1
"""Whether the catalogue has it stands between its idea and its counts."""


def first_counts(value: bytes, number: int) -> tuple[int, ...]:
    """Read so many counts of a ProposalScored, in the order of words.COUNTS: all received first.

    Raises Undecodable where it cannot be read as far as that.
    """
    if value[:HEADER_BYTES] != _FIRST:
        counts = codec.decode(value)[1]["entry"]["counts"]
        return tuple(counts[name] for name in COUNTS[:number])
    try:
        at = HEADER_BYTES
        for _ in ("consultation", "proposal"):
            size, at = read_long(value, at)
            at += size
        grouped, at = read_long(value, at)
        if grouped:
            size, at = read_long(value, at)
            at += size
        at += _KNOWN_BYTES
        found = []
        for _ in range(number):
            count, at = read_long(value, at)
            found.append(count)
    except (IndexError, ValueError) as error:
        raise Undecodable(f"ProposalScored: truncated or malformed body ({error})") from error
    return tuple(found)
