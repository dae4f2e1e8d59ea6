"""The records of a tallies flush, straight-line: thousands are written every few seconds. Pure."""

from collections.abc import Iterable, Sequence

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.hot import long, short_string
from schemas.registry import current
from schemas.topics import FLUSH_KEY
from schemas.words import COUNTS, EVERY_COUNT


_KINDS = [(current("ProposalTallied", rules).header, len(names))
          for rules, names in ((1, COUNTS), (2, EVERY_COUNT))]
"""Header and number of counts of a record, by the version of the rules less one."""
_SMALL = [long(number) for number in range(4_096)]
"""Most counts are small: their encodings are made once."""

_CAUSES = slice(len(COUNTS), len(COUNTS) + 15)
"""Where the counts of votes set aside by cause lie."""
_NO_CAUSES = bytes(15)

Record = tuple[bytes, bytes]
"""Key and value."""


def proposal_tallied(
    consultation: str, proposal: str, source_offset: int, counts: Sequence[int], rules: int = 1
) -> bytes:
    """Encode a ProposalTallied of the version of some rules; as the generic codec does (tested)."""
    header, size = _KINDS[rules - 1]
    begin = (header, short_string(consultation), short_string(proposal), long(source_offset))
    if size == len(COUNTS) or any(counts[_CAUSES]):
        return b"".join((*begin, *_numbers(counts[:size])))
    # No rule of the guard has set votes aside here: so it is with most.
    return b"".join((*begin, *_numbers(counts[:_CAUSES.start]), _NO_CAUSES,
                     *_numbers(counts[_CAUSES.stop:])))


def _numbers(counts: Sequence[int]) -> list[bytes]:
    return [_SMALL[n] if 0 <= n < 4_096 else long(n) for n in counts]


def flush(ledger: Ledger, *, everything: bool) -> list[Record]:
    """Take what moved since the last flush (or everything) as records, the marker last.

    Clears the ledger's touched sets.
    """
    proposals = ledger.every_proposal() if everything else ledger.touched
    offset = ledger.last_offset
    records = [
        (f"{p.consultation.name}\0{p.name}".encode(),
         proposal_tallied(p.consultation.name, p.name, offset, p.counts, ledger.ledger_version))
        for p in proposals
    ]
    names = (ledger.consultations() if everything
             else sorted(c.name for c in ledger.touched_consultations))
    records += _participations(ledger, names)
    records.append((FLUSH_KEY, _marker(ledger)))
    ledger.touched.clear()
    ledger.touched_consultations.clear()
    return records


def _participations(ledger: Ledger, names: Iterable[str]) -> list[Record]:
    return [
        (f"{name}\0".encode(), codec.encode(
            "ParticipationTallied", consultation=name, source_offset=ledger.last_offset,
            **ledger.participation(name)._asdict()))
        for name in names
    ]


def _marker(ledger: Ledger) -> bytes:
    decided = ledger.decided_by_outcome()
    return codec.encode(
        "TalliesFlushed", source_offset=ledger.last_offset, ledger_version=ledger.ledger_version,
        decided=decided, undecodable=decided.get("refused_undecodable", 0),
    )
