"""The records of a tallies flush, straight-line: thousands are written every few seconds. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.hot import long, short_string
from schemas.registry import current
from schemas.topics import FLUSH_KEY
from schemas.words import COUNTS, EVERY_COUNT


_KINDS = [(current("ProposalTallied", rules).header, len(names))
          for rules, names in ((1, COUNTS), (2, EVERY_COUNT))]
"""Header and number of counts of a record, by the version of the rules less one."""


class _Encodings(dict[int, bytes]):
    """Encodings by number; those of large ones are made each time."""

    def __missing__(self, number: int) -> bytes:
        return long(number)


_encoded = _Encodings((number, long(number)) for number in range(4_096)).__getitem__
"""Give the encoding of a count: most are small."""

Record = tuple[bytes, bytes]
"""Key and value."""
SLICE_PROPOSALS = 2_000
"""Proposals whose tallies are taken at once: some ten milliseconds of work."""


def proposal_tallied(
    consultation: str, proposal: str, source_offset: int, counts: Sequence[int], rules: int = 1
) -> bytes:
    """Encode a ProposalTallied of the version of some rules; as the generic codec does (tested)."""
    header, size = _KINDS[rules - 1]
    return b"".join((header, short_string(consultation), short_string(proposal),
                     long(source_offset), *map(_encoded, counts[:size])))


def flush(ledger: Ledger, *, everything: bool) -> list[Record]:
    """Take what moved since the last flush (or everything) as records, the marker last.

    Clears the ledger's touched sets.
    """
    return [*chain.from_iterable(flush_slices(ledger, everything=everything))]


def flush_slices(ledger: Ledger, *, everything: bool) -> Iterator[list[Record]]:
    """Take the same in slices; the ledger must not decide before the last one is taken."""
    # In an order of their own: the same votes give the same topic, whatever is where in memory.
    proposals = iter(ledger.every_proposal() if everything
                     else sorted(ledger.touched, key=attrgetter("number")))
    names = (ledger.consultations() if everything
             else sorted(c.name for c in ledger.touched_consultations))
    ledger.touched.clear()
    ledger.touched_consultations.clear()
    offset, rules = ledger.last_offset, ledger.ledger_version
    while slice_of := [*islice(proposals, SLICE_PROPOSALS)]:
        yield [
            (f"{p.consultation.name}\0{p.name}".encode(),
             proposal_tallied(p.consultation.name, p.name, offset, p.counts, rules))
            for p in slice_of
        ]
    yield [*_participations(ledger, names), (FLUSH_KEY, _marker(ledger))]


def touch_again(ledger: Ledger, turn: int) -> int:
    """Have the next flush hold the next slice of everything again; return the turn after it.

    The turn after the last slice is 0, and with it come the consultations.
    """
    ledger.touched.update(ledger.every_proposal()[turn:turn + SLICE_PROPOSALS])
    if turn == 0:
        ledger.touched_consultations.update(map(ledger.consultation, ledger.consultations()))
    after = turn + SLICE_PROPOSALS
    return after if after < len(ledger.by_number) else 0


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
